"""What must hold of money: orders are what their facts say, and paid lines gave what they buy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from django_digitalstore.core.invariants import Finding, invariant
from django_digitalstore.core.money import display_money
from django_digitalstore.entitlements import get_grant_model

from . import (
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
    inbox,
)
from .choices import ELSEWHERE, FREE, Attention, PaymentState
from .facts import OrderFacts, PaymentFacts, items_of, prices_in
from .fulfilments import PAYMENT_SOURCE, get_fulfilment, kinds_that_grant

__all__ = [
    "find_facts_of_no_payment",
    "find_free_payments_of_money",
    "find_lines_without_their_grant",
    "find_messages_left_over",
    "find_money_from_nobody",
    "find_orders_that_add_up_wrong",
    "find_orders_unlike_their_facts",
    "find_payments_of_no_provider",
    "find_payments_twice",
]

#: Orders that are looked at together, with all that belongs to them.
_CHUNK = 200
_ITERATOR = 1000
_SETTLE = "settle it again in the admin, or call payments.flows.settle_order(order)."
_RECONCILE = "run manage.py digitalstore_reconcile, which asks the provider."


def _chunks(orders: QuerySet[Any]) -> Iterator[list[tuple[Any, OrderFacts]]]:
    """Yield orders with their facts: a handful of queries for each chunk, whatever its size."""
    rows = list(orders.order_by("pk")[:_CHUNK])
    while rows:
        payments: dict[Any, list[Any]] = {}
        for payment in get_payment_model().objects.filter(order__in=rows).order_by("pk"):
            payments.setdefault(payment.order_id, []).append(payment)
        refunds, disputes = (
            _by_payment(model.objects.filter(payment__order__in=rows))
            for model in (get_refund_model(), get_dispute_model())
        )
        chunk = []
        for order in rows:
            own = payments.get(order.pk, [])
            found = OrderFacts.of(
                own,
                [fact for payment in own for fact in refunds.get(payment.pk, [])],
                [fact for payment in own for fact in disputes.get(payment.pk, [])],
            )
            chunk.append((order, found))
        yield chunk
        rows = list(orders.filter(pk__gt=rows[-1].pk).order_by("pk")[:_CHUNK])


def _by_payment(facts: QuerySet[Any]) -> dict[Any, list[Any]]:
    grouped: dict[Any, list[Any]] = {}
    for fact in facts.order_by("pk"):
        grouped.setdefault(fact.payment_id, []).append(fact)
    return grouped


@invariant("payments.order_state")
def find_orders_unlike_their_facts() -> Iterator[Finding]:
    """An order's status and flags follow from its payments, refunds and disputes."""
    for chunk in _chunks(get_order_model().objects.all()):
        for order, facts in chunk:
            was_paid = any(payment.counts for payment in facts.payments)
            name = f"{order._meta.label} {order.public_id}"
            if order.status != facts.status:
                yield name, f"it is {order.status}, its facts say {facts.status}", _SETTLE
            elif (order.paid_at is not None) != was_paid:
                has = "it was never paid, and has" if order.paid_at else "it was paid, and has no"
                yield name, f"{has} paid_at", _SETTLE
            flags = set(order.attention.split())
            missing = {
                flag
                for flag, is_due in (
                    (Attention.PAID_TWICE, facts.is_paid_twice),
                    (Attention.DISCREPANCY, facts.has_discrepancy),
                )
                if is_due and flag not in flags
            }
            if missing:
                yield name, f"it lacks the flag {', '.join(sorted(missing))}", _SETTLE


@invariant("payments.line_grants")
def find_lines_without_their_grant() -> Iterator[Finding]:
    """Each paid line has its grant, and what went back has none."""
    kinds = kinds_that_grant()
    for chunk in _chunks(get_order_model().objects.exclude(paid_at=None)):
        lines: dict[Any, list[Any]] = {}
        rows = get_order_line_model().objects.filter(order__in=[order for order, _ in chunk])
        for line in rows.order_by("position"):
            lines.setdefault(line.order_id, []).append(line)
        due = [
            (line, payment.payment, source, is_due)
            for order, facts in chunk
            for payment in facts.payments
            if payment.counts
            for line, source, is_due in _grants_due(order, lines.get(order.pk, []), payment, kinds)
        ]
        standing, denied = _grants_standing(due)
        for line, payment, source, is_due in due:
            key = (line.order.customer_id, line.product_id)
            name = f"{line._meta.label} {line.order.public_id}/{line.position}"
            if not is_due and (*key, source) in standing:
                yield name, f"what payment {payment} paid went back, its grant stands", _SETTLE
            elif is_due and (*key, source) not in standing and key not in denied:
                yield name, f"payment {payment} pays it, and its grant does not stand", _SETTLE


def _grants_due(
    order: Any, lines: list[Any], payment: PaymentFacts, kinds: list[str]
) -> Iterator[tuple[Any, str, bool]]:
    """Yield (line, reference of its grant's source, whether that should stand)."""
    prices = prices_in(payment.payment, [line.total for line in lines], currency=order.currency)
    items = items_of(payment.payment, lines)
    for line, item, price in zip(lines, items, prices, strict=True):
        if line.kind not in kinds:
            continue
        line.order = order
        fulfilment: Any = get_fulfilment(line.kind)
        is_due, _reason = payment.supports(
            item, price, dispute_suspends=settings.DIGITALSTORE_DISPUTE_SUSPENDS
        )
        yield line, fulfilment.source(line, payment.payment).reference, is_due


def _grants_standing(due: list[Any]) -> tuple[set[Any], set[Any]]:
    """Return the (user, product, reference) of grants that no one ended, and the pairs denied."""
    grants = get_grant_model().objects.all()
    # One whose time is over was given, and ended by itself.
    given = grants.allowing().filter(
        ended_at=None,
        source_kind=PAYMENT_SOURCE,
        source_reference__in={source for _line, _payment, source, _is_due in due},
    )
    customers = {line.order.customer_id for line, *_ in due}
    denied = grants.standing().denying().filter(user_id__in=customers)
    return (
        set(given.order_by().values_list("user_id", "product_id", "source_reference")),
        set(denied.order_by().values_list("user_id", "product_id")),
    )


@invariant("payments.order_total")
def find_orders_that_add_up_wrong() -> Iterator[Finding]:
    """An order's subtotal is what its lines cost."""
    orders = get_order_model().objects.annotate(of_lines=Coalesce(Sum("lines__total"), 0))
    for order in orders.exclude(subtotal=F("of_lines")).order_by("pk").iterator(_ITERATOR):
        has = display_money(order.subtotal, order.currency)
        says = display_money(order.of_lines, order.currency)
        yield (
            f"{order._meta.label} {order.public_id}",
            f"its subtotal is {has}, its lines say {says}",
            "restore the line or the subtotal that was changed by SQL: both are frozen.",
        )


@invariant("payments.payment_once")
def find_payments_twice() -> Iterator[Finding]:
    """A payment of a provider pays one order."""
    model = get_payment_model()
    known = model.objects.exclude(provider_reference=None).order_by()
    twice = known.values_list("alias", "provider_reference").annotate(number=Count("pk"))
    for alias, reference, number in twice.filter(number__gt=1).order_by(
        "alias", "provider_reference"
    ):
        yield (
            f"{model._meta.label} {reference} of {alias}",
            f"there are {number} rows: the table lost its unique constraint",
            (
                "keep the row of the order that the provider names, and add the constraint again: "
                "run makemigrations, migrate."
            ),
        )


@invariant("payments.payment_source")
def find_payments_of_no_provider() -> Iterator[Finding]:
    """A payment that succeeded is known to somebody: it has a reference."""
    found = get_payment_model().objects.filter(state=PaymentState.SUCCEEDED)
    for payment in found.filter(provider_reference=None).order_by("pk").iterator(_ITERATOR):
        yield payment, "it succeeded, and no provider's reference says so", _RECONCILE


@invariant("payments.free")
def find_free_payments_of_money() -> Iterator[Finding]:
    """Only what costs nothing is paid without a provider."""
    found = get_payment_model().objects.filter(alias=FREE, state=PaymentState.SUCCEEDED)
    rows = found.exclude(amount=0, order__total=0).select_related("order")
    for payment in rows.order_by("pk").iterator(_ITERATOR):
        cost = display_money(payment.order.total, payment.order.currency)
        yield (
            payment,
            f"it is free, and its order {payment.order.public_id} costs {cost}",
            "it was written by SQL: find out by whom, and take the access back by hand.",
        )


@invariant("payments.elsewhere")
def find_money_from_nobody() -> Iterator[Finding]:
    """Money from elsewhere was recorded by a person, for a reason."""
    found = get_payment_model().objects.filter(alias=ELSEWHERE)
    rows = found.filter(Q(recorded_by=None) | Q(reason=""))
    for payment in rows.order_by("pk").iterator(_ITERATOR):
        yield (
            payment,
            "it came from elsewhere, and nobody says why",
            (
                "it was written by SQL: find out by whom, and record it by "
                "payments.flows.record_payment(order, …) if the money came."
            ),
        )


@invariant("payments.facts_linked")
def find_facts_of_no_payment() -> Iterator[Finding]:
    """A refund or dispute belongs to the payment that it names, once that is known."""
    payments = get_payment_model().objects.filter(
        alias=OuterRef("alias"), provider_reference=OuterRef("payment_reference")
    )
    for model in (get_refund_model(), get_dispute_model()):
        early = model.objects.filter(Exists(payments), payment=None)
        for fact in early.order_by("pk").iterator(_ITERATOR):
            reference = fact.payment_reference
            yield fact, f"its payment {reference} is known, and it is not linked to it", _RECONCILE
        linked = model.objects.exclude(payment=None).exclude(
            payment__alias=F("alias"), payment__provider_reference=F("payment_reference")
        )
        for fact in linked.select_related("payment").order_by("pk").iterator(_ITERATOR):
            yield (
                fact,
                f"it names payment {fact.payment_reference} and is linked to {fact.payment}",
                "link it to the payment that it names by SQL, and settle both orders again.",
            )


@invariant("payments.messages_applied")
def find_messages_left_over() -> Iterator[Finding]:
    """No message of a provider is kept and forgotten."""
    for message in inbox.left_over():
        yield (
            f"{message._meta.label} {message.alias} {message.message_id}",
            f"it is {message.state} since {message.received_at.isoformat()}, and can be applied",
            f"run manage.py digitalstore_replay {message.pk}; digitalstore_run_due does it too.",
        )
