"""Settling: status, attention and access of an order are derived from all its facts together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from django_digitalstore.core import guard, outbox
from django_digitalstore.core.flow import flow
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.flows import lock_access
from django_digitalstore.payments import (
    get_dispute_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
    policies,
)
from django_digitalstore.payments.choices import Attention
from django_digitalstore.payments.emails import RECEIPT
from django_digitalstore.payments.facts import OrderFacts
from django_digitalstore.payments.fulfilments import get_fulfilment
from django_digitalstore.payments.signals import order_paid, order_status_changed

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder

__all__ = ["settle_order"]


def lock_order(pk: Any) -> AbstractOrder:
    """Return the order, locked until the transaction ends."""
    return get_order_model().objects.select_for_update().get(pk=pk)


@flow
def settle_order(order: AbstractOrder) -> AbstractOrder:
    """Derive status and access of an order from its facts again, and return it fresh.

    Changes nothing where they agree already; heals where something was restored or repaired.
    """
    return settle(lock_order(order.pk))


def settle(order: AbstractOrder) -> AbstractOrder:
    """Make status, attention and access match the facts. Needs the order's lock."""
    facts = OrderFacts.of(
        get_payment_model().objects.filter(order=order),
        get_refund_model().objects.filter(payment__order=order),
        get_dispute_model().objects.filter(payment__order=order),
    )
    attention = _fulfil(order, facts) if any(p.counts for p in facts.payments) else set()
    if facts.is_paid_twice:
        attention.add(Attention.PAID_TWICE)
    if facts.has_discrepancy:
        attention.add(Attention.DISCREPANCY)
    old, new = order.status, facts.status
    changes: dict[str, Any] = {"status": new, "attention": " ".join(sorted(attention))}
    if new not in policies.UNPAID and order.paid_at is None:
        changes["paid_at"] = timezone.now()
        paid = next(p.payment for p in facts.payments if p.counts)
        outbox.enqueue(RECEIPT, f"receipt:{paid.key}", {"order": order.public_id})
        order_paid.send_after_commit(type(order), order=order)
    changes = {name: value for name, value in changes.items() if getattr(order, name) != value}
    if changes:
        guard.update(order, **changes, updated_at=timezone.now())
        if old != new:
            order_status_changed.send_after_commit(type(order), order=order, old=old, new=new)
    return order


def _fulfil(order: AbstractOrder, facts: OrderFacts) -> set[str]:
    """Let every line do, or undo, what each payment that counts supports."""
    lines = list(order.lines.select_related("product", "order__customer").order_by("position"))
    if not lines:
        return set()
    customer = lines[0].order.customer
    lock_access((customer, line.product) for line in lines)
    attention: set[str] = set()
    for payment_facts in facts.payments:
        if not payment_facts.counts:
            continue
        payment = payment_facts.payment
        items = dict(zip((line.pk for line in lines), payment.cart, strict=False))
        for line in lines:
            fulfilment = get_fulfilment(line.kind)
            item = str(items[line.pk][0]) if line.pk in items else ""
            supported, reason = payment_facts.supports(
                item, line.total, dispute_suspends=settings.DIGITALSTORE_DISPUTE_SUSPENDS
            )
            if not supported:
                fulfilment.reverse(line, payment, reason)
                continue
            try:
                fulfilment.fulfil(line, payment)
            except AccessWithheld:
                attention.add(Attention.WITHHELD)
            if fulfilment.is_paid_elsewhere(line):
                attention.add(Attention.PAID_TWICE)
    return attention
