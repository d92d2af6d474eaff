"""Who may use what, and why. Access exists if and only if a ``PurchasedProduct`` row exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django_digitalstore.core.model_slots import ModelSlot

if TYPE_CHECKING:
    from .abstract_models import AbstractDownload, AbstractGrant, AbstractPurchasedProduct

__all__ = ["get_download_model", "get_grant_model", "get_purchased_product_model"]

_MODELS = "django_digitalstore.entitlements.abstract_models"
_FEATURE = "django_digitalstore.entitlements"

_purchased_product = ModelSlot(
    "PurchasedProduct",
    "DIGITALSTORE_PURCHASED_PRODUCT_MODEL",
    f"{_MODELS}.AbstractPurchasedProduct",
    _FEATURE,
)
_grant = ModelSlot("Grant", "DIGITALSTORE_GRANT_MODEL", f"{_MODELS}.AbstractGrant", _FEATURE)
_download = ModelSlot(
    "Download", "DIGITALSTORE_DOWNLOAD_MODEL", f"{_MODELS}.AbstractDownload", _FEATURE
)


def get_purchased_product_model() -> type[AbstractPurchasedProduct]:
    """Return the host's purchased product model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractPurchasedProduct]", _purchased_product.get_model())


def get_grant_model() -> type[AbstractGrant]:
    """Return the host's grant model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractGrant]", _grant.get_model())


def get_download_model() -> type[AbstractDownload]:
    """Return the host's download model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractDownload]", _download.get_model())
