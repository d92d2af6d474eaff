"""E-mails about orders: kinds of outbox messages, written when they are sent.

A template that a host broke then fails the message, which is tried again, and never the payment.
Each kind has two templates, ``digitalstore/payments/email/<name>_subject.txt`` and
``…_body.txt``, which a host replaces. Which facts cause them stands in ``flows.notices``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.urls import NoReverseMatch, reverse

from django_digitalstore.core import outbox
from django_digitalstore.core.emails import page_of, send_templated
from django_digitalstore.core.site_url import absolute_url

from . import get_dispute_model, get_order_model, get_refund_model, policies
from .choices import Attention
from .facts import items_of

__all__ = [
    "ATTENTION",
    "DISPUTE",
    "RECEIPT",
    "REFUNDED",
    "SITE",
    "send_attention",
    "send_dispute",
    "send_receipt",
    "send_refunded",
    "site_addresses",
]

logger = logging.getLogger(__name__)

RECEIPT = "payments.receipt"
REFUNDED = "payments.refunded"
DISPUTE = "payments.dispute"
ATTENTION = "payments.attention"

#: The recipient of what is about products that belong to the site; others are keys of users.
SITE = "site"

_FOLDER = "digitalstore/payments/email"


def site_addresses() -> list[str]:
    """Return who reads what sellers are told, of products that belong to the site."""
    configured = settings.DIGITALSTORE_SELLER_EMAILS
    if configured is not None:
        return list(configured)
    # Names beside the addresses until Django 6, addresses alone since.
    return [entry if isinstance(entry, str) else entry[1] for entry in settings.MANAGERS]


@outbox.handler(RECEIPT)
def send_receipt(payload: Mapping[str, Any], message: Any) -> None:
    """Send the receipt of ``payload["order"]``, a public id, to its buyer."""
    order = get_order_model().objects.get(public_id=payload["order"])
    lines = list(order.lines.order_by("position"))
    context = {
        "order": order,
        "lines": lines,
        "has_files": policies.has_files(lines),
        "order_url": _order_url(order),
    }
    send_templated(f"{_FOLDER}/receipt", [order.email], context, message)


@outbox.handler(REFUNDED)
def send_refunded(payload: Mapping[str, Any], message: Any) -> None:
    """Tell the buyer that the refund ``payload["refund"]`` of ``payload["alias"]`` was made."""
    refund: Any = (
        get_refund_model()
        .objects.select_related("payment__order")
        .get(alias=payload["alias"], provider_reference=payload["refund"])
    )
    payment, order = refund.payment, refund.payment.order
    lines = list(order.lines.order_by("position"))
    items = {str(item) for item, _amount in refund.items}
    whole = refund.amount is None and refund.is_full
    context = {
        "order": order,
        "refund": refund,
        "amount": payment.amount if whole else refund.amount,
        "currency": payment.currency if whole else refund.currency or payment.currency,
        "lines": [
            line
            for line, item in zip(lines, items_of(payment, lines), strict=True)
            if item in items
        ],
        "lost": policies.lost_lines(order, lines),
        "order_url": _order_url(order),
    }
    send_templated(f"{_FOLDER}/refund", [order.email], context, message)


@outbox.handler(DISPUTE)
def send_dispute(payload: Mapping[str, Any], message: Any) -> None:
    """Tell a seller that a dispute was opened, lost or won: ``payload["phase"]``."""
    dispute: Any = (
        get_dispute_model()
        .objects.select_related("payment__order")
        .get(alias=payload["alias"], provider_reference=payload["dispute"])
    )
    context = {
        "dispute": dispute,
        "phase": payload["phase"],
        "suspends": settings.DIGITALSTORE_DISPUTE_SUSPENDS,
    }
    _send_to_seller("dispute", payload["recipient"], dispute.payment.order, context, message)


@outbox.handler(ATTENTION)
def send_attention(payload: Mapping[str, Any], message: Any) -> None:
    """Tell a seller why a person should look at ``payload["order"]``, a public id."""
    order = get_order_model().objects.get(public_id=payload["order"])
    context = {"reason": payload["reason"], "reason_label": Attention(payload["reason"]).label}
    _send_to_seller("attention", payload["recipient"], order, context, message)


def _send_to_seller(
    name: str, recipient: str, order: Any, context: dict[str, Any], message: Any
) -> None:
    """Send to a seller, who learns of their own lines only, or to those who run the site."""
    lines = list(order.lines.select_related("product").order_by("position"))
    seller = None
    if recipient != SITE:
        seller = get_user_model()._default_manager.filter(pk=recipient).first()
    address = getattr(seller, seller.get_email_field_name(), "") if seller is not None else ""
    if address:
        own = [line for line in lines if str(line.product.seller_id) == recipient]
        to, url = [address], _seller_url(order)
    else:
        own, to, url = lines, site_addresses(), _admin_url(order)
    if not to:
        logger.warning(
            "Nobody is told of order %s (%s): write addresses into DIGITALSTORE_SELLER_EMAILS or "
            "MANAGERS.",
            order.public_id,
            name,
        )
        return
    context = {
        **context,
        "order": order,
        "lines": own,
        "is_whole": len(own) == len(lines),
        "order_url": url,
    }
    send_templated(f"{_FOLDER}/{name}", to, context, message)


def _order_url(order: Any) -> str:
    """Return the order's own page; nothing where the host has none: the mail is due anyway."""
    return page_of(order, "get_absolute_url")


def _seller_url(order: Any) -> str:
    return page_of(order, "get_seller_url")


def _admin_url(order: Any) -> str:
    meta = order._meta
    try:
        path = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[order.pk])
    except NoReverseMatch:
        return _seller_url(order)
    return absolute_url(path)
