"""What may be uploaded: the limits of the settings, for the handler, the forms and the flows."""

from __future__ import annotations

from pathlib import PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

__all__ = ["TOO_LARGE", "WRONG_EXTENSION", "extension_of", "validate_extension", "validate_size"]

#: Codes of the errors, which decide the status of the page.
TOO_LARGE = "too_large"
WRONG_EXTENSION = "wrong_extension"


def extension_of(name: str) -> str:
    """Return what a name ends with, in lower case and without the dot."""
    return PurePosixPath(name).suffix.lower().removeprefix(".")


def validate_extension(name: str) -> None:
    """Raise ``ValidationError`` where DIGITALSTORE_UPLOAD_EXTENSIONS does not have the name's."""
    allowed = settings.DIGITALSTORE_UPLOAD_EXTENSIONS
    if allowed is None:
        return
    # By the end of the name, for extensions like "tar.gz".
    if name.lower().endswith(tuple(f".{e.lower().removeprefix('.')}" for e in allowed)):
        return
    raise ValidationError(
        _("“%(name)s” can't be uploaded. Choose a file that ends with: %(extensions)s."),
        code=WRONG_EXTENSION,
        params={"name": name, "extensions": ", ".join(f".{e.removeprefix('.')}" for e in allowed)},
    )


def validate_size(name: str, size: int) -> None:
    """Raise ``ValidationError`` for more bytes than DIGITALSTORE_UPLOAD_MAX_BYTES."""
    limit = settings.DIGITALSTORE_UPLOAD_MAX_BYTES
    if size <= limit:
        return
    raise ValidationError(
        _("“%(name)s” is too large: a file may have %(limit)s at most."),
        code=TOO_LARGE,
        params={"name": name, "limit": filesizeformat(limit)},
    )
