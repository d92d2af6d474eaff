"""System checks of the entitlements: delivery, and keys to a row that comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import models

from django_digitalstore.core.exceptions import InvalidModelSetting

from . import get_purchased_product_model, unsubscribe_links
from .backends import delivery_backends

__all__ = ["check_delivery_backends", "check_keys_to_purchases", "check_unsubscribe_url"]


@register()
def check_delivery_backends(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Load every backend of ``DIGITALSTORE_DELIVERY``; the alias ``default`` must be there."""
    messages = delivery_backends.check()
    if not messages and "default" not in delivery_backends:
        messages.append(
            Error(
                "DIGITALSTORE_DELIVERY has no alias 'default', which the download view uses.",
                hint=(
                    "Write DIGITALSTORE_DELIVERY = {'default': {'BACKEND': 'django_digitalstore."
                    "entitlements.backends.streaming.StreamingDeliveryBackend'}}."
                ),
                id="digitalstore.E201",
            )
        )
    return messages


@register(Tags.models)
def check_keys_to_purchases(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the host's keys to ``PurchasedProduct`` survive a revocation."""
    try:
        model = get_purchased_product_model()
    except InvalidModelSetting:
        return []  # the check of the slots has named it
    return [
        Error(
            f"{relation.related_model._meta.label}.{relation.field.name} points at "
            f"{model._meta.label}, whose rows go when access ends, with on_delete="
            f"{getattr(relation.on_delete, '__name__', relation.on_delete)}.",
            hint=(
                "Write on_delete=models.SET_NULL, null=True, or point at user and product, which "
                "stay."
            ),
            obj=relation.field,
            id="digitalstore.E202",
        )
        for relation in model._meta.related_objects
        if relation.on_delete is not models.SET_NULL
    ]


@register(Tags.urls)
def check_unsubscribe_url(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that who is told of a release can unsubscribe, on a site that tells anybody."""
    if not getattr(settings, "ROOT_URLCONF", None) or not unsubscribe_links.url_name():
        return []
    try:
        unsubscribe_links.require_route()
    except unsubscribe_links.UnsubscribeNotRouted as error:
        return [
            Error(
                str(error),
                hint=(
                    "Write DIGITALSTORE_UNSUBSCRIBE_URL = '' where nobody is ever told of a "
                    "release."
                ),
                id="digitalstore.E210",
            )
        ]
    return []
