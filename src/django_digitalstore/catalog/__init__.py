"""What is for sale: products in categories, their releases, and the files of each release."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django_digitalstore.core.model_slots import ModelSlot

if TYPE_CHECKING:
    from .abstract_models import AbstractAsset, AbstractCategory, AbstractProduct, AbstractRelease

__all__ = ["get_asset_model", "get_category_model", "get_product_model", "get_release_model"]

_MODELS = "django_digitalstore.catalog.abstract_models"
_FEATURE = "django_digitalstore.catalog"

_product = ModelSlot(
    "Product", "DIGITALSTORE_PRODUCT_MODEL", f"{_MODELS}.AbstractProduct", _FEATURE
)
_category = ModelSlot(
    "Category", "DIGITALSTORE_CATEGORY_MODEL", f"{_MODELS}.AbstractCategory", _FEATURE
)
_release = ModelSlot(
    "Release", "DIGITALSTORE_RELEASE_MODEL", f"{_MODELS}.AbstractRelease", _FEATURE
)
_asset = ModelSlot("Asset", "DIGITALSTORE_ASSET_MODEL", f"{_MODELS}.AbstractAsset", _FEATURE)


def get_product_model() -> type[AbstractProduct]:
    """Return the host's product model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractProduct]", _product.get_model())


def get_category_model() -> type[AbstractCategory]:
    """Return the host's category model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractCategory]", _category.get_model())


def get_release_model() -> type[AbstractRelease]:
    """Return the host's release model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractRelease]", _release.get_model())


def get_asset_model() -> type[AbstractAsset]:
    """Return the host's asset model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractAsset]", _asset.get_model())
