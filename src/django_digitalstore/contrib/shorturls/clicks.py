"""Which requests are clicks, and what becomes of one: a number in the cache, no write."""

from __future__ import annotations

import logging
import re
import time

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest

from django_digitalstore.core import caching

from . import counters, flows

__all__ = ["count", "is_click", "save_own"]

logger = logging.getLogger(__name__)

#: Seconds between two times that a process saves what it alone has counted.
_OWN_EVERY = 60
_OWN_SAVED = "links-saved-here"
#: Headers in which a browser says that nobody looks yet.
_PURPOSES = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
_AHEAD = re.compile("prefetch|preview", re.IGNORECASE)


def is_click(request: HttpRequest) -> bool:
    """Tell whether a person clicked: no HEAD, nothing fetched ahead, no program. No I/O."""
    if request.method != "GET":
        return False
    # Not request.headers, which is made of all of them: every click comes by here.
    meta = request.META
    for name in _PURPOSES:
        purpose = meta.get(name)
        if purpose and _AHEAD.search(purpose):
            return False
    # A maker of phones that each list of crawlers meets.
    agent = meta.get("HTTP_USER_AGENT", "").lower().replace("cubot", "")
    # As fast as one compiled pattern, and twice as fast as any().
    for word in settings.DIGITALSTORE_SHORTURLS_BOTS:
        if word in agent:
            return False
    return bool(agent)


def count(link_id: int) -> None:
    """Count a click. Without a query, as long as the cache counts.

    A cache that is down, or keeps nothing, leaves it to the database. One that no other process
    sees is saved by the process itself, about once a minute: no job could. A click that cannot be
    counted is logged, and the visitor goes on.
    """
    try:
        day = counters.today()
        if not counters.count(link_id, day):
            flows.record_click(link_id, day)
        elif not caching.is_shared():
            _save_sometimes()
    except DatabaseError:
        logger.exception("A click on the short link %s could not be saved.", link_id)


def save_own() -> None:
    """Save what this process alone has counted; nothing where a job sees the cache too."""
    if not caching.is_shared():
        flows.record_clicks()


def _save_sometimes() -> None:
    # The time stands in the cache that it is about: an emptied one begins anew.
    cache, now = caching.shared(), time.time()
    due = cache.get(_OWN_SAVED)
    if due is None or due <= now:
        cache.set(_OWN_SAVED, now + _OWN_EVERY, timeout=None)
        if due is not None:
            flows.record_clicks()
