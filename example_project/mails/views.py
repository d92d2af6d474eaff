"""The page that shows what was sent."""

from __future__ import annotations

import email
import email.policy
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

SHOWN = 50


@dataclass(frozen=True, slots=True)
class SentMail:
    """A mail as the page shows it."""

    subject: str
    to: str
    sent_at: datetime
    text: str


def read(path: Path) -> SentMail:
    """Read one kept mail."""
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    return SentMail(
        subject=str(message["subject"] or ""),
        to=str(message["to"] or ""),
        sent_at=datetime.fromtimestamp(int(path.name.partition("-")[0]) / 1e9, UTC),
        text=body.get_content().strip() if body else "",
    )


@never_cache
@require_safe
def mails(request: HttpRequest) -> HttpResponse:
    """Show the newest mails to everybody: in test mode only, when they belong to nobody real."""
    if not settings.DIGITALSTORE_TEST_MODE:
        raise Http404("Mails are shown in test mode only.")
    paths = sorted(settings.MAILS_DIR.glob("*.eml"), reverse=True)[:SHOWN]
    return render(request, "mails/list.html", {"mails": [read(path) for path in paths]})
