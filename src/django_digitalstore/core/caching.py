"""The cache that all processes of a site share, and that may be gone: then each question is a miss.

No rule of the store rests on a cache; pages are fast by it. So a server that is down makes them
slower, and nothing else.
"""

from __future__ import annotations

import logging
import pickle
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from django.conf import settings
from django.core.cache import BaseCache, caches
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import CheckMessage, Error
from django.core.signals import setting_changed
from django.dispatch import receiver

__all__ = ["REST", "SharedCache", "check_alias", "hint_for", "is_shared", "problem_of", "shared"]

logger = logging.getLogger(__name__)

#: Seconds for which a cache isn't asked again after an error: otherwise every key of a page would
#: wait for a server that doesn't answer.
REST: Final = 1.0

_PREFIX = "digitalstore:"

#: What pickling raises, and the serializers of other backends: for a value that can't be kept, or
#: one that another version of the site kept. An error of the operating system is an outage all the
#: same: that of a certificate is a ``ValueError`` too.
_OF_THE_VALUE: Final = (
    pickle.PickleError,
    AttributeError,
    EOFError,
    ImportError,
    TypeError,
    ValueError,
)

Answer = TypeVar("Answer")


class SharedCache:
    """An alias of ``CACHES`` that answers as if it were empty while its server is down.

    No method raises because of the server: the first error of an outage is logged as a warning, its
    end as an information, and within ``REST`` seconds of an error nothing is asked. A value that
    can't be pickled is a mistake of who keeps it: logged as an error each time, and no outage. Keys
    are told apart from the site's own by a prefix. Timeouts are in seconds, None is for ever; they
    are always given, so that no default of the site decides how long something of ours is kept.

    Safe in threads. May do I/O, and sends queries where the site keeps its cache in the database.
    """

    def __init__(self, alias: str) -> None:
        #: The key in ``CACHES``.
        self.alias = alias
        self._lock = threading.Lock()
        self._down_since: float | None = None
        self._rests_until = 0.0

    @property
    def is_down(self) -> bool:
        """Tell whether the last question that reached the server ended in an error. No I/O."""
        return self._down_since is not None

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value, or ``default`` where there is none."""
        return self._ask(lambda cache: cache.get(_PREFIX + key, default), default)

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return key → value of those that are there, by one question."""
        names = [_PREFIX + key for key in keys]
        found: Mapping[str, Any] = self._ask(lambda cache: cache.get_many(names), {})
        return {name.removeprefix(_PREFIX): value for name, value in found.items()}

    def set(self, key: str, value: Any, *, timeout: int | None) -> bool:
        """Keep the value; tell whether the server took it."""

        def write(cache: BaseCache) -> bool:
            cache.set(_PREFIX + key, value, timeout)
            return True

        return self._ask(write, False)

    def add(self, key: str, value: Any, *, timeout: int | None) -> bool:
        """Keep the value where there is none yet; tell whether this call did it."""
        return bool(self._ask(lambda cache: cache.add(_PREFIX + key, value, timeout), False))

    def incr(self, key: str, delta: int = 1) -> int | None:
        """Add to a number and return the sum; None where there is none, or no server."""

        def count(cache: BaseCache) -> int | None:
            try:
                return cache.incr(_PREFIX + key, delta)
            except ValueError:  # Django's way to say that there is no such key
                return None

        return self._ask(count, None)

    def delete(self, key: str) -> bool:
        """Take the value away; tell whether there was one."""
        return bool(self._ask(lambda cache: cache.delete(_PREFIX + key), False))

    def delete_many(self, keys: Iterable[str]) -> bool:
        """Take the values away; tell whether the server was there to do it."""
        names = [_PREFIX + key for key in keys]

        def write(cache: BaseCache) -> bool:
            cache.delete_many(names)
            return True

        return self._ask(write, False)

    def touch(self, key: str, *, timeout: int | None) -> bool:
        """Keep the value for longer; tell whether there is one."""
        return bool(self._ask(lambda cache: cache.touch(_PREFIX + key, timeout), False))

    def _ask(self, question: Callable[[BaseCache], Answer], miss: Answer) -> Answer:
        cache = caches[self.alias]  # a wrong alias is a mistake in the settings, and raises
        if self._down_since is not None and not self._may_try():
            return miss
        try:
            answer = question(cache)
        except OSError as error:
            self._went_wrong(error)
            return miss
        except _OF_THE_VALUE:
            self._rests_until = 0.0  # it says nothing about the server: let the next one ask it
            logger.exception(
                "A value can't be kept in the cache %r, or read from it: the store goes on without "
                "that value, slower",
                self.alias,
            )
            return miss
        except Exception as error:
            self._went_wrong(error)
            return miss
        if self._down_since is not None:
            self._answered()
        return answer

    def _may_try(self) -> bool:
        with self._lock:
            now = time.monotonic()
            if now < self._rests_until:
                return False
            # Whoever comes first finds out for all: the others don't wait for a timeout too.
            self._rests_until = now + REST
            return True

    def _went_wrong(self, error: Exception) -> None:
        with self._lock:
            now = time.monotonic()
            self._rests_until = now + REST
            begins = self._down_since is None
            if begins:
                self._down_since = now
        if begins:
            logger.warning(
                "The cache %r does not work (%s: %s): the store goes on without it, slower, and "
                "asks it again after %g s",
                self.alias,
                type(error).__name__,
                error,
                REST,
            )

    def _answered(self) -> None:
        with self._lock:
            since, self._down_since = self._down_since, None
        if since is not None:
            logger.info(
                "The cache %r works again, after %.0f s", self.alias, time.monotonic() - since
            )


_known: dict[str, SharedCache] = {}


def shared() -> SharedCache:
    """Return the cache of ``DIGITALSTORE_CACHE``: one object in a process, so outages are known."""
    alias = settings.DIGITALSTORE_CACHE
    found = _known.get(alias)
    # setdefault() is atomic: two threads that come first get the same one.
    return found if found is not None else _known.setdefault(alias, SharedCache(alias))


def is_shared(alias: str | None = None) -> bool:
    """Tell whether what one process keeps under the alias is found by the others. No I/O.

    None is the alias of ``DIGITALSTORE_CACHE``. Raises ``InvalidCacheBackendError`` where
    ``CACHES`` doesn't have it.
    """
    cache = caches[settings.DIGITALSTORE_CACHE if alias is None else alias]
    return not isinstance(cache, (DummyCache, LocMemCache))


def problem_of(alias: str | None = None, *, counts: bool = False) -> str | None:
    """Return why the alias can't be relied on in production, for a check to say. No I/O.

    The answer None says that it can. The argument None is the alias of ``DIGITALSTORE_CACHE``.
    Named are a cache that keeps nothing, one per process, and one that asks the database; where the
    feature ``counts`` by ``incr()``, one that loses counts too. An alias that isn't there is an
    error of its own (E020), and None here. ``hint_for()`` says what to write.
    """
    alias = settings.DIGITALSTORE_CACHE if alias is None else alias
    where = f"CACHES[{alias!r}]"
    if alias not in settings.CACHES:
        return None
    cache = caches[alias]
    backend = type(cache).__name__
    if isinstance(cache, DummyCache):
        return f"{where} is a {backend}, which keeps nothing"
    if cache.default_timeout is not None and cache.default_timeout <= 0:
        return f"{where} has TIMEOUT {cache.default_timeout}, which keeps nothing"
    if isinstance(cache, LocMemCache):
        return f"{where} is a {backend}, of which every process has its own"
    if isinstance(cache, DatabaseCache):
        return f"{where} is a {backend}, which sends the queries that it should save"
    if counts and type(cache).incr is BaseCache.incr:
        return f"{where} is a {backend}, which loses counts when two processes count at once"
    return None


def hint_for(alias: str | None = None) -> str:
    """Return what a check tells to write where ``problem_of()`` found something. No I/O."""
    alias = settings.DIGITALSTORE_CACHE if alias is None else alias
    # Without the timeouts a page waits, for ever, for a server that accepts and never answers.
    return (
        f"Write CACHES[{alias!r}] = {{'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': "
        f"'redis://host:6379/0', 'OPTIONS': {{'SOCKET_CONNECT_TIMEOUT': 1, 'SOCKET_TIMEOUT': 1}}}} "
        f'(`pip install "django-digitalstore[redis]"`), or name another alias in '
        f"DIGITALSTORE_CACHE."
    )


def check_alias(check_id: str) -> list[CheckMessage]:
    """Return an error where ``DIGITALSTORE_CACHE`` names no cache of the site. No I/O."""
    alias = settings.DIGITALSTORE_CACHE
    if alias not in settings.CACHES:
        return [
            Error(
                f"DIGITALSTORE_CACHE refers to {alias!r}, which is not in CACHES.",
                hint=f"Write one of {', '.join(map(repr, settings.CACHES))}.",
                id=check_id,
            )
        ]
    return []


@receiver(setting_changed)
def _forget(*, setting: str, **kwargs: Any) -> None:
    """Begin anew where a test changes the caches: another server may be behind the alias."""
    if setting == "CACHES":
        _known.clear()
