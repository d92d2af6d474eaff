"""Errors of the entitlements."""

from typing import Any

from django.core.exceptions import PermissionDenied

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = [
    "AccessWithheld",
    "DownloadLimitReached",
    "InvalidGrant",
    "NotEntitled",
    "ReleaseNotAvailable",
]


class NotEntitled(DigitalStoreError, PermissionDenied):
    """The user does not own the product that a page or a file is for: ``product`` names it."""

    def __init__(self, message: str = "", product: Any = None) -> None:
        super().__init__(message)
        self.product = product


class AccessWithheld(DigitalStoreError):
    """A person has revoked this user's access; only ``restore_product`` lifts that."""


class DownloadLimitReached(DigitalStoreError, PermissionDenied):
    """The purchase has had all its downloads. Nothing was written. ``limit`` is how many."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"All {limit} downloads of this purchase were made. To give them again, call "
            f"entitlements.flows.reset_downloads(user, product, actor=…, reason=…)."
        )
        self.limit = limit


class InvalidGrant(DigitalStoreError, ValueError):
    """A flow was asked for something that cannot be granted or revoked. Nothing was written."""


class ReleaseNotAvailable(DigitalStoreError, ValueError):
    """Owners cannot be told of a release that they don't see. Nothing was written."""
