"""Choices as callables: a reworded label never makes a migration in the host's app."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = [
    "AssetState",
    "AssetVisibility",
    "ProductStatus",
    "ReleaseState",
    "UpdateTerms",
    "asset_states",
    "asset_visibilities",
    "product_statuses",
    "update_terms",
]


class ProductStatus(models.TextChoices):
    """Where a product stands: only a published one is for sale."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    ARCHIVED = "archived", _("Archived")


def product_statuses() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractProduct.status``."""
    return ProductStatus.choices


class ReleaseState(models.TextChoices):
    """Where a release stands, by its dates: owners see only a published one."""

    DRAFT = "draft", _("Draft")
    SCHEDULED = "scheduled", _("Scheduled")
    PUBLISHED = "published", _("Published")
    YANKED = "yanked", _("Withdrawn")


class UpdateTerms(models.TextChoices):
    """Which releases an owner gets that came after the purchase; "" is as the site says."""

    LIFETIME = "lifetime", _("All, for ever")
    LIMITED = "limited", _("Those of the first days after the purchase")


class AssetVisibility(models.TextChoices):
    """Who gets a file: the owners of the product, or everybody."""

    OWNERS = "owners", _("Owners")
    SAMPLE = "sample", _("Everybody, as a sample")


class AssetState(models.TextChoices):
    """Where an upload stands: only a file that is ready is given to anybody."""

    PROCESSING = "processing", _("Processing")
    READY = "ready", _("Ready")
    FAILED = "failed", _("Failed")


def update_terms() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractProduct.updates``."""
    return UpdateTerms.choices


def asset_visibilities() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractAsset.visibility``."""
    return AssetVisibility.choices


def asset_states() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractAsset.state``."""
    return AssetState.choices
