"""E-mails from templates: how handlers of the outbox write and send them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.template.loader import render_to_string
from django.urls import NoReverseMatch

from . import outbox
from .models import OutboxMessage
from .site_url import absolute_url

__all__ = ["page_of", "send_templated"]


def send_templated(
    template: str,
    to: Iterable[str],
    context: Mapping[str, Any],
    message: OutboxMessage,
    *,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Write ``<template>_subject.txt`` and ``<template>_body.txt``, and send them to ``to``.

    For the handler of an outbox message, which is tried again where this raises: a template that a
    host broke, a mail server that is away. Without any address nothing is sent: the person was
    erased. Sends over the network; outside any transaction.
    """
    addresses = [address for address in to if address]
    if not addresses:
        return
    outbox.send_email(
        {
            "to": addresses,
            "subject": render_to_string(f"{template}_subject.txt", dict(context)),
            "body": render_to_string(f"{template}_body.txt", dict(context)),
            "headers": dict(headers or {}),
        },
        message,
    )


def page_of(instance: Any, method: str) -> str:
    """Return the absolute URL of a page that the host's model names by ``method``.

    Nothing where it has no such method, or the URL is not routed: the e-mail is due anyway.
    """
    if not hasattr(instance, method):
        return ""
    try:
        return absolute_url(getattr(instance, method)())
    except NoReverseMatch:
        return ""
