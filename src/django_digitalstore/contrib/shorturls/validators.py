"""What a code of a short link may be. Migrations name these functions: they never move."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

__all__ = ["validate_code"]

_CODE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62}[A-Za-z0-9])?\Z")


def validate_code(value: str) -> None:
    """Refuse what doesn't read well in an address: other than letters, digits, ``-``, ``_``."""
    if not _CODE.match(value):
        raise ValidationError(
            _("Write letters without accents, digits, and hyphens between them: at most 64."),
            code="invalid",
        )
