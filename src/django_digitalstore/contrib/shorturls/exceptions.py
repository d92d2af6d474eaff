"""What a short link can raise."""

from django.core.exceptions import PermissionDenied, ValidationError

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = ["LinkRefused", "NotYourLink"]


class LinkRefused(DigitalStoreError, ValidationError):
    """A short link is not as it must be. Its errors are named by field."""


class NotYourLink(DigitalStoreError, PermissionDenied):
    """Somebody who is neither the owner nor staff was about to make or change a short link."""
