"""Money in: orders, payments, refunds, disputes, provider backends, and the webhook inbox."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django_digitalstore.core.model_slots import ModelSlot

if TYPE_CHECKING:
    from .abstract_models import (
        AbstractDispute,
        AbstractOrder,
        AbstractOrderLine,
        AbstractPayment,
        AbstractRefund,
    )

__all__ = [
    "get_dispute_model",
    "get_order_line_model",
    "get_order_model",
    "get_payment_model",
    "get_refund_model",
]

_MODELS = "django_digitalstore.payments.abstract_models"
_FEATURE = "django_digitalstore.payments"

_order = ModelSlot("Order", "DIGITALSTORE_ORDER_MODEL", f"{_MODELS}.AbstractOrder", _FEATURE)
_order_line = ModelSlot(
    "OrderLine", "DIGITALSTORE_ORDER_LINE_MODEL", f"{_MODELS}.AbstractOrderLine", _FEATURE
)
_payment = ModelSlot(
    "Payment", "DIGITALSTORE_PAYMENT_MODEL", f"{_MODELS}.AbstractPayment", _FEATURE
)
_refund = ModelSlot("Refund", "DIGITALSTORE_REFUND_MODEL", f"{_MODELS}.AbstractRefund", _FEATURE)
_dispute = ModelSlot(
    "Dispute", "DIGITALSTORE_DISPUTE_MODEL", f"{_MODELS}.AbstractDispute", _FEATURE
)


def get_order_model() -> type[AbstractOrder]:
    """Return the host's order model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractOrder]", _order.get_model())


def get_order_line_model() -> type[AbstractOrderLine]:
    """Return the host's order line model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractOrderLine]", _order_line.get_model())


def get_payment_model() -> type[AbstractPayment]:
    """Return the host's payment model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractPayment]", _payment.get_model())


def get_refund_model() -> type[AbstractRefund]:
    """Return the host's refund model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractRefund]", _refund.get_model())


def get_dispute_model() -> type[AbstractDispute]:
    """Return the host's dispute model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractDispute]", _dispute.get_model())
