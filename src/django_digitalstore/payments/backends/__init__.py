"""Provider backends: they translate and validate. None of them writes."""

from __future__ import annotations

from django_digitalstore.core.backends import BackendHandler

from .base import (
    BasePaymentBackend,
    Checkout,
    CheckoutAttempt,
    CheckoutLine,
    Item,
    Message,
    RefundAbility,
    RefundIntent,
    UnsupportedByBackend,
)

__all__ = [
    "BasePaymentBackend",
    "Checkout",
    "CheckoutAttempt",
    "CheckoutLine",
    "Item",
    "Message",
    "RefundAbility",
    "RefundIntent",
    "UnsupportedByBackend",
    "payment_backends",
]

#: The providers of ``DIGITALSTORE_PAYMENTS``, by alias.
payment_backends: BackendHandler[BasePaymentBackend] = BackendHandler(
    "DIGITALSTORE_PAYMENTS",
    "django_digitalstore.payments.backends.base.BasePaymentBackend",
    check_id="digitalstore.E301",
)
