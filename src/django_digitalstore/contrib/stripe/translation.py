"""What Stripe says, in the words of all providers. Pure: no I/O, no models.

Stripe's events are snapshots of an object, and carry the second in which they were made
(https://docs.stripe.com/api/events/object).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django_digitalstore.payments.choices import DisputeState, PaymentState, RefundState
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentEvent,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.reader import Reader

from .amounts import from_stripe

__all__ = ["EVENT_TYPES", "REFUND_KEY", "read_dispute", "read_refund", "read_session", "translate"]

#: Where our key of a refund stands in its metadata at Stripe.
REFUND_KEY: Final = "digitalstore_refund"

_REFUND_STATES: Final = {
    "pending": RefundState.PENDING,
    "requires_action": RefundState.PENDING,
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "canceled": RefundState.FAILED,
}
# An inquiry (warning_…) asks for no money yet; it may become a dispute, which is then another
# status of the same object.
_DISPUTE_STATES: Final = {
    "warning_needs_response": DisputeState.OPENED,
    "needs_response": DisputeState.OPENED,
    "warning_under_review": DisputeState.CHALLENGED,
    "under_review": DisputeState.CHALLENGED,
    "warning_closed": DisputeState.CANCELLED,
    "prevented": DisputeState.CANCELLED,
    "won": DisputeState.WON,
    "lost": DisputeState.LOST,
}


def read_session(
    read: Reader, occurred_at: datetime, *, failed: bool = False
) -> list[PaymentEvent]:
    """Return what a Checkout Session says of its payment; nothing while nobody has paid.

    Nothing either for one that subscribes or keeps a card: the account may serve others too.
    """
    if read.text("mode", default="payment") != "payment":
        return []
    state = _session_state(read, failed=failed)
    if state is None:
        return []
    session = read.text("id")
    currency = read.currency("currency")
    totals = read.object("total_details") if read.has("total_details") else Reader({})
    return [
        PaymentReported(
            # A session that costs nothing has no payment of its own.
            payment=_reference(read, "payment_intent") or session,
            occurred_at=occurred_at,
            checkout=session,
            state=state,
            amount=from_stripe(read.amount("amount_total"), currency),
            currency=currency,
            tax=from_stripe(totals.amount("amount_tax", default=0), currency),
            discount=from_stripe(totals.amount("amount_discount", default=0), currency),
            is_converted=read.has("currency_conversion"),
            customer=_reference(read, "customer"),
            failure="The delayed payment failed." if failed else "",
        )
    ]


def _session_state(read: Reader, *, failed: bool) -> PaymentState | None:
    if failed:
        return PaymentState.FAILED
    status = read.text("status", default="").lower()
    paid = read.text("payment_status").lower()
    if status == "expired":
        return PaymentState.EXPIRED
    if paid in {"paid", "no_payment_required"} and status in {"complete", ""}:
        return PaymentState.SUCCEEDED
    # A bank transfer or a debit: the session is over, and the money is on its way.
    return PaymentState.PROCESSING if status == "complete" else None


def read_refund(read: Reader, occurred_at: datetime) -> list[RefundReported]:
    """Return what a Refund says; nothing for one that belongs to no payment of a checkout."""
    payment = _reference(read, "payment_intent")
    if not payment:
        return []
    # A word that we don't know decides nothing, but there is a refund: it is not made again.
    state = _REFUND_STATES.get(read.text("status", default="").lower(), RefundState.PENDING)
    if state == RefundState.PENDING and read.has("created"):
        # It begins so and never goes back there. Our own clock may be ahead of the event's, whose
        # time has no fractions: what ends it must not look older.
        occurred_at = min(occurred_at, read.unix_time("created"))
    currency = read.currency("currency")
    metadata = read.object("metadata") if read.has("metadata") else Reader({})
    return [
        RefundReported(
            payment=payment,
            occurred_at=occurred_at,
            refund=read.text("id"),
            state=state,
            amount=from_stripe(read.amount("amount"), currency),
            currency=currency,
            key=metadata.text(REFUND_KEY, default=""),
        )
    ]


def read_dispute(read: Reader, occurred_at: datetime) -> list[DisputeReported]:
    """Return what a Dispute says; nothing for one that belongs to no payment of a checkout."""
    payment = _reference(read, "payment_intent")
    state = _DISPUTE_STATES.get(read.text("status").lower())
    if not payment or state is None:
        return []
    currency = read.currency("currency")
    return [
        DisputeReported(
            payment=payment,
            occurred_at=occurred_at,
            dispute=read.text("id"),
            state=state,
            amount=from_stripe(read.amount("amount"), currency),
            currency=currency,
        )
    ]


def _reference(read: Reader, name: str) -> str:
    """Return the id of another object, which may be expanded; empty where there is none."""
    value = read.data.get(name)
    return read.object(name).text("id") if isinstance(value, Mapping) else read.text(name, "")


def _failed_session(read: Reader, occurred_at: datetime) -> list[PaymentEvent]:
    return read_session(read, occurred_at, failed=True)


_TRANSLATIONS: Final[dict[str, Callable[[Reader, datetime], Sequence[PaymentEvent]]]] = {
    "checkout.session.completed": read_session,
    "checkout.session.async_payment_succeeded": read_session,
    "checkout.session.async_payment_failed": _failed_session,
    "checkout.session.expired": read_session,
    "refund.created": read_refund,
    "refund.updated": read_refund,
    "refund.failed": read_refund,
    "charge.refund.updated": read_refund,
    "charge.dispute.created": read_dispute,
    "charge.dispute.updated": read_dispute,
    "charge.dispute.closed": read_dispute,
    "charge.dispute.funds_withdrawn": read_dispute,
    "charge.dispute.funds_reinstated": read_dispute,
}

#: The types that the endpoint at Stripe must send.
EVENT_TYPES: Final = tuple(_TRANSLATIONS)


def translate(event: Mapping[str, Any]) -> Sequence[PaymentEvent]:
    """Return the facts of an event, none for a type that says nothing about our checkouts.

    Raises ``WebhookInvalid`` with the path of a required field that is wrong.
    """
    read = Reader(event)
    translation = _TRANSLATIONS.get(read.text("type"))
    if translation is None:
        return []
    return translation(read.object("data").object("object"), read.unix_time("created"))
