"""The cache's counters of clicks: they only go up, and what was saved is noted in the database.

A counter belongs to a link and a day. Its upper bits are drawn when it is made, its lower ones
count. The database keeps what the counter said, beside the sum that the clicks were added to, and
both change in one transaction: each click is saved once, whoever saves at the same time and
wherever somebody is killed. A cache that was emptied begins a counter with other upper bits, which
is seen; one whose server came back with an older snapshot goes on from there. (To take off the
counter what was saved is a second write in another place: a kill between the two would count a
batch twice. Where each process has a cache of its own it is done all the same: that is killed with
its process.) What a cache drops before it was saved is lost.

Which links were clicked stands in marks, one for a block of links and a day, so that a job asks for
the counters of those blocks only.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from django.db.models import Max, Min
from django.utils import timezone

from django_digitalstore.core import caching

from .models import ShortLink, ShortLinkDay

__all__ = [
    "KEPT_DAYS",
    "Block",
    "Pending",
    "clicked_blocks",
    "count",
    "forget_past",
    "pending",
    "saving",
    "today",
]

#: Days for which a counter waits to be saved, while no job runs.
KEPT_DAYS = 7
_KEPT = KEPT_DAYS * 24 * 60 * 60
#: Links in a block: their counters of a day are one question to the cache.
_IN_BLOCK = 500
_MARKS_AT_ONCE = 1000
#: Of the lower bits: a hundred million clicks a day. With the upper ones they are 53, since
#: django-redis adds by a script of the server, whose numbers are doubles: a sum beyond comes back
#: rounded.
_BITS = 27
_CLICKS = (1 << _BITS) - 1
#: Held while this process saves what only it has counted.
_own = threading.Lock()


@dataclass(frozen=True, slots=True)
class Block:
    """Links that stand together in the table, on one day."""

    number: int
    day: date

    @property
    def mark(self) -> str:
        """The key of its mark in the cache."""
        return f"link-clicked:{self.day:%Y%m%d}:{self.number}"

    @property
    def link_ids(self) -> range:
        """The primary keys of its links."""
        return range(self.number * _IN_BLOCK, (self.number + 1) * _IN_BLOCK)


@dataclass(frozen=True, slots=True)
class Pending:
    """What is to be saved for a link: ``clicks`` more, and the ``counter`` they go up to.

    No clicks where the counter went back: from there on it counts again.
    """

    link_id: int
    clicks: int
    counter: int


def today() -> date:
    """Return the day in the site's time zone, whatever zone the visitor's request has."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def count(link_id: int, day: date) -> bool:
    """Count a click in the cache; False where the cache does not count. No query."""
    cache = caching.shared()
    key = _key(link_id, day)
    value = cache.incr(key)
    if value is None:
        # Of two that come first one makes it, and both count.
        cache.add(key, (secrets.randbits(25) + 1) << _BITS, timeout=_KEPT)
        value = cache.incr(key)
        if value is None:
            return False
    clicks = value & _CLICKS
    if not clicks & (clicks - 1):
        # At the first, and again at each doubling: a mark that got lost comes back.
        cache.set(Block(link_id // _IN_BLOCK, day).mark, 1, timeout=_KEPT)
    return True


def clicked_blocks() -> Iterator[Block]:
    """Yield the blocks with counters that may not be saved. One query, and the cache's marks."""
    found = ShortLink.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if found["last"] is None:
        return
    cache, now = caching.shared(), today()
    days = [now - timedelta(days=ago) for ago in range(KEPT_DAYS + 1)]
    numbers = range(found["first"] // _IN_BLOCK, found["last"] // _IN_BLOCK + 1)
    blocks = {block.mark: block for n in numbers for block in (Block(n, day) for day in days)}
    marks = list(blocks)
    for start in range(0, len(marks), _MARKS_AT_ONCE):
        for mark in cache.get_many(marks[start : start + _MARKS_AT_ONCE]):
            yield blocks[mark]


def forget_past(block: Block) -> None:
    """Take the mark off a block whose day is long over: nobody clicks on it any more."""
    if block.day < today() - timedelta(days=1):
        caching.shared().delete(block.mark)


def pending(block: Block) -> list[Pending]:
    """Return what the counters of a block have that is not saved. One query, or none."""
    keys = {_key(link_id, block.day): link_id for link_id in block.link_ids}
    counters = {keys[key]: value for key, value in caching.shared().get_many(keys).items()}
    if not counters:
        return []
    days = ShortLinkDay.objects.filter(day=block.day, link_id__in=counters)
    saved = dict(days.order_by().values_list("link_id", "counter"))
    found = []
    for link_id, counter in sorted(counters.items()):
        clicks = _unsaved(counter, saved.get(link_id, 0))
        if clicks < 0:
            # A replica may be behind what was saved: whoever adds, if nothing, asks the primary.
            counter = caching.shared().incr(_key(link_id, block.day), 0) or saved[link_id]
            clicks = _unsaved(counter, saved[link_id])
        if clicks:
            found.append(Pending(link_id, max(clicks, 0), counter))
    return found


@contextmanager
def saving(block: Block) -> Iterator[Callable[[list[Pending]], None]]:
    """Give what is told, once it is committed, what was saved. No query.

    Counters that only this process sees then start at zero, with other upper bits, since what the
    database notes is the counter of whichever process saved last, which says nothing to the others.
    No other thread saves meanwhile. Nothing happens to counters of a cache that is shared.
    """
    if caching.is_shared():
        yield lambda saved: None
        return
    with _own:
        yield partial(_begin_anew, block)


def _begin_anew(block: Block, saved: list[Pending]) -> None:
    cache = caching.shared()
    for each in saved:
        key, step = _key(each.link_id, block.day), (1 << _BITS) - (each.counter & _CLICKS)
        # One step, so that what is clicked meanwhile stays.
        value = cache.incr(key, step)
        if value is not None and value >> _BITS != (each.counter >> _BITS) + 1:
            cache.incr(key, -step)  # one made since: the cache had dropped what was saved


def _unsaved(counter: int, saved: int) -> int:
    if counter >> _BITS != saved >> _BITS:  # made after the cache was emptied
        return counter & _CLICKS
    return counter - saved


def _key(link_id: int, day: date) -> str:
    return f"link-clicks:{day:%Y%m%d}:{link_id}"
