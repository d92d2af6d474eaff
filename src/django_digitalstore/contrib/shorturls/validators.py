"""What a code of a short link may be. Migrations name these functions: they never move."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

__all__ = ["is_code", "validate_code"]

_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?\Z")


def is_code(value: str) -> bool:
    """Tell whether a link may have this code."""
    return _CODE.match(value) is not None


def validate_code(value: str) -> None:
    """Refuse what doesn't read well in an address: other than letters, digits, ``-``, ``_``."""
    if not is_code(value):
        raise ValidationError(
            _("Write letters without accents, digits, and hyphens between them: at most 64."),
            code="invalid",
        )
