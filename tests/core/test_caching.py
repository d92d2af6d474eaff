"""The shared cache: the same on local memory and on Redis, and a miss while the server is down."""

from __future__ import annotations

import ast
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches
from django.core.cache.backends.base import InvalidCacheBackendError
from django.core.cache.backends.locmem import LocMemCache
from django.core.checks import run_checks
from django.test import override_settings

from django_digitalstore.core import caching
from django_digitalstore.core.caching import REST, SharedCache
from tests.redis_server import RedisServer

LOCAL_MEMORY = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "tests of the shared cache",
    }
}
HINT = (
    "Write CACHES['default'] = {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': "
    "'redis://host:6379/0', 'OPTIONS': {'SOCKET_CONNECT_TIMEOUT': 1, 'SOCKET_TIMEOUT': 1}} "
    '(`pip install "django-digitalstore[redis]"`), or name another alias in DIGITALSTORE_CACHE.'
)


@pytest.fixture(params=["local memory", "redis"])
def cache(request: pytest.FixtureRequest, settings: Any) -> SharedCache:
    if request.param == "redis":
        settings.CACHES = request.getfixturevalue("redis_server").caches
    else:
        settings.CACHES = LOCAL_MEMORY
    caches["default"].clear()
    return caching.shared()


# --- the same on both -------------------------------------------------------------------------


def test_what_is_set_is_there_until_it_is_deleted(cache):
    assert cache.get("a") is None
    assert cache.get("a", 7) == 7
    assert cache.set("a", ["anything"], timeout=60)
    assert cache.get("a") == ["anything"]
    assert cache.delete("a")
    assert not cache.delete("a")
    assert cache.get("a") is None


def test_add_keeps_what_is_there(cache):
    assert cache.add("a", 1, timeout=60)
    assert not cache.add("a", 2, timeout=60)
    assert cache.get("a") == 1


def test_a_number_is_counted_up_and_down_and_never_made(cache):
    assert cache.incr("clicks") is None
    assert cache.get("clicks") is None
    cache.set("clicks", 1, timeout=60)
    assert cache.incr("clicks") == 2
    assert cache.incr("clicks", 5) == 7
    assert cache.incr("clicks", -7) == 0
    assert cache.get("clicks") == 0


def test_many_are_read_and_deleted_at_once(cache):
    cache.set("a", 1, timeout=60)
    cache.set("b", 2, timeout=None)
    assert cache.get_many(["a", "b", "c"]) == {"a": 1, "b": 2}
    assert cache.delete_many(["a", "c"])
    assert cache.get_many(key for key in ("a", "b")) == {"b": 2}


def test_a_value_goes_after_its_timeout_unless_it_is_touched(cache):
    cache.set("short", 1, timeout=1)
    cache.set("touched", 1, timeout=1)
    assert cache.touch("touched", timeout=60)
    assert not cache.touch("missing", timeout=60)
    time.sleep(1.1)
    assert cache.get_many(["short", "touched"]) == {"touched": 1}


def test_keys_of_the_site_itself_are_others(cache):
    caches["default"].set("a", "the site's", 60)
    assert cache.get("a") is None
    cache.set("a", "the store's", timeout=60)
    assert caches["default"].get("a") == "the site's"
    assert caches["default"].get("digitalstore:a") == "the store's"


def test_the_setting_names_the_alias():
    two = {**LOCAL_MEMORY, "pages": {**LOCAL_MEMORY["default"], "LOCATION": "pages"}}
    with override_settings(CACHES=two, DIGITALSTORE_CACHE="pages"):
        assert caching.shared().alias == "pages"
        caches["default"].clear()
        caching.shared().set("a", 1, timeout=60)
        assert caches["default"].get("digitalstore:a") is None
        assert caches["pages"].get("digitalstore:a") == 1


def test_there_is_one_object_in_a_process(at_once: Callable[..., list[Any]]):
    with override_settings(CACHES=LOCAL_MEMORY):
        assert len({id(found) for found in at_once(*[caching.shared] * 8)}) == 1


# --- a server that is down --------------------------------------------------------------------


class Broken(LocMemCache):
    """A server that fails while ``broken`` says so, and counts who asks."""

    broken = True
    asked = 0
    error: Exception = ConnectionError("nobody is there")

    def get(self, *args: Any, **kwargs: Any) -> Any:
        type(self).asked += 1
        if self.broken:
            raise self.error
        return super().get(*args, **kwargs)


@pytest.fixture
def broken(settings: Any) -> type[Broken]:
    Broken.broken, Broken.asked = True, 0
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.Broken", "LOCATION": "broken"}}
    return Broken


def asked_of(cache: SharedCache) -> list[Any]:
    return [
        cache.get("a", "default"),
        cache.get_many(["a"]),
        cache.set("a", 1, timeout=60),
        cache.add("a", 1, timeout=60),
        cache.incr("a"),
        cache.delete("a"),
        cache.delete_many(["a"]),
        cache.touch("a", timeout=60),
    ]


MISSES = ["default", {}, False, False, None, False, False, False]


def test_with_redis_stopped_in_the_middle_each_question_is_a_miss_and_it_is_logged_once(
    redis_server: RedisServer, settings: Any, caplog: pytest.LogCaptureFixture
):
    settings.CACHES = redis_server.caches
    caplog.set_level(logging.INFO, "django_digitalstore")
    cache = caching.shared()
    cache.set("a", 1, timeout=60)
    assert (cache.get("a"), cache.is_down) == (1, False)

    redis_server.stop()
    for _ in range(3):
        assert asked_of(cache) == MISSES
        assert cache.is_down
        time.sleep(REST + 0.05)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert re.fullmatch(
        r"The cache 'default' does not work \(\w+: .+\): the store goes on without it, slower, and "
        r"asks it again after 1 s",
        caplog.records[0].getMessage(),
    )

    redis_server.start()
    assert cache.get("a", "default") == "default"  # it kept nothing
    assert not cache.is_down
    assert cache.set("a", 2, timeout=60)
    assert cache.get("a") == 2
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert re.fullmatch(
        r"The cache 'default' works again, after [34] s", caplog.records[1].getMessage()
    )


def test_each_question_is_a_miss_when_it_is_the_first_that_fails(
    redis_server: RedisServer, settings: Any
):
    redis_server.stop()
    for number in range(len(MISSES)):
        settings.CACHES = {"default": {**redis_server.caches["default"], "KEY_PREFIX": str(number)}}
        cache = caching.shared()
        assert not cache.is_down
        questions = [
            lambda c=cache: c.get("a", "default"),
            lambda c=cache: c.get_many(["a"]),
            lambda c=cache: c.set("a", 1, timeout=60),
            lambda c=cache: c.add("a", 1, timeout=60),
            lambda c=cache: c.incr("a"),
            lambda c=cache: c.delete("a"),
            lambda c=cache: c.delete_many(["a"]),
            lambda c=cache: c.touch("a", timeout=60),
        ]
        assert questions[number]() == MISSES[number]
        assert cache.is_down


def test_a_server_is_not_asked_again_for_a_second_after_an_error(broken: type[Broken]):
    cache = caching.shared()
    started = time.monotonic()
    for _ in range(100):
        assert cache.get("a") is None
    assert time.monotonic() - started < REST
    assert broken.asked == 1
    time.sleep(REST + 0.05)
    broken.broken = False
    assert cache.get("a") is None
    assert broken.asked == 2
    cache.get("a")
    assert broken.asked == 3


def test_threads_find_an_outage_once_and_one_of_them_tries_for_all(
    broken: type[Broken], at_once: Callable[..., list[Any]], caplog: pytest.LogCaptureFixture
):
    cache = caching.shared()
    at_once(*[lambda: cache.get("a")] * 8)
    assert len(caplog.records) == 1
    asked = broken.asked
    time.sleep(REST + 0.05)
    at_once(*[lambda: cache.get("a")] * 8)
    assert broken.asked == asked + 1
    assert len(caplog.records) == 1


def test_an_error_of_the_system_is_an_outage_even_if_it_is_one_of_a_value(
    broken: type[Broken], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(broken, "error", ssl.SSLCertVerificationError("the certificate expired"))
    assert isinstance(broken.error, ValueError)
    assert caching.shared().get("a") is None
    assert caching.shared().is_down


def test_a_value_at_fault_keeps_nobody_from_trying_a_server_that_was_down(
    broken: type[Broken], monkeypatch: pytest.MonkeyPatch
):
    cache = caching.shared()
    assert cache.get("a") is None
    broken.broken = False
    time.sleep(REST + 0.05)
    assert not cache.set("a", threading.Lock(), timeout=60)
    assert cache.set("b", 1, timeout=60)
    assert not cache.is_down


# --- a value that is at fault ------------------------------------------------------------------


class Unreadable:
    """As of a class that this version of the site doesn't have: it pickles, and is not read."""

    def __reduce__(self) -> Any:
        return getattr, (Unreadable, "gone")


@pytest.mark.parametrize(
    "question",
    [
        lambda cache: cache.set("a", threading.Lock(), timeout=60),
        lambda cache: cache.add("a", lambda: 1, timeout=60),
        lambda cache: cache.set("a", Unreadable(), timeout=60) and cache.get("a"),
        lambda cache: cache.set("a", Unreadable(), timeout=60) and cache.get_many(["a"]),
    ],
)
def test_a_value_that_can_not_be_kept_or_read_is_no_outage(cache, question, caplog):
    caplog.set_level(logging.INFO, "django_digitalstore")
    cache.set("b", 1, timeout=60)
    assert not question(cache)
    assert (cache.get("b"), cache.is_down) == (1, False)
    (record,) = caplog.records
    assert (record.levelname, record.getMessage()) == (
        "ERROR",
        (
            "A value can't be kept in the cache 'default', or read from it: the store goes on "
            "without that value, slower"
        ),
    )
    assert record.exc_info is not None


# --- what checks ask --------------------------------------------------------------------------


def caches_of(backend: str, **more: Any) -> dict[str, Any]:
    return {"default": {"BACKEND": f"django.core.cache.backends.{backend}", **more}}


@pytest.mark.parametrize(
    ("configured", "problem", "shared"),
    [
        (
            caches_of("dummy.DummyCache"),
            "CACHES['default'] is a DummyCache, which keeps nothing",
            False,
        ),
        (
            caches_of("locmem.LocMemCache"),
            "CACHES['default'] is a LocMemCache, of which every process has its own",
            False,
        ),
        (
            caches_of("filebased.FileBasedCache", LOCATION="cache", TIMEOUT=0),
            "CACHES['default'] has TIMEOUT 0, which keeps nothing",
            True,
        ),
        (
            caches_of("filebased.FileBasedCache", LOCATION="cache", TIMEOUT=-1),
            "CACHES['default'] has TIMEOUT -1, which keeps nothing",
            True,
        ),
        (caches_of("filebased.FileBasedCache", LOCATION="cache"), None, True),
        (
            caches_of("db.DatabaseCache", LOCATION="cache"),
            "CACHES['default'] is a DatabaseCache, which sends the queries that it should save",
            True,
        ),
        (
            {"default": {"BACKEND": f"{__name__}.Broken"}},
            "CACHES['default'] is a Broken, of which every process has its own",
            False,
        ),
        (
            caches_of("redis.RedisCache", LOCATION="redis://127.0.0.1:1"),
            None,
            True,
        ),
        (caches_of("redis.RedisCache", LOCATION="redis://127.0.0.1:1", TIMEOUT=None), None, True),
    ],
)
def test_a_cache_that_does_not_do_in_production_is_named(configured, problem, shared):
    with override_settings(CACHES=configured):
        assert caching.problem_of() == problem
        assert caching.problem_of("default") == problem
        assert caching.is_shared() is shared
    assert caching.hint_for("default") == HINT


@pytest.mark.parametrize(
    ("configured", "problem"),
    [
        (
            caches_of("filebased.FileBasedCache", LOCATION="cache"),
            (
                "CACHES['default'] is a FileBasedCache, which loses counts when two processes "
                "count at once"
            ),
        ),
        (caches_of("redis.RedisCache", LOCATION="redis://127.0.0.1:1"), None),
    ],
)
def test_a_cache_that_loses_counts_is_named_where_something_is_counted(configured, problem):
    with override_settings(CACHES=configured):
        assert caching.problem_of(counts=True) == problem


def test_with_what_the_hint_says_a_page_waits_a_second_for_a_server_that_never_answers(
    settings: Any,
):
    pytest.importorskip("django_redis")
    said = re.search(r"(\{.*\}) \(", caching.hint_for())
    assert said is not None
    told = ast.literal_eval(said[1])
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts, by its backlog
        settings.CACHES = {
            "default": {**told, "LOCATION": f"redis://127.0.0.1:{silent.getsockname()[1]}/0"}
        }
        started = time.monotonic()
        assert caching.shared().get("a", "default") == "default"
        assert time.monotonic() - started < 3
        assert caching.shared().is_down


def test_a_cache_that_is_not_there_raises_and_is_no_outage():
    with override_settings(CACHES=LOCAL_MEMORY, DIGITALSTORE_CACHE="pages"):
        assert caching.problem_of() is None
        with pytest.raises(InvalidCacheBackendError):
            caching.shared().get("a")


@pytest.mark.django_db(databases="__all__")
def test_e020_the_cache_that_is_shared_exists():
    two = {**LOCAL_MEMORY, "other": LOCAL_MEMORY["default"]}
    with override_settings(CACHES=two, DIGITALSTORE_CACHE="pages"):
        found = [(m.msg, m.hint) for m in run_checks() if m.id == "digitalstore.E020"]
    assert found == [
        (
            "DIGITALSTORE_CACHE refers to 'pages', which is not in CACHES.",
            "Write one of 'default', 'other'.",
        )
    ]
