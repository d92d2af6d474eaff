"""What providers report: merged into payments, refunds and disputes, whatever its order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q

from django_digitalstore.core import guard, locks
from django_digitalstore.core.flow import flow
from django_digitalstore.payments import (
    get_dispute_model,
    get_payment_model,
    get_refund_model,
)
from django_digitalstore.payments.choices import PaymentState, RefundState
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentEvent,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.facts import (
    OrderFacts,
    dispute_version,
    find_discount,
    find_discrepancy,
    payment_version,
    refund_version,
)
from django_digitalstore.payments.models import RefundRequest, RefundRequestState

from .notices import tell_of_dispute, tell_of_refund
from .settling import lock_order, note_change, settle

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder, AbstractPayment

__all__ = ["Applied", "apply_events", "checkout_key", "payment_key"]

logger = logging.getLogger(__name__)

#: What a request says whose refund the provider accepted and could not make.
REFUND_FAILED = "failed: the provider accepted the refund and could not make it."


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of facts: ``waits_for`` names what they wait for, or is empty.

    ``unmatched`` says that a payment belongs to no checkout that we created.
    """

    waits_for: str = ""
    unmatched: bool = False
    reason: str = ""
    #: Public id of the order that the facts belong to; of one, where they belong to several.
    order: str = ""


@dataclass(frozen=True, slots=True)
class _Merged:
    """What a fact was merged into: an order, as it was read when it was locked.

    ``facts`` is all that is known of the order, where it is known without asking again.
    """

    order: AbstractOrder
    facts: OrderFacts | None = None


def payment_key(alias: str, reference: str) -> str:
    """Return what a refund or dispute waits for, and the name of the payment's mutex."""
    return f"payment:{alias}:{reference}"[:255]


def checkout_key(alias: str, reference: str) -> str:
    """Return what a payment waits for whose checkout we don't know."""
    return f"checkout:{alias}:{reference}"[:255]


@flow
def apply_events(alias: str, events: Sequence[PaymentEvent]) -> Applied:
    """Merge facts, and derive order, access and what follows from all facts together.

    Idempotent, and indifferent to order and repetition. Writes in one transaction, joins the
    caller's; no network.
    """
    if not events:
        return Applied()
    locks.take(*(payment_key(alias, event.payment) for event in events))
    applied = Applied()
    orders: dict[Any, _Merged] = {}
    reports = [event for event in events if isinstance(event, PaymentReported)]
    for report in sorted(reports, key=lambda r: r.payment):
        merged = _merge_payment(alias, report)
        if isinstance(merged, _Merged):
            orders[merged.order.pk] = merged
        else:
            applied = Applied(checkout_key(alias, report.checkout), unmatched=True, reason=merged)
    for event in events:
        if isinstance(event, PaymentReported):
            continue
        merge = _merge_refund if isinstance(event, RefundReported) else _merge_dispute
        payment = merge(alias, event)  # type: ignore[arg-type]
        if payment is not None:
            # Whatever was read of this order before, this fact was not there.
            orders[payment.order_id] = _Merged(payment.order)
        elif not applied.unmatched:
            applied = Applied(payment_key(alias, event.payment))
    for pk in sorted(orders):
        settle(orders[pk].order, facts=orders[pk].facts)
    order_id = min((merged.order.public_id for merged in orders.values()), default="")
    return replace(applied, order=order_id)


def _merge_payment(alias: str, report: PaymentReported) -> _Merged | str:
    """Merge a payment. Return a reason where it is not for a checkout of ours."""
    model = get_payment_model()
    known = Q(provider_reference=report.payment)
    if report.checkout:
        known |= Q(checkout_reference=report.checkout)
    candidates = model.objects.filter(known, alias=alias)
    order_ids = set(candidates.values_list("order_id", flat=True).order_by())
    if not order_ids:
        return f"No checkout {report.checkout!r} of ours."
    if len(order_ids) > 1:
        return f"Payment {report.payment!r} belongs to another checkout."
    order = lock_order(order_ids.pop())
    # Read again behind the lock: two payments of one checkout may arrive at the same time.
    payments, went_back = _payments_of(order, alias, report)
    rows = [
        p
        for p in payments
        if p.alias == alias
        and (
            p.provider_reference == report.payment
            or (report.checkout and p.checkout_reference == report.checkout)
        )
    ]
    payment = next((p for p in rows if p.provider_reference == report.payment), None)
    attempt = payment or next((p for p in rows if p.provider_reference is None), None) or rows[0]
    if attempt.checkout_reference != report.checkout:
        return f"Payment {report.payment!r} belongs to another checkout."
    if report.cart is not None:
        sold = sorted((str(item), int(quantity)) for item, quantity in attempt.cart)
        if sorted(report.cart) != sold:
            return f"The cart of payment {report.payment!r} is not what was sold."
    if payment is None and attempt.provider_reference is not None:
        # A second try within the same checkout: a payment of its own.
        payment = guard.insert(
            model(
                order=order,  # type: ignore[misc]
                alias=alias,
                checkout_reference=attempt.checkout_reference,
                cart=attempt.cart,
                provider_reference=report.payment,
                state=PaymentState.OPEN,
                amount=order.total,
                currency=order.currency,
            )
        )
        payments.append(payment)
    payment = payment or attempt
    merged = _payment_values(order, payment, report)
    changed = {name: value for name, value in merged.items() if getattr(payment, name) != value}
    if changed:
        guard.update(payment, **changed)
        if order.paid_at is not None:
            note_change(order)  # one that is paid now is noted as it is settled
    if not went_back:
        return _Merged(order, OrderFacts.of(payments, [], []))
    _link_early_facts(payment)
    return _Merged(order)


def _payments_of(
    order: AbstractOrder, alias: str, report: PaymentReported
) -> tuple[list[AbstractPayment], bool]:
    """Return the order's payments, oldest first, and whether any refund or dispute is known.

    Of one of them, or of the payment that is reported and that it came before. Mostly none is, and
    one query answers what five would.
    """
    went_back = Q()
    for model in (get_refund_model(), get_dispute_model()):
        known = model.objects.order_by()
        went_back |= Q(Exists(known.filter(payment=OuterRef("pk"))))
        went_back |= Q(Exists(known.filter(alias=alias, payment_reference=report.payment)))
    payments = get_payment_model().objects.filter(order_id=order.pk).order_by("pk")
    rows: list[Any] = list(payments.annotate(digitalstore_went_back=went_back))
    return rows, any(row.digitalstore_went_back for row in rows)


#: Columns of a payment that its reports decide together.
_REPORTED = (
    "state",
    "state_at",
    "amount",
    "currency",
    "tax",
    "discount",
    "settlement_amount",
    "settlement_currency",
    "provider_customer",
    "failure",
    "discrepancy",
)


def _payment_values(
    order: AbstractOrder, payment: AbstractPayment, report: PaymentReported
) -> dict[str, Any]:
    """Return the columns of ``payment`` after merging ``report``."""
    known = {name: getattr(payment, name) for name in _REPORTED}
    reported = {
        "state": report.state,
        "state_at": report.occurred_at,
        "amount": report.amount,
        "currency": report.currency,
        "tax": report.tax,
        "discount": find_discount(report, total=order.total, currency=order.currency),
        "settlement_amount": report.settlement_amount,
        "settlement_currency": report.settlement_currency,
        "provider_customer": report.customer,
        "failure": report.failure[:500],
        "discrepancy": find_discrepancy(report, total=order.total, currency=order.currency),
    }
    newer = payment_version(reported) > payment_version(known)
    return {"provider_reference": report.payment, **(reported if newer else {})}


def _link_early_facts(payment: AbstractPayment) -> None:
    """Give refunds and disputes that came before their payment to it."""
    tellers: list[tuple[Any, Callable[[Any], None]]] = [
        (get_refund_model(), tell_of_refund),
        (get_dispute_model(), tell_of_dispute),
    ]
    for model, tell in tellers:
        facts = model.objects.filter(
            alias=payment.alias, payment_reference=payment.provider_reference
        )
        if guard.update(facts.filter(payment=None), payment=payment):
            for fact in facts:
                tell(fact)


def _payment_of(alias: str, reference: str) -> AbstractPayment | None:
    payments = get_payment_model().objects.filter(alias=alias, provider_reference=reference)
    return _with_locked_order(payments.first())


def _with_locked_order(payment: AbstractPayment | None) -> AbstractPayment | None:
    if payment is not None:
        payment.order = lock_order(payment.order_id)  # type: ignore[assignment]
    return payment


def _merge_refund(alias: str, event: RefundReported) -> AbstractPayment | None:
    """Merge a refund and return its payment, if that is known."""
    items = [list(item) for item in event.items]

    def version(row: Any) -> tuple[Any, ...]:
        return refund_version(
            row.state, row.state_at, row.amount, row.currency, row.is_full, row.items
        )

    values = {
        "state": event.state,
        "state_at": event.occurred_at,
        "amount": event.amount,
        "currency": event.currency,
        "is_full": event.is_full,
        "items": items,
    }
    payment = _merge_fact(
        get_refund_model(), alias, event.refund, event.payment, values, version, tell_of_refund
    )
    if payment is not None:
        _answer_request(alias, event)
    return payment


def _answer_request(alias: str, event: RefundReported) -> None:
    """Tell the request that a refund answers, and give the refund what the provider left out.

    So the right line ends also where the provider knows amounts only. A request is known by its
    key, or by the refund that it was linked with before.
    """
    requests = list(RefundRequest.objects.filter(alias=alias, payment_reference=event.payment))
    request = next((r for r in requests if r.provider_reference == event.refund), None)
    if request is None and event.key:
        request = next((r for r in requests if r.key == event.key), None)
        if request is not None and request.provider_reference:
            logger.error(
                "Provider %r made two refunds of request %s: %s and %s.",
                alias,
                request.key,
                request.provider_reference,
                event.refund,
            )
            return
    row = (
        get_refund_model()
        .objects.filter(
            alias=alias, provider_reference=event.refund, payment_reference=event.payment
        )
        .first()
    )
    if request is None or row is None:
        return
    missing: dict[str, Any] = {}
    if request.items and not row.items:
        missing["items"] = request.items
    if row.amount is None and request.amount is not None:
        missing.update(amount=request.amount, currency=request.currency)
    elif row.amount is None and not row.is_full and not row.items:
        missing["is_full"] = True
    if missing:
        guard.update(row, **missing)
        note_change(None if row.payment is None else row.payment.order)
    failed = row.state == RefundState.FAILED
    state, error = RefundRequestState.SENT, ""
    if failed:
        state, error = RefundRequestState.REFUSED, REFUND_FAILED
    if failed and request.state == RefundRequestState.HANDLED:
        state, error = RefundRequestState.HANDLED, request.error
    if (request.state, request.error, request.provider_reference) != (state, error, event.refund):
        RefundRequest.objects.filter(pk=request.pk).update(
            state=state, error=error, provider_reference=event.refund
        )


def _merge_dispute(alias: str, event: DisputeReported) -> AbstractPayment | None:
    """Merge a dispute and return its payment, if that is known."""

    def version(row: Any) -> tuple[Any, ...]:
        return dispute_version(row.state, row.state_at, row.amount, row.currency)

    values = {
        "state": event.state,
        "state_at": event.occurred_at,
        "amount": event.amount,
        "currency": event.currency,
    }
    return _merge_fact(
        get_dispute_model(), alias, event.dispute, event.payment, values, version, tell_of_dispute
    )


def _merge_fact(
    model: Any,
    alias: str,
    reference: str,
    payment_reference: str,
    values: dict[str, Any],
    version: Callable[[Any], tuple[Any, ...]],
    tell: Callable[[Any], None],
) -> AbstractPayment | None:
    payment = _payment_of(alias, payment_reference)
    order = None if payment is None else payment.order
    row = model.objects.filter(alias=alias, provider_reference=reference).first()
    reported = model(
        alias=alias,
        provider_reference=reference,
        payment_reference=payment_reference,
        payment=payment,
        **values,
    )
    if row is None:
        tell(guard.insert(reported))
        note_change(order)
    elif row.payment_reference != payment_reference:
        logger.warning(
            "%s %s names another payment now; kept as it was.", model.__name__, reference
        )
        return _with_locked_order(row.payment)
    else:
        changes = values if version(reported) > version(row) else {}
        if row.payment_id is None and payment is not None:
            changes = {**changes, "payment": payment}
        if changes:
            guard.update(row, **changes)
            tell(row)
            note_change(order)
    return payment
