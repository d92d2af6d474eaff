"""Choices as callables: a reworded label never makes a migration."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

__all__ = ["TargetKind", "target_kinds"]


class TargetKind(models.TextChoices):
    """What a short link leads to."""

    PRODUCT = "product", _("A product")
    PATH = "path", _("A page of this site")
    URL = "url", _("An address elsewhere")


def target_kinds() -> list[tuple[str, Any]]:
    """Return the choices of ``ShortLink.target_kind``. Named in a migration: never move it."""
    return TargetKind.choices
