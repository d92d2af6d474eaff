"""Dodo's payments, refunds and disputes as the suite's facts. Pure.

Webhooks and the API hold the same objects. A webhook's body is the latest state of its object and
not that of the moment which its ``type`` names, so the state is read and the type is not. A payment
brings its refunds and disputes with it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from django_digitalstore.payments.choices import DisputeState, PaymentState, RefundState
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentEvent,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.exceptions import WebhookInvalid

from .reading import DodoReader

__all__ = ["REFUND_KEY", "dispute_event", "payment_events", "refund_event"]

logger = logging.getLogger(__name__)

#: Where a refund's metadata keeps our key.
REFUND_KEY = "digitalstore_refund"

_PAYMENT_STATES = {
    "succeeded": PaymentState.SUCCEEDED,
    "failed": PaymentState.FAILED,
    "cancelled": PaymentState.CANCELLED,
    "canceled": PaymentState.CANCELLED,
    "processing": PaymentState.PROCESSING,
    "requires_merchant_action": PaymentState.PROCESSING,
    "requires_capture": PaymentState.PROCESSING,
    "partially_captured": PaymentState.PROCESSING,
    "partially_captured_and_capturable": PaymentState.PROCESSING,
    "requires_customer_action": PaymentState.OPEN,
    "requires_payment_method": PaymentState.OPEN,
    "requires_confirmation": PaymentState.OPEN,
}

_REFUND_STATES = {
    "succeeded": RefundState.SUCCEEDED,
    "failed": RefundState.FAILED,
    "pending": RefundState.PENDING,
    "review": RefundState.PENDING,
}


def payment_events(
    read: DodoReader, at: datetime, *, any_currency: bool = False, checkout: str = ""
) -> list[PaymentEvent]:
    """Return a payment and all that it tells of refunds and disputes.

    ``any_currency`` says that our checkouts let the buyer choose a currency. ``checkout`` is the
    session that led to it, for a payment that does not name it itself.
    """
    payment = read.text("payment_id")
    currency = read.currency("currency")
    state = _payment_state(read)
    failure = ""
    if state in (PaymentState.FAILED, PaymentState.CANCELLED):
        failure = ": ".join(filter(None, map(read.prose, ("error_code", "error_message"))))
    reported = PaymentReported(
        payment=payment,
        occurred_at=at,
        checkout=read.text("checkout_session_id", default="") or checkout,
        state=state,
        amount=read.amount("total_amount"),
        currency=currency,
        tax=read.amount("tax", default=0),
        # Fees may make it negative.
        settlement_amount=read.note("settlement_amount"),
        settlement_currency=read.note_currency("settlement_currency"),
        # Whatever it is paid out in, even what is no currency by ISO 4217.
        is_converted=any_currency or read.word("settlement_currency").upper() not in ("", currency),
        is_discounted=any(True for _ in read.objects("discounts"))
        or bool(read.text("discount_id", default="")),
        customer=read.part("customer").text("customer_id", default=""),
        cart=_cart(read),
        failure=failure,
    )
    return [reported, *_refunds(read, payment, at), *_disputes(read, payment, at)]


def _payment_state(read: DodoReader) -> PaymentState:
    word = read.word("status")
    # A word that we don't know decides nothing: the checkout stays open, and a success still wins.
    state = _PAYMENT_STATES.get(word, PaymentState.OPEN)
    if word and word not in _PAYMENT_STATES:
        logger.warning("Dodo Payments reports a payment in a state that is not known: %.50r", word)
    return state


def _cart(read: DodoReader) -> tuple[tuple[str, int], ...] | None:
    if read.data.get("product_cart") is None:
        return None
    return tuple(
        (entry.text("product_id"), entry.amount("quantity", default=1))
        for entry in read.objects("product_cart")
    )


def _refunds(read: DodoReader, payment: str, at: datetime) -> Iterator[RefundReported]:
    found = [refund_event(entry, at, payment=payment) for entry in read.objects("refunds")]
    if read.word("refund_status") == "full":
        succeeded = [refund for refund in found if refund.state == RefundState.SUCCEEDED]
        if not succeeded:
            # To grant what was paid back would be wrong, and a refund without an id is no fact.
            raise WebhookInvalid(
                read.at("refunds"), "must hold the refund that refund_status speaks of."
            )
        last = max(succeeded, key=lambda refund: refund.occurred_at)
        found[found.index(last)] = replace(last, is_full=True)
    yield from found


def refund_event(read: DodoReader, at: datetime, *, payment: str = "") -> RefundReported:
    """Return a refund. ``payment`` is the one that it is part of."""
    created = read.when("created_at")
    state = _REFUND_STATES.get(read.word("status"), RefundState.PENDING)
    return RefundReported(
        payment=payment or read.text("payment_id"),
        # It begins as pending and never goes back there, so whatever ends it must come later.
        occurred_at=(created or at) if state == RefundState.PENDING else max(at, created or at),
        refund=read.text("refund_id"),
        state=state,
        amount=read.optional_amount("amount"),
        currency=read.optional_currency("currency"),
        is_full=read.flag("is_partial") is False,
        key=read.part("metadata").note_text(REFUND_KEY),
    )


def _disputes(read: DodoReader, payment: str, at: datetime) -> Iterator[DisputeReported]:
    for entry in read.objects("disputes"):
        yield dispute_event(entry, at, payment=payment)


def dispute_event(read: DodoReader, at: datetime, *, payment: str = "") -> DisputeReported:
    """Return a dispute. ``payment`` is the one that it is part of."""
    word = read.word("dispute_status").removeprefix("dispute_")
    # Of a state that we don't know, only that there is a dispute.
    state = DisputeState(word) if word in DisputeState.values else DisputeState.OPENED
    created = read.when("created_at")
    return DisputeReported(
        payment=payment or read.text("payment_id"),
        occurred_at=max(at, created or at),
        dispute=read.text("dispute_id"),
        state=state,
        # A text, of which nobody says whether it has decimals.
        amount=read.note("amount"),
        currency=read.note_currency("currency"),
    )
