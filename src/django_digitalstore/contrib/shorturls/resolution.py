"""From a code to where it leads: from the cache, without a query, and from the database by one.

A code without a link is kept as well, on a cache that the processes share, and so many of them
only: whoever tries codes drives neither links nor clicks out of the cache.

Each entry holds the *generation* of its code under which it was read, and counts only while that is
still the code's. A change gives the code a new one after its commit: an entry that a slower reader
then writes, from what it read before, carries the old one and never counts. Deleting the entry
instead would let it stay for its whole time.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from functools import partial

from django.conf import settings
from django.db import transaction

from django_digitalstore.core import caching

from . import targets
from .models import ShortLink
from .validators import is_code

__all__ = ["Destination", "forget", "resolve"]

#: Beginning of an entry's key, with the version of its form: while a site is deployed, processes of
#: two releases share the cache. Whoever changes what ``_read()`` returns counts it up.
_ENTRY = "link:1"
#: Seconds that a generation is kept: longer than any entry that was read under another one.
_GENERATION_KEPT = 24 * 60 * 60
#: Codes without a link that are kept within ``DIGITALSTORE_SHORTURLS_TIMEOUT``.
_MISSES = 1000


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a code leads now."""

    link_id: int
    #: A path of the site, or a whole address.
    location: str


def resolve(code: str) -> Destination | None:
    """Return where ``code`` leads; None for one unknown, switched off, expired or not allowed.

    Not allowed is also another short link: it could lead back here.

    No query where the cache knows the code, one where it doesn't. It knows no code without a link
    where each process has a cache of its own, nor where too many are tried. Never raises because of
    the cache.
    """
    if not is_code(code):  # what no link can be called costs nothing, and makes no entry
        return None
    cache = caching.shared()
    entry_key, generation_key = f"{_ENTRY}:{code}", f"link-generation:{code}"
    found = cache.get_many((entry_key, generation_key))
    generation, entry = found.get(generation_key), found.get(entry_key)
    if entry is None or entry[0] != generation:
        entry = (generation, *_read(code))
        timeout = int(settings.DIGITALSTORE_SHORTURLS_TIMEOUT.total_seconds())
        if entry[1] or _may_keep_a_miss(timeout):
            cache.set(entry_key, entry, timeout=timeout)
    _, link_id, location, expires = entry
    if not location or (expires is not None and expires <= time.time()):
        return None
    return Destination(link_id, location) if targets.is_safe(location) else None


def forget(*codes: str) -> None:
    """Make sure that after the commit of this transaction no process knows the old target."""
    transaction.on_commit(partial(_renew, codes))


def _renew(codes: tuple[str, ...]) -> None:
    kept = max(_GENERATION_KEPT, 2 * int(settings.DIGITALSTORE_SHORTURLS_TIMEOUT.total_seconds()))
    for code in codes:
        caching.shared().set(f"link-generation:{code}", secrets.token_hex(8), timeout=kept)


def _may_keep_a_miss(timeout: int) -> bool:
    # A cache of each process is small, and often full with the site's own.
    if not caching.is_shared():
        return False
    cache, key = caching.shared(), f"link-misses:{int(time.time()) // timeout}"
    cache.add(key, 0, timeout=timeout)
    return (cache.incr(key) or 0) <= _MISSES


def _read(code: str) -> tuple[int, str, float | None]:
    row = (
        ShortLink.objects.filter(code=code, is_active=True)
        .values_list("pk", "path", "url", "expires_at")
        .first()
    )
    if row is None:
        return 0, "", None
    link_id, path, url, expires_at = row
    location = path or url
    # A row that was written by hand, or before the site's URLs changed. Not asked at each click:
    # it takes longer than all the rest.
    if targets.is_safe(location) and targets.leads_to_short_link(location):
        location = ""
    return link_id, location, expires_at.timestamp() if expires_at else None
