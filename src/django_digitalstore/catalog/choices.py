"""Choices as callables: a reworded label never makes a migration in the host's app."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["ProductStatus", "product_statuses"]


class ProductStatus(models.TextChoices):
    """Where a product stands: only a published one is for sale."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Published")
    ARCHIVED = "archived", _("Archived")


def product_statuses() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractProduct.status``."""
    return ProductStatus.choices
