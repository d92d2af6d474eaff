"""Who is told of what: one outbox row for each cause and reader.

Written in the transaction of the change. Of internal notes nobody is told.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.conf import settings

from django_digitalstore.core import outbox
from django_digitalstore.support.emails import MESSAGE, NOTIFY, mail_key
from django_digitalstore.support.events import SupportEventKind

__all__: list[str] = []  # for the flows beside it alone


def tell_of_message(message: Any, kind: SupportEventKind) -> None:
    """Send what was written to the other side, and tell the notifiers."""
    outbox.enqueue(MESSAGE, mail_key(message), {"message": str(message.pk)})
    tell_notifiers(message.request, kind, actor=message.author, message=message)


def tell_notifiers(
    request: Any, kind: SupportEventKind, *, actor: Any, message: Any = None, cause: str = ""
) -> None:
    """Let each of ``DIGITALSTORE_SUPPORT_NOTIFIERS`` know; ``cause`` tells repeated ones apart."""
    cause = cause if message is None else str(message.pk)
    for path in settings.DIGITALSTORE_SUPPORT_NOTIFIERS:
        name = hashlib.sha256(path.encode()).hexdigest()[:16]
        outbox.enqueue(
            NOTIFY,
            f"support-notify:{name}:{request.public_id}:{kind}:{cause}",
            {
                "notifier": path,
                "kind": kind,
                "request": request.public_id,
                "message": None if message is None else str(message.pk),
                "actor": None if actor is None else str(actor.pk),
            },
        )
