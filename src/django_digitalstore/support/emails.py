"""E-mails about support, and what other tools are told: kinds of outbox messages.

Written when they are sent, as those of the payments are. Templates:
``digitalstore/support/email/to_customer_subject.txt``, ``…_body.txt``, and ``to_seller_…``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth import get_user_model
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from django_digitalstore.core import outbox
from django_digitalstore.core.emails import page_of, send_templated
from django_digitalstore.core.site_url import absolute_url
from django_digitalstore.payments.emails import site_addresses

from . import get_support_message_model, get_support_request_model, policies
from .events import SupportEvent, SupportEventKind

__all__ = ["MESSAGE", "NOTIFY", "mail_key", "notify", "send_message"]

logger = logging.getLogger(__name__)

MESSAGE = "support.message"
NOTIFY = "support.notify"

_FOLDER = "digitalstore/support/email"
_LONGEST_THREAD = 10  # mails that References names: a header has a length


def mail_key(message: Any) -> str:
    """Return the key of the mail that brings ``message``: its Message-ID follows from it."""
    return f"support-message:{message.pk}"


@outbox.handler(MESSAGE)
def send_message(payload: Mapping[str, Any], message: Any) -> None:
    """Send the message ``payload["message"]``, a primary key, to the other side of its request.

    Never an internal note. To the seller's side means: who is assigned, else the product's seller,
    each if they may still answer, else those who run the site.
    """
    messages: Any = get_support_message_model().objects
    said = messages.select_related(
        "request__user", "request__product__seller", "request__assignee"
    ).get(pk=payload["message"])
    if said.internal:
        return
    request = said.request
    to_seller = said.author_id == request.user_id
    to = _seller_side(request) if to_seller else [_address(request.user)]
    if not any(to):
        logger.warning(
            "Nobody is told of support request %s: write addresses into "
            "DIGITALSTORE_SELLER_EMAILS or MANAGERS.",
            request.public_id,
        )
        return
    context = {
        "request": request,
        "message": said,
        "attachments": list(said.attachments.all()),
        "product": request.product,
        "request_url": _seller_url(request) if to_seller else page_of(request, "get_absolute_url"),
    }
    name = "to_seller" if to_seller else "to_customer"
    send_templated(f"{_FOLDER}/{name}", to, context, message, headers=_thread(said))


def _thread(said: Any) -> dict[str, str]:
    """Return the headers that put a mail under the earlier ones of its request.

    All of them name one root that nobody ever got, so that both sides' mails are one thread.
    """
    root = outbox.message_id(f"support-request:{said.request.public_id}")
    earlier = (
        get_support_message_model()
        .objects.public()
        .filter(request=said.request_id, pk__lt=said.pk)
        .order_by("-pk")[:_LONGEST_THREAD]
    )
    ids = [root, *(outbox.message_id(mail_key(m)) for m in reversed(list(earlier)))]
    return {"In-Reply-To": ids[-1], "References": " ".join(ids)}


def _address(user: Any) -> str:
    return getattr(user, user.get_email_field_name(), "") or ""


def _seller_side(request: Any) -> list[str]:
    for person in (request.assignee, request.product.seller):
        # Who was assigned, or sold it, before is none of those whom the customer writes to.
        if policies.can_answer(person, request) and (address := _address(person)):
            return [address]
    return site_addresses()


def _seller_url(request: Any) -> str:
    if url := page_of(request, "get_seller_url"):
        return url
    meta = request._meta
    try:
        path = reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[request.pk])
    except NoReverseMatch:
        return ""
    return absolute_url(path)


@outbox.handler(NOTIFY)
def notify(payload: Mapping[str, Any], message: Any) -> None:
    """Call the notifier ``payload["notifier"]``, a dotted path, with its ``SupportEvent``."""
    notifier: Callable[[SupportEvent], object] = import_string(payload["notifier"])
    requests: Any = get_support_request_model().objects.select_related("user", "product")
    said = None
    if payload["message"] is not None:
        said = get_support_message_model().objects.public().get(pk=payload["message"])
    actor = None
    if payload["actor"] is not None:
        actor = get_user_model()._default_manager.filter(pk=payload["actor"]).first()
    notifier(
        SupportEvent(
            kind=SupportEventKind(payload["kind"]),
            request=requests.get(public_id=payload["request"]),
            message=said,
            actor=actor,
        )
    )
