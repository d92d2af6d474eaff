"""The page of a closed site: rendered once per language and process, then sent as bytes."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass, field
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

#: Seconds for which that is sent before the template is tried again: what it asks may be down, and
#: each visitor would wait for it.
_REST = 1.0


@dataclass(slots=True)
class _Pages:
    """What was rendered of one status, by language."""

    status: Status | None = None
    rendered: dict[str, bytes] = field(default_factory=dict)
    rests_until: float | None = None


_pages = _Pages()


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
    pages = _pages
    if pages.status is not status:
        pages = _pages = _Pages(status)
    language = get_language() or settings.LANGUAGE_CODE
    page = pages.rendered.get(language)
    return _render(pages, status, language) if page is None else page


def _render(pages: _Pages, status: Status, language: str) -> bytes:
    if pages.rests_until is not None and time.monotonic() < pages.rests_until:
        return _PLAIN
    reopens_at = status.ends_at and datetime.fromtimestamp(int(status.ends_at), tz=UTC)
    context = {"message": status.message, "reopens_at": reopens_at}
    try:
        # Kept for others: so in the site's time zone, not in that of whoever came first.
        with override(get_default_timezone()):
            page = render_to_string(TEMPLATE, context).encode()
    except Exception:
        if pages.rests_until is None:  # once of a closure
            logger.exception("The template %s of the closed site can't be rendered", TEMPLATE)
        pages.rests_until = time.monotonic() + _REST
        return _PLAIN
    pages.rendered[language] = page
    return page


def _seconds_until_open(status: Status, now: float) -> int:
    if status.ends_at is None:
        return status.retry_after
    return max(1, math.ceil(status.ends_at - now))
