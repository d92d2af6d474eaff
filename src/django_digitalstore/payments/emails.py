"""E-mails about orders: kinds of outbox messages, written when they are sent.

A template that a host broke then fails the message, which is tried again, and never the payment.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.loader import render_to_string
from django.urls import NoReverseMatch

from django_digitalstore.core import outbox
from django_digitalstore.core.site_url import absolute_url

from . import get_order_model

__all__ = ["RECEIPT", "send_receipt"]

RECEIPT = "payments.receipt"


@outbox.handler(RECEIPT)
def send_receipt(payload: Mapping[str, Any], message: Any) -> None:
    """Send the receipt of ``payload["order"]``, a public id. A host overrides the two templates."""
    order = get_order_model().objects.get(public_id=payload["order"])
    context = {
        "order": order,
        "lines": order.lines.order_by("position"),
        "order_url": _order_url(order),
    }
    outbox.send_email(
        {
            "to": [order.email],
            "subject": render_to_string("digitalstore/payments/email/receipt_subject.txt", context),
            "body": render_to_string("digitalstore/payments/email/receipt_body.txt", context),
        },
        message,
    )


def _order_url(order: Any) -> str:
    """Return the order's own page; nothing where the host has none, for a receipt is due anyway."""
    if not hasattr(order, "get_absolute_url"):
        return ""
    try:
        return absolute_url(order.get_absolute_url())
    except NoReverseMatch:
        return ""
