"""The page of a closed site: rendered once per language and process, then sent as bytes."""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from typing import Final

from django.conf import settings
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.timezone import get_default_timezone, override
from django.utils.translation import get_language

from .flag import Status

__all__ = ["TEMPLATE", "ClosedResponse", "closed_page"]

logger = logging.getLogger(__name__)

#: A template of the same name in a folder of ``TEMPLATES["DIRS"]`` takes its place.
TEMPLATE: Final = "digitalstore/underconstruction/under_construction.html"

#: What is sent where the template can't be rendered: closing must not depend on it.
_PLAIN = b"<!doctype html><title>503</title><h1>503 Service Unavailable</h1>\n"

_pages: tuple[Status | None, dict[str, bytes]] = (None, {})


class ClosedResponse(HttpResponse):
    """The answer of a closed site: 503, kept by nobody, with the time to come again."""

    status_code = 503
    # Django logs each 5xx as an error and mails it to ADMINS: this one is meant, on every page.
    _has_been_logged = True

    def __init__(self, status: Status, now: float) -> None:
        content = closed_page(status)
        super().__init__(
            content,
            headers={
                "Retry-After": str(_seconds_until_open(status, now)),
                "Cache-Control": "no-store",
                "Content-Length": str(len(content)),
            },
        )


def closed_page(status: Status) -> bytes:
    """Return the page in the active language. Renders it where this process has none yet."""
    global _pages
    of, pages = _pages
    if of is not status:
        pages = {}
        _pages = (status, pages)
    language = get_language() or settings.LANGUAGE_CODE
    page = pages.get(language)
    if page is None:
        page = pages[language] = _render(status)
    return page


def _render(status: Status) -> bytes:
    reopens_at = status.ends_at and datetime.fromtimestamp(int(status.ends_at), tz=UTC)
    context = {"message": status.message, "reopens_at": reopens_at}
    try:
        # Kept for others: so in the site's time zone, not in that of whoever came first.
        with override(get_default_timezone()):
            return render_to_string(TEMPLATE, context).encode()
    except Exception:
        logger.exception("The template %s of the closed site can't be rendered", TEMPLATE)
        return _PLAIN


def _seconds_until_open(status: Status, now: float) -> int:
    if status.ends_at is None:
        return status.retry_after
    return max(1, math.ceil(status.ends_at - now))
