"""System checks of the payments: providers and fulfilments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured

from .backends import payment_backends
from .fulfilments import get_fulfilment

__all__ = ["check_fulfilments", "check_payment_backends"]


@register()
def check_payment_backends(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Load every provider of ``DIGITALSTORE_PAYMENTS`` and ask it for what is wrong."""
    return payment_backends.check()


@register()
def check_fulfilments(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that every fulfilment can be imported."""
    messages: list[CheckMessage] = []
    for kind in settings.DIGITALSTORE_FULFILMENTS:
        try:
            get_fulfilment(kind)
        except ImproperlyConfigured as error:
            messages.append(Error(str(error), id="digitalstore.E303"))
    return messages
