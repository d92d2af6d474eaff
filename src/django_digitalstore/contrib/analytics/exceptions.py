"""Errors of the sales analytics."""

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = ["CurrenciesDiffer", "NotRolledUp"]


class CurrenciesDiffer(DigitalStoreError, ValueError):
    """Figures of two currencies were added."""


class NotRolledUp(DigitalStoreError):
    """There is no rollup of today's settings that could be compared with the facts."""
