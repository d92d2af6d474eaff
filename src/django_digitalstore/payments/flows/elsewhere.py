"""Money from elsewhere: a bank transfer, cash, a recovery. A person records what really came."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import guard, locks
from django_digitalstore.core.flow import flow
from django_digitalstore.core.money import validate_currency
from django_digitalstore.payments import get_payment_model, get_refund_model, policies
from django_digitalstore.payments.backends import Item
from django_digitalstore.payments.choices import ELSEWHERE, PaymentState, RefundState
from django_digitalstore.payments.events import PaymentReported
from django_digitalstore.payments.exceptions import PaymentNotRecorded
from django_digitalstore.payments.facts import find_discrepancy
from django_digitalstore.payments.models import RefundRequest, RefundRequestState

from .notices import tell_of_refund
from .refunds import check_parts, lock_payment, wanted_parts
from .reports import payment_key
from .settling import lock_order, note_change, settle

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import (
        AbstractOrder,
        AbstractPayment,
        AbstractRefund,
    )

__all__ = ["record_payment", "record_refund"]


@flow
def record_payment(
    order: AbstractOrder,
    *,
    amount: int,
    reference: str,
    actor: Any,
    reason: str,
    currency: str | None = None,
) -> AbstractPayment:
    """Record that ``order`` was paid past every provider: the honest way to mark it as paid.

    ``amount`` is what came, in minor units of ``currency`` (None: the order's); another amount than
    the order's total is a discrepancy like any other, and grants nothing. ``reference`` is what
    names the money elsewhere, as a bank does, and is never used twice: the same payment recorded
    again is the one that is there. Raises ``PaymentNotRecorded`` with a message for ``actor``.
    One transaction, no network.
    """
    reference = _checked(amount, reference, actor, reason)
    locks.take(payment_key(ELSEWHERE, reference))
    order = lock_order(order.pk)
    currency = order.currency if currency is None else currency
    try:
        validate_currency(currency)
    except ValidationError as error:
        raise PaymentNotRecorded("currency", " ".join(error.messages)) from None
    model = get_payment_model()
    known = model.objects.filter(alias=ELSEWHERE, provider_reference=reference).first()
    if known is not None:
        if (known.order_id, known.amount, known.currency) == (order.pk, amount, currency):
            return known
        raise _reference_taken(reference)
    now = timezone.now()
    report = PaymentReported(
        payment=reference,
        occurred_at=now,
        checkout="",
        state=PaymentState.SUCCEEDED,
        amount=amount,
        currency=currency,
    )
    payment = guard.insert(
        model(
            order=order,  # type: ignore[misc]  # the plugin wants the host's class
            alias=ELSEWHERE,
            provider_reference=reference,
            cart=_cart(order),
            state=PaymentState.SUCCEEDED,
            state_at=now,
            amount=amount,
            currency=currency,
            discrepancy=find_discrepancy(report, total=order.total, currency=order.currency),
            recorded_by=actor,
            reason=reason.strip()[:500],
            created_at=now,
        )
    )
    note_change(order)
    settle(order)
    return payment


def _cart(order: AbstractOrder) -> list[list[Any]]:
    """Return the order's lines under names of ours: no provider has any for them."""
    return [
        [
            Item(
                kind=line.kind,
                product=str(line.product_id),
                name=line.name,
                amount=line.unit_price,
                currency=order.currency,
            ).key,
            line.quantity,
        ]
        for line in order.lines.order_by("position")
    ]


@flow
def record_refund(
    payment: AbstractPayment,
    *,
    amount: int | None = None,
    lines: Iterable[Any] | None = None,
    reference: str,
    actor: Any,
    reason: str,
) -> AbstractRefund:
    """Record that money from elsewhere went back: all that is left, ``amount``, or ``lines``.

    As ``record_payment``, for a payment that was recorded so; a provider reports its own refunds.
    Who recorded it and why is kept as a ``RefundRequest`` that is answered. Raises
    ``PaymentNotRecorded`` and, for more than was held, ``RefundRefused``.
    """
    reference = _checked(amount, reference, actor, reason)
    if payment.alias != ELSEWHERE:
        raise PaymentNotRecorded(
            "provider",
            _("This payment's provider reports its refunds itself: request the refund instead."),
        )
    payment = lock_payment(payment)
    assert payment.provider_reference is not None
    model = get_refund_model()
    known = model.objects.filter(alias=ELSEWHERE, provider_reference=reference).first()
    if known is not None:
        if known.payment_id == payment.pk and (amount is None or amount == known.amount):
            return known
        raise _reference_taken(reference)
    held = policies.held_money(payment)
    wanted, items = wanted_parts(held, amount, None if lines is None else list(lines))
    check_parts(held, wanted, items)
    now = timezone.now()
    refund = guard.insert(
        model(
            payment=payment,  # type: ignore[misc]
            alias=ELSEWHERE,
            provider_reference=reference,
            payment_reference=payment.provider_reference,
            state=RefundState.SUCCEEDED,
            state_at=now,
            amount=held.rest if wanted is None else wanted,
            currency=payment.currency,
            items=items,
            created_at=now,
        )
    )
    RefundRequest.objects.create(
        order_reference=payment.order.public_id,
        alias=ELSEWHERE,
        payment_reference=payment.provider_reference,
        amount=refund.amount,
        currency=payment.currency,
        items=items,
        reason=reason.strip()[:500],
        actor=actor,
        state=RefundRequestState.SENT,
        provider_reference=reference,
    )
    tell_of_refund(refund)
    order = lock_order(payment.order_id)
    note_change(order)
    settle(order)
    return refund


def _checked(amount: int | None, reference: str, actor: Any, reason: str) -> str:
    """Return the reference without spaces around it. Raises ``PaymentNotRecorded``."""
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool)):
        raise TypeError(f"amount={amount!r} – write an int in minor units.")
    if amount is not None and not 0 < amount < 2**53:
        raise PaymentNotRecorded("amount", _("Write how much money moved: more than nothing."))
    if not 0 < len(reference.strip()) <= 200:
        raise PaymentNotRecorded(
            "reference",
            _("Write what names this money elsewhere, in at most 200 characters."),
        )
    if actor is None or not reason.strip():
        raise PaymentNotRecorded("reason", _("Say who records this, and why."))
    return reference.strip()


def _reference_taken(reference: str) -> PaymentNotRecorded:
    return PaymentNotRecorded(
        "reference_taken",
        _("“%(reference)s” is recorded already, for other money. Nothing is recorded twice.")
        % {"reference": reference},
    )
