"""Validators that migrations name: this module never moves."""

from __future__ import annotations

import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

__all__ = ["clean_file_name", "validate_file_name"]

MAX_FILE_NAME = 150


def clean_file_name(name: str) -> str:
    """Return ``name`` without folders, control and format characters, at most 150 characters.

    Bidirectional marks are format characters: ``book\\u202Efdp.exe`` shows as ``bookexe.pdf``.
    """
    name = name.replace("\\", "/").rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    name = name.strip(" .")
    if len(name) > MAX_FILE_NAME:
        stem, dot, extension = name.rpartition(".")
        name = (
            f"{stem[: MAX_FILE_NAME - len(extension) - 1]}{dot}{extension}"
            if dot
            else name[:MAX_FILE_NAME]
        )
    return name


def validate_file_name(value: str) -> None:
    """Refuse names with folders or invisible characters: ``clean_file_name`` mends them."""
    if not value or clean_file_name(value) != value:
        raise ValidationError(
            _("“%(value)s” is not a plain file name: leave out folders and invisible characters."),
            code="file_name",
            params={"value": value},
        )
