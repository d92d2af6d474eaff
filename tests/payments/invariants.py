"""What must hold of the whole database whenever nothing is under way."""

from __future__ import annotations

from django.utils import timezone

from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.payments import (
    get_dispute_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
)
from django_digitalstore.payments.facts import OrderFacts


def broken_invariants() -> list[str]:
    """Return a sentence for each thing that does not agree."""
    return [*_rows_and_ledger(), *_orders_and_facts()]


def _rows_and_ledger() -> list[str]:
    now = timezone.now()
    standing: dict[tuple, list] = {}
    for grant in get_grant_model().objects.standing(now):
        standing.setdefault((grant.user_id, grant.product_id), []).append(grant)
    rows = {(p.user_id, p.product_id): p for p in get_purchased_product_model().objects.live(now)}
    broken = []
    for pair in {*standing, *rows}:
        grants = standing.get(pair, [])
        allowed = bool(grants) and all(g.effect == "allow" for g in grants)
        if allowed != (pair in rows):
            broken.append(f"{pair}: ledger says {allowed}, row says {pair in rows}")
        elif allowed:
            ends = [g.expires_at for g in grants]
            until = None if None in ends else max(ends)
            if rows[pair].expires_at != until:
                broken.append(f"{pair}: until {rows[pair].expires_at}, ledger says {until}")
        sources = [(g.source_kind, g.source_reference) for g in grants]
        if len(sources) != len(set(sources)):
            broken.append(f"{pair}: a source stands twice: {sources}")
    return broken


def _orders_and_facts() -> list[str]:
    broken = []
    for order in get_order_model().objects.all():
        facts = OrderFacts.of(
            get_payment_model().objects.filter(order=order),
            get_refund_model().objects.filter(payment__order=order),
            get_dispute_model().objects.filter(payment__order=order),
        )
        if order.status != facts.status:
            broken.append(f"order {order.public_id}: {order.status}, facts say {facts.status}")
        if (order.paid_at is not None) != any(p.counts for p in facts.payments):
            broken.append(f"order {order.public_id}: paid_at {order.paid_at}")
    return broken
