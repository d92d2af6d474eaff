"""How bytes reach an owner. A backend delivers; who may have them is decided before."""

from __future__ import annotations

from django_digitalstore.core.backends import BackendHandler

from .base import BaseDeliveryBackend, Delivery, FileMissing

__all__ = ["BaseDeliveryBackend", "Delivery", "FileMissing", "delivery_backends"]

#: The backends of ``DIGITALSTORE_DELIVERY``, by alias. Views use ``default`` unless they name one.
delivery_backends: BackendHandler[BaseDeliveryBackend] = BackendHandler(
    "DIGITALSTORE_DELIVERY",
    "django_digitalstore.entitlements.backends.base.BaseDeliveryBackend",
    check_id="digitalstore.E201",
)
