"""Settling: status, attention and access of an order are derived from all its facts together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from django_digitalstore.core import guard, outbox
from django_digitalstore.core.flow import flow
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.flows import lock_access
from django_digitalstore.payments import get_order_model, policies
from django_digitalstore.payments.choices import Attention, PaymentState
from django_digitalstore.payments.facts import OrderFacts, items_of, prices_in
from django_digitalstore.payments.fulfilments import get_fulfilment
from django_digitalstore.payments.models import RefundRequest, RefundRequestState
from django_digitalstore.payments.signals import order_paid, order_status_changed

from .notices import tell_of_attention, tell_of_payment

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder, OrderQuerySet

__all__ = ["settle_order"]

_SETTLE = "payments.settle"


def lock_order(pk: Any) -> AbstractOrder:
    """Return the order, locked until the transaction ends."""
    return get_order_model().objects.select_for_update().get(pk=pk)


def note_change(order: AbstractOrder | None) -> None:
    """Move ``updated_at``: a fact of the order changed, whether or not its status follows.

    So whoever counts orders finds those that count differently now by this one column.
    """
    if order is not None:
        guard.update(order, updated_at=timezone.now())


@flow
def settle_order(order: AbstractOrder) -> AbstractOrder:
    """Derive status and access of an order from its facts again, and return it fresh.

    Changes nothing where they agree already; heals where something was restored or repaired.
    """
    return settle(lock_order(order.pk))


@outbox.handler(_SETTLE)
def _settle_one(payload: Mapping[str, Any], message: Any) -> None:
    @flow
    def settle_it() -> None:
        found = get_order_model().objects.select_for_update().filter(public_id=payload["order"])
        for order in found:
            # It makes no waves of its own, or two orders could settle each other for ever.
            settle(order, with_others=False)

    settle_it()


def settle(
    order: AbstractOrder, *, facts: OrderFacts | None = None, with_others: bool = True
) -> AbstractOrder:
    """Make status, attention and access match the facts. Needs the order's lock.

    ``order``, and ``facts`` where they are given, were read behind that lock, and are all there is.
    ``with_others``: orders that were paid twice because of this one are settled after the commit.
    """
    if facts is None:
        facts = policies.facts_of_order(order)
    attention, lost = set[str](), list[Any]()
    if any(p.counts for p in facts.payments):
        attention, lost = _fulfil(order, facts)
    attention |= _refund_attention(order, facts)
    if facts.is_paid_twice:
        attention.add(Attention.PAID_TWICE)
    if facts.has_discrepancy:
        attention.add(Attention.DISCREPANCY)
    old, new = order.status, facts.status
    changes: dict[str, Any] = {"status": new, "attention": " ".join(sorted(attention))}
    if new not in policies.UNPAID and order.paid_at is None:
        changes["paid_at"] = timezone.now()
        paid = next(p.payment for p in facts.payments if p.counts)
        tell_of_payment(order, paid)
        order_paid.send_after_commit(type(order), order=order)
    changes = {name: value for name, value in changes.items() if getattr(order, name) != value}
    if changes:
        tell_of_attention(order, attention - set(order.attention.split()))
        guard.update(order, **changes, updated_at=timezone.now())
        if old != new:
            order_status_changed.send_after_commit(type(order), order=order, old=old, new=new)
    if lost and with_others:
        _settle_others(order, lost)
    return order


def _refund_attention(order: AbstractOrder, facts: OrderFacts) -> set[str]:
    """Return what requests of refunds a person should look at; asked where money ever came."""
    came = [p for p in facts.payments if p.payment.state == PaymentState.SUCCEEDED]
    if order.paid_at is None and not any(p.payment.discrepancy for p in came):
        return set()
    held = {
        (p.payment.alias, p.payment.provider_reference) for p in came if not p.is_fully_returned
    }
    attention = {
        RefundRequestState.REFUSED.value: Attention.REFUND_REFUSED,
        RefundRequestState.DOUBTFUL.value: Attention.REFUND_DOUBTFUL,
    }
    open_requests = RefundRequest.objects.filter(
        order_reference=order.public_id, state__in=list(attention)
    )
    return {
        attention[request.state]
        for request in open_requests
        if (request.alias, request.payment_reference) in held
    }


def _settle_others(order: AbstractOrder, lost: Sequence[Any]) -> None:
    """Let the buyer's other orders of the same products see that they alone hold now.

    By a message, after the commit: their locks come before the mutexes that this order holds.
    """
    orders: OrderQuerySet[Any] = get_order_model().objects.of_customer(order.customer_id)
    others = (
        orders.filter(attention__contains=Attention.PAID_TWICE)
        .filter(lines__product__in=[line.product_id for line in lost])
        .exclude(pk=order.pk)
    )
    cause = f"{order.public_id}:{timezone.now().isoformat()}"
    for public_id in others.order_by().values_list("public_id", flat=True).distinct():
        outbox.enqueue(_SETTLE, f"settle:{public_id}:{cause}", {"order": public_id})


def _fulfil(order: AbstractOrder, facts: OrderFacts) -> tuple[set[str], list[Any]]:
    """Let every line do, or undo, what each payment that counts supports.

    Return the reasons to look at the order, and the lines that a payment does not support.
    """
    lines = list(order.lines.select_related("product", "order__customer").order_by("position"))
    if not lines:
        return set(), []
    customer = lines[0].order.customer
    lock_access((customer, line.product) for line in lines)
    attention: set[str] = set()
    lost = []
    for payment_facts in facts.payments:
        if not payment_facts.counts:
            continue
        payment = payment_facts.payment
        prices = prices_in(payment, [line.total for line in lines], currency=order.currency)
        for line, item, price in zip(lines, items_of(payment, lines), prices, strict=True):
            fulfilment = get_fulfilment(line.kind)
            supported, reason = payment_facts.supports(
                item, price, dispute_suspends=settings.DIGITALSTORE_DISPUTE_SUSPENDS
            )
            if not supported:
                fulfilment.reverse(line, payment, reason)
                lost.append(line)
                continue
            try:
                fulfilment.fulfil(line, payment)
            except AccessWithheld:
                attention.add(Attention.WITHHELD)
            if fulfilment.is_paid_elsewhere(line):
                attention.add(Attention.PAID_TWICE)
    return attention, lost
