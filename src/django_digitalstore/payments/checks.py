"""System checks of the payments: providers and fulfilments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from .backends import payment_backends
from .fulfilments import get_fulfilment

__all__ = ["check_fulfilments", "check_payment_backends", "check_store_urls"]


@register()
def check_payment_backends(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Load every provider of ``DIGITALSTORE_PAYMENTS`` and ask it for what is wrong."""
    return payment_backends.check()


@register(Tags.urls)
def check_store_urls(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the suite's own URLs are mounted: providers post their webhooks there."""
    try:
        reverse("digitalstore_payments:webhook", args=["default"])
    except NoReverseMatch:
        return [
            Error(
                "The suite's own URLs are not mounted, so no webhook arrives and the sandbox has "
                "no pay page.",
                hint=(
                    "Add path('store/', include('django_digitalstore.urls')) to urlpatterns in "
                    f"{getattr(settings, 'ROOT_URLCONF', 'your urls.py')}."
                ),
                id="digitalstore.E304",
            )
        ]
    return []


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
