"""Which e-mails follow from which facts: one outbox row for each cause and reader.

Written in the transaction of the fact. The same fact told again, in whatever order, is the same
key, so that nobody is told twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django_digitalstore.core import outbox
from django_digitalstore.payments.choices import DisputeState, RefundState
from django_digitalstore.payments.emails import ATTENTION, DISPUTE, RECEIPT, REFUNDED, SITE

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import (
        AbstractDispute,
        AbstractOrder,
        AbstractPayment,
        AbstractRefund,
    )

__all__: list[str] = []  # for the flows beside it alone

_PHASES = {
    DisputeState.OPENED: "opened",
    DisputeState.CHALLENGED: "opened",
    DisputeState.LOST: "lost",
    DisputeState.ACCEPTED: "lost",
    DisputeState.WON: "won",
    DisputeState.CANCELLED: "won",
    DisputeState.EXPIRED: "won",
}


def tell_of_payment(order: AbstractOrder, payment: AbstractPayment) -> None:
    """Send the buyer the receipt."""
    outbox.enqueue(RECEIPT, f"receipt:{payment.key}", {"order": order.public_id})


def tell_of_refund(refund: AbstractRefund) -> None:
    """Tell the buyer, once the money is on its way back and the order is known."""
    if refund.state != RefundState.SUCCEEDED or refund.payment_id is None:
        return
    outbox.enqueue(
        REFUNDED,
        _key("refunded", refund.alias, refund.provider_reference),
        {"alias": refund.alias, "refund": refund.provider_reference},
    )


def tell_of_dispute(dispute: AbstractDispute) -> None:
    """Tell the sellers that a dispute is open, and how it ended; nothing while it is unmatched."""
    if dispute.payment is None:
        return
    phase = _PHASES[DisputeState(dispute.state)]
    for recipient in _recipients(dispute.payment.order):
        outbox.enqueue(
            DISPUTE,
            _key("dispute", phase, dispute.alias, dispute.provider_reference, recipient),
            {
                "alias": dispute.alias,
                "dispute": dispute.provider_reference,
                "phase": phase,
                "recipient": recipient,
            },
        )


def tell_of_attention(order: AbstractOrder, reasons: Iterable[str]) -> None:
    """Tell the sellers, the first time that each reason comes up."""
    recipients = None
    for reason in sorted(reasons):
        recipients = _recipients(order) if recipients is None else recipients
        for recipient in recipients:
            outbox.enqueue(
                ATTENTION,
                _key("attention", order.public_id, reason, recipient),
                {"order": order.public_id, "reason": reason, "recipient": recipient},
            )


def _recipients(order: AbstractOrder) -> list[str]:
    """Return the keys of the order's sellers; SITE where one has none, or several share it.

    What is about the whole payment, such as a dispute, can then be decided by the site alone.
    """
    lines = order.lines.order_by().values_list("product__seller", flat=True)
    sellers = {SITE if seller is None else str(seller) for seller in lines}
    if len(sellers) > 1:
        sellers.add(SITE)
    return sorted(sellers)


def _key(*parts: str) -> str:
    key = ":".join(parts)
    if len(key) > 255:
        return f"{parts[0]}:{hashlib.sha256(key.encode()).hexdigest()}"
    return key
