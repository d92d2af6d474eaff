"""System checks of the entitlements: delivery, and keys to a row that comes and goes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import models

from django_digitalstore.core.exceptions import InvalidModelSetting

from . import get_purchased_product_model, unsubscribe_links
from .backends import delivery_backends

__all__ = [
    "check_delivery_backends",
    "check_download_log",
    "check_keys_to_purchases",
    "check_unsubscribe_url",
]


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


@register()
def check_download_log(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check how long links work, what the log keeps, and how long a download may be resumed."""
    found: list[CheckMessage] = []
    kept = settings.DIGITALSTORE_DOWNLOAD_LOG_ADDRESS
    if kept not in ("full", "truncated", "none"):
        found.append(
            Error(
                f"DIGITALSTORE_DOWNLOAD_LOG_ADDRESS is {kept!r}, so the log keeps no address.",
                hint="Write 'full', 'truncated' or 'none'.",
                id="digitalstore.E211",
            )
        )
    # A link whose age is None would work for ever, and nothing would say so.
    ages = {"DOWNLOAD_LINK_AGE": False, "DOWNLOAD_LOG_AGE": True, "DOWNLOAD_RESUME_AGE": False}
    for name, may_be_none in ages.items():
        age = getattr(settings, f"DIGITALSTORE_{name}")
        if not isinstance(age, timedelta) and not (may_be_none and age is None):
            found.append(
                Error(
                    f"DIGITALSTORE_{name} is {age!r}, which is no time.",
                    hint="Write a timedelta, as in timedelta(days=90)"
                    + (", or None to keep it for ever." if may_be_none else "."),
                    id="digitalstore.E211",
                )
            )
    for name in ("UPDATE_DAYS", "DOWNLOAD_LIMIT"):
        number = getattr(settings, f"DIGITALSTORE_{name}")
        if number is not None and (type(number) is not int or number < 0):
            found.append(
                Error(
                    f"DIGITALSTORE_{name} is {number!r}, which is no whole number from 0 up.",
                    hint="Write a whole number, or None for no limit.",
                    id="digitalstore.E211",
                )
            )
    return found


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
