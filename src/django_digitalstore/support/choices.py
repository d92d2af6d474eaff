"""Choices as callables: a reworded label never makes a migration in the host's app."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

__all__ = ["Included", "RequestState", "included_supports", "request_states"]


class Included(models.TextChoices):
    """What support comes with a purchase."""

    NONE = "none", pgettext_lazy("support", "None")
    REQUESTS = "requests", _("A number of requests")
    WINDOW = "window", _("For some days")
    UNLIMITED = "unlimited", _("Unlimited")


class RequestState(models.TextChoices):
    """Where a request stands."""

    OPEN = "open", _("Open")
    WAITING_SELLER = "waiting_seller", _("Waiting for an answer")
    WAITING_CUSTOMER = "waiting_customer", _("Waiting for the customer")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")


def included_supports() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractSupportTerms.included``."""
    return Included.choices


def request_states() -> list[tuple[str, Any]]:
    """Return the choices of ``AbstractSupportRequest.state``."""
    return RequestState.choices
