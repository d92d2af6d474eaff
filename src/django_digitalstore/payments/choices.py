"""Choices as callables: a reworded label never makes a migration in the host's app."""

from enum import StrEnum
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = [
    "ELSEWHERE",
    "FREE",
    "Attention",
    "Discrepancy",
    "DisputeState",
    "LossCause",
    "OrderStatus",
    "PaymentState",
    "RefundState",
    "discrepancies",
    "dispute_states",
    "order_statuses",
    "payment_states",
    "refund_states",
]


#: Alias of payments that need no provider, because the total is zero.
FREE = "free"
#: Alias of money that came past every provider, and that a person recorded.
ELSEWHERE = "elsewhere"


class LossCause(StrEnum):
    """Why a payment is no basis for a line any more, in words for staff."""

    DOES_NOT_COUNT = "the payment does not count"
    DISPUTE_LOST = "dispute lost"
    REFUNDED = "refunded in full"
    LINE_REFUNDED = "line refunded"
    DISPUTE_OPEN = "dispute open"


class OrderStatus(models.TextChoices):
    """What the facts say about an order. Derived, never set."""

    PENDING = "pending", _("Waiting for payment")
    PAID = "paid", _("Paid")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partly refunded")
    REFUNDED = "refunded", _("Refunded")
    DISPUTED = "disputed", _("Disputed")
    FAILED = "failed", _("Payment failed")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")


class PaymentState(models.TextChoices):
    """Where one attempt to pay stands, in the order of what outweighs what.

    Our own expiry is a guess, so that any word of the provider outweighs it; a success absorbs
    everything.
    """

    CREATED = "created", _("Not yet at the provider")
    OPEN = "open", _("Checkout open")
    EXPIRED = "expired", _("Expired")
    PROCESSING = "processing", _("Processing")
    CANCELLED = "cancelled", _("Cancelled")
    FAILED = "failed", _("Failed")
    SUCCEEDED = "succeeded", _("Succeeded")


class RefundState(models.TextChoices):
    """Where a refund stands at the provider."""

    PENDING = "pending", _("Pending")
    FAILED = "failed", _("Failed")
    SUCCEEDED = "succeeded", _("Succeeded")


class DisputeState(models.TextChoices):
    """Where a dispute stands. Accepted is lost without a fight; cancelled and expired are won."""

    WON = "won", _("Won")
    CANCELLED = "cancelled", _("Cancelled")
    EXPIRED = "expired", _("Expired")
    OPENED = "opened", _("Opened")
    CHALLENGED = "challenged", _("Challenged")
    ACCEPTED = "accepted", _("Accepted")
    LOST = "lost", _("Lost")


class Discrepancy(models.TextChoices):
    """How a payment differs from what was asked, for no reason that we know."""

    AMOUNT = "amount", _("Another amount")
    CURRENCY = "currency", _("Another currency")


class Attention(models.TextChoices):
    """Why a person should look at an order."""

    PAID_TWICE = "paid_twice", _("Paid twice: refund one payment")
    DISCREPANCY = "discrepancy", _("Paid another amount: refund, or settle with the buyer")
    WITHHELD = "withheld", _("Paid by a buyer whose access was revoked: refund, or restore")
    REFUND_REFUSED = "refund_refused", _("The provider refused a refund: see why, and try again")
    REFUND_DOUBTFUL = (
        "refund_doubtful",
        _("Nobody knows whether a refund was made: look at the provider, then decide"),
    )


def order_statuses() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractOrder.status``."""
    return OrderStatus.choices


def payment_states() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractPayment.state``."""
    return PaymentState.choices


def refund_states() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractRefund.state``."""
    return RefundState.choices


def dispute_states() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractDispute.state``."""
    return DisputeState.choices


def discrepancies() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractPayment.discrepancy``."""
    return Discrepancy.choices
