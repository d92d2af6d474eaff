"""What a process knows of the switch: for how long, from where, and what it does without either."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection
from django.test import Client

from django_digitalstore.contrib.underconstruction import flows
from django_digitalstore.contrib.underconstruction.flag import (
    CACHE_TIMEOUT,
    KEEP,
    KEEP_SHARED,
    Flag,
    Status,
    flag,
)
from django_digitalstore.contrib.underconstruction.models import SiteStatus
from django_digitalstore.core.testing import assert_query_budget
from tests.redis_server import RedisServer

pytestmark = pytest.mark.django_db

ON = Status(is_on=True, version=1, retry_after=600)


@pytest.fixture(autouse=True)
def cache_per_process(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


def write(**columns: Any) -> None:
    SiteStatus.objects.update_or_create(pk=1, defaults=columns)


def test_the_database_is_asked_at_most_once_a_second():
    process = Flag()
    with assert_query_budget(1):
        for _ in range(100):
            assert process.current() == Status()
    assert process.known() == Status()
    time.sleep(KEEP + 0.05)
    assert process.known() is None
    with assert_query_budget(1):
        for _ in range(100):
            process.current()


def test_a_change_is_felt_after_a_second():
    process = Flag()
    assert process.current().stays_open
    write(is_on=True, version=1)
    began = time.monotonic()
    while process.current().stays_open:
        time.sleep(0.02)
    assert 0 < time.monotonic() - began < 1.5


def test_what_a_process_and_the_shared_cache_keep_is_less_than_two_seconds():
    assert KEEP_SHARED + CACHE_TIMEOUT < 2
    assert KEEP < 2


def test_a_status_that_did_not_change_is_the_same_object():
    write(is_on=True, version=1)
    process = Flag()
    first = process.current()
    process._fresh_until = 0.0
    assert process.current() is first


# --- with a cache that processes share --------------------------------------------------------


@pytest.fixture
def redis_cache(redis_server: RedisServer, settings: Any) -> RedisServer:
    settings.CACHES = redis_server.caches
    return redis_server


def test_one_query_a_second_answers_all_processes(redis_cache):
    write(is_on=True, version=1)
    with assert_query_budget(1):
        for process in (Flag(), Flag(), Flag()):
            assert process.current() == ON


def test_the_shared_cache_is_told_of_a_change(redis_cache, django_capture_on_commit_callbacks):
    assert Flag().current().stays_open
    with django_capture_on_commit_callbacks(execute=True):
        flows.switch_on(reason="We move.")
    with assert_query_budget(0):
        assert Flag().current().is_on


def test_what_the_cache_has_is_older_than_what_this_process_knows(redis_cache):
    write(is_on=True, version=2)
    process = Flag()
    process.current()
    key, old = "digitalstore:underconstruction:status", {"is_on": False, "version": 1}
    caches["default"].set(key, old, 60)
    process._fresh_until = 0.0
    assert process.current().is_on
    assert caches["default"].get(key)["version"] == 2


def test_a_reader_does_not_take_back_what_was_published_since_it_asked(redis_cache):
    def while_somebody_closes(execute: Any, *args: Any) -> Any:
        rows = execute(*args)
        Flag().publish(SiteStatus(is_on=True, version=1, retry_after=600))
        return rows

    with connection.execute_wrapper(while_somebody_closes):
        assert Flag().current() == Status()
    with assert_query_budget(0):
        assert Flag().current() == ON


@pytest.mark.parametrize("value", ["something", 7, {"another": "shape"}, None])
def test_what_the_cache_has_is_no_status(redis_cache, value):
    write(is_on=True, version=1)
    caches["default"].set("digitalstore:underconstruction:status", value, 60)
    assert Flag().current() == ON


def test_a_cache_per_process_is_not_asked():
    caches["default"].set("digitalstore:underconstruction:status", {"is_on": True}, 60)
    assert Flag().current() == Status()


def test_with_redis_stopped_the_switch_works_by_the_database_and_one_line_is_logged(
    redis_cache, client: Client, close, caplog
):
    assert client.get("/plain/").status_code == 200
    redis_cache.stop()
    caplog.set_level(logging.INFO, "django_digitalstore")
    for _ in range(3):
        close()
        assert [client.get("/plain/").status_code for _ in range(20)] == [503] * 20
        SiteStatus.objects.all().delete()
        flag.forget()
        assert [client.get("/plain/").status_code for _ in range(20)] == [200] * 20
    assert len(caplog.records) == 1
    assert caplog.records[0].getMessage().startswith("The cache 'default' does not work (")


# --- with a database that is down -------------------------------------------------------------


@contextmanager
def database_down() -> Iterator[None]:
    from django.db import OperationalError

    def refuse(execute: Any, *args: Any) -> Any:
        raise OperationalError("the server is gone")

    with connection.execute_wrapper(refuse):
        yield


def test_without_a_database_it_stays_as_it_was_and_one_line_is_logged(caplog):
    write(is_on=True, version=1)
    process = Flag()
    process.current()
    with database_down():
        for _ in range(3):
            process._fresh_until = 0.0
            assert process.current() == ON
    assert [record.getMessage() for record in caplog.records] == [
        (
            "Whether the site is closed can't be read (OperationalError: the server is gone): it "
            "stays as it was, and is asked for again each second"
        )
    ]
    write(is_on=False)
    process._fresh_until = 0.0
    assert not process.current().is_on
    with database_down():
        process._fresh_until = 0.0
        process.current()
    assert len(caplog.records) == 2  # another outage


def test_a_process_that_never_knew_anything_is_open_without_a_database():
    with database_down():
        assert Flag().current() == Status()


def test_one_thread_asks_and_the_others_do_not_wait():
    import threading

    write(is_on=True, version=1)
    process = Flag()
    process.current()
    process._fresh_until = 0.0
    entered, leave = threading.Event(), threading.Event()
    reads = []

    class Slow(Flag):
        def _read(self) -> Status:
            reads.append(1)
            entered.set()
            leave.wait(10)
            return Status(version=2)

    process.__class__ = Slow
    asking = threading.Thread(target=process.current)
    asking.start()
    assert entered.wait(10)
    began = time.monotonic()
    assert process.current() == ON
    assert time.monotonic() - began < 1
    leave.set()
    asking.join(10)
    assert process.current() == Status(version=2)
    assert len(reads) == 1
