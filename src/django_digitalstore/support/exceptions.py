"""Errors of the support."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied, ValidationError

from django_digitalstore.core.exceptions import DigitalStoreError

if TYPE_CHECKING:
    from .policies import Offer

__all__ = ["InvalidSupport", "NoSupport", "NotYourRequest"]


class NoSupport(DigitalStoreError):
    """There is no help here for this user, now. ``code`` is for programs, the message for people.

    ``offer`` is what they can buy instead; None where nothing is sold that would help.
    """

    def __init__(self, code: str, message: str, offer: Offer | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.offer = offer


class NotYourRequest(DigitalStoreError, PermissionDenied):
    """Neither the customer, nor the seller, nor staff: they have no part in this request."""


class InvalidSupport(DigitalStoreError, ValidationError):
    """Terms, an allowance or a message are not as they must be. Errors are named by field."""
