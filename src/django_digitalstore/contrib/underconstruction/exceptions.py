"""Errors of the switch that closes the site."""

from django.core.exceptions import ValidationError

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = ["ClosureRefused"]


class ClosureRefused(DigitalStoreError, ValidationError):
    """The site can't be closed in this way. Nothing was changed."""
