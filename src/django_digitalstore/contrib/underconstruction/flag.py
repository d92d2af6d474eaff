"""The switch as each process knows it: kept for about a second, so that no request asks for it.

Below the process is the shared cache, for about a second too, and below that the database. So one
query a second answers the whole site, and a change is felt everywhere within two seconds. With a
cache per process, or none that answers, each process asks the database once a second.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.core.signals import setting_changed
from django.db import Error as AnyDatabaseError
from django.db import router
from django.dispatch import receiver

from django_digitalstore.core import caching

from .models import ONLY, SiteStatus

__all__ = ["CACHE_TIMEOUT", "KEEP", "KEEP_SHARED", "Flag", "Status", "flag", "status_of"]

logger = logging.getLogger(__name__)

#: Seconds for which a process believes what the database said.
KEEP: Final = 1.0
#: Seconds for which it believes what the shared cache may have said, and for which that does.
#: Together they stay below two: the switch may be used where the cache can't be reached, and then
#: nobody takes back what it has.
KEEP_SHARED: Final = 0.8
CACHE_TIMEOUT: Final = 1

_KEY = "underconstruction:status"


@dataclass(frozen=True, slots=True)
class Status:
    """What the row says, as plain values: times in seconds since 1970."""

    is_on: bool = False
    starts_at: float | None = None
    ends_at: float | None = None
    message: str = ""
    retry_after: int = 1
    version: int = 0
    preview_generation: int = 1
    #: True where neither the switch nor a schedule will close the site: nothing is to be compared.
    stays_open: bool = field(init=False, default=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "stays_open", not self.is_on and self.starts_at is None)

    def is_closed_at(self, now: float) -> bool:
        """Tell whether the site is closed at ``now``, in seconds since 1970."""
        if self.stays_open:
            return False
        began = self.is_on or (self.starts_at is not None and self.starts_at <= now)
        return began and (self.ends_at is None or now < self.ends_at)


def status_of(row: SiteStatus) -> Status:
    """Return the row as plain values."""
    return Status(
        is_on=row.is_on,
        starts_at=_seconds(row.starts_at),
        ends_at=_seconds(row.ends_at),
        message=row.message,
        retry_after=row.retry_after,
        version=row.version,
        preview_generation=row.preview_generation,
    )


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


class Flag:
    """What this process knows of the switch. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status: Status | None = None
        self._fresh_until = 0.0
        self._pinned: Status | None = None
        self._database_is_down = False

    def known(self) -> Status | None:
        """Return the status where it is fresh enough, None where it has to be read. No I/O."""
        return self._status if time.monotonic() < self._fresh_until else None

    def current(self) -> Status:
        """Return the status; about once a second it asks the cache or the database for it.

        While the database can't be asked, what was known last is what counts; in a process that
        never knew anything, the site is open.
        """
        if time.monotonic() < self._fresh_until and self._status is not None:
            return self._status
        # One thread asks. The others answer by what they know, which is hardly older.
        if not self._lock.acquire(blocking=self._status is None):
            return self._status or Status()
        try:
            known = self._status
            if known is not None and time.monotonic() < self._fresh_until:
                return known
            found = self._read()
            # The same object as long as nothing changed: pages that are kept belong to it.
            self._status = known if known == found else found
            self._fresh_until = time.monotonic() + _keep()
            return self._status or found
        finally:
            self._lock.release()

    def publish(self, row: SiteStatus) -> None:
        """Tell this process and the shared cache of a change that is committed."""
        status = status_of(row)
        if caching.is_shared():
            caching.shared().set(_KEY, _plain(status), timeout=CACHE_TIMEOUT)
        if self._pinned is None:
            self._status, self._fresh_until = status, time.monotonic() + _keep()

    def forget(self) -> None:
        """Have the status read anew, from the database: a test's rollback tells nobody."""
        if caching.is_shared():
            caching.shared().delete(_KEY)
        self.reset()

    def reset(self) -> None:
        """Have this process ask again. No I/O."""
        self._status = self._pinned
        self._fresh_until = 0.0 if self._pinned is None else float("inf")

    @contextmanager
    def pinned(self, status: Status) -> Iterator[None]:
        """Let this process believe ``status`` in the block, whatever is true. For tests."""
        before = self._pinned
        self._pinned = status
        self.reset()
        try:
            yield
        finally:
            self._pinned = before
            self.reset()

    def _read(self) -> Status:
        cache = caching.shared() if caching.is_shared() else None
        cached = None if cache is None else _status_from(cache.get(_KEY))
        known = self._status
        if cached is not None and (known is None or cached.version >= known.version):
            return cached
        try:
            rows = SiteStatus.objects.using(router.db_for_write(SiteStatus))  # no replica, no lag
            row = rows.filter(pk=ONLY).first()
        except AnyDatabaseError as error:
            return self._without_database(error)
        self._database_is_down = False
        status = Status() if row is None else status_of(row)
        if cache is not None:
            # add(): somebody may have changed the row since it was read here. An older one than
            # this process knows of is replaced.
            write = cache.add if cached is None else cache.set
            write(_KEY, _plain(status), timeout=CACHE_TIMEOUT)
        return status

    def _without_database(self, error: Exception) -> Status:
        if not self._database_is_down:
            self._database_is_down = True
            logger.warning(
                "Whether the site is closed can't be read (%s: %s): it stays as it was, and is "
                "asked for again each second",
                type(error).__name__,
                error,
            )
        return self._status or Status()


def _keep() -> float:
    return KEEP_SHARED if caching.is_shared() else KEEP


def _plain(status: Status) -> dict[str, Any]:
    # Not the object: processes of the next version of this class read it too.
    return {name: value for name, value in asdict(status).items() if name != "stays_open"}


def _status_from(found: Any) -> Status | None:
    try:
        return Status(**found)
    except TypeError:
        return None


#: The one of this process.
flag = Flag()


@receiver(setting_changed)
def _reset(*, setting: str, **kwargs: Any) -> None:
    if setting in ("CACHES", "DIGITALSTORE_CACHE"):
        flag.reset()
