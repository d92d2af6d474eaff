"""Clicks are counted without a write, and each is saved once, whoever saves or is killed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import IntegrityError, OperationalError, connection, connections
from django.utils import timezone

from django_digitalstore.contrib.shorturls import clicks, counters, flows
from django_digitalstore.contrib.shorturls.models import ShortLink, ShortLinkDay
from django_digitalstore.contrib.shorturls.testing import click, saved_clicks
from django_digitalstore.contrib.shorturls.views.seller import (
    GenericShortLinkDetailView,
    GenericShortLinkListView,
)
from django_digitalstore.core import caching
from django_digitalstore.core.jobs import run_due
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.core.views import OutsideTransactionView
from tests.contrib.shorturls.conftest import LOCAL_MEMORY

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


def days_of(link: ShortLink) -> dict[date, int]:
    return dict(link.days.values_list("day", "clicks"))


# --- saved in batches -------------------------------------------------------------------------


def test_clicks_are_saved_by_the_job_and_not_before(any_cache, link):
    for _ in range(5):
        click(link)
    link.refresh_from_db()
    assert link.clicks == 0
    run_due(only="shorturls.record_clicks")
    link.refresh_from_db()
    assert link.clicks == 5
    assert days_of(link) == {counters.today(): 5}


def test_saving_again_saves_nothing_and_later_clicks_are_added(any_cache, link):
    click(link)
    assert flows.record_clicks() == 1
    assert flows.record_clicks() == 0
    click(link)
    click(link)
    assert flows.record_clicks() == 2
    assert saved_clicks(link) == 3


def test_an_emptied_cache_loses_what_was_not_saved_and_counts_on(any_cache, link):
    click(link)
    click(link)
    assert saved_clicks(link) == 2
    click(link)  # lost
    caches["default"].clear()
    click(link)
    click(link)
    click(link)
    assert saved_clicks(link) == 5


def test_a_server_that_comes_back_with_an_older_snapshot_counts_on(redis_server, settings, link):
    settings.CACHES = redis_server.caches
    cache = caches["default"]
    click(link)
    assert saved_clicks(link) == 1
    [key] = cache.keys("*link-clicks*")
    snapshot = cache.get(key)
    for _ in range(10):
        click(link)
    assert saved_clicks(link) == 11
    cache.set(key, snapshot)
    assert saved_clicks(link) == 11
    click(link)
    click(link)
    assert saved_clicks(link) == 13
    assert days_of(link) == {counters.today(): 13}


def test_many_links_are_saved_in_as_many_statements_as_one(link, make_link):
    others = [make_link() for _ in range(20)]
    click(link)
    with assert_query_budget(20) as one:
        flows.record_clicks()
    budget = len(one)
    for other in others:
        click(other)
    with assert_query_budget(budget):
        flows.record_clicks()
    assert [saved_clicks(other) for other in others] == [1] * 20


def test_links_far_apart_in_the_table_are_found(make_link):
    near, far = make_link(), make_link()
    ShortLink.objects.filter(pk=far.pk).update(id=near.pk + 5000)
    far.pk = near.pk + 5000
    far.refresh_from_db()
    click(near)
    click(far)
    assert flows.record_clicks() == 2
    assert (saved_clicks(near), saved_clicks(far)) == (1, 1)


def test_clicks_wait_for_a_week_while_no_job_runs(link):
    today = counters.today()
    for ago in range(counters.KEPT_DAYS + 1):
        assert counters.count(link.pk, today - timedelta(days=ago))
    assert saved_clicks(link) == counters.KEPT_DAYS + 1
    marks = [block.day for block in counters.clicked_blocks()]
    # Of days on which nobody clicks any more nothing is left to look at.
    assert marks == [today, today - timedelta(days=1)]


def test_the_clicks_of_a_link_that_is_gone_stop_nobody(link, make_link):
    other = make_link()
    click(link)
    click(other)
    link.delete()
    assert flows.record_clicks() == 1
    assert saved_clicks(other) == 1


def test_a_mark_that_got_lost_comes_back(link):
    click(link)
    block = next(counters.clicked_blocks())
    caching.shared().delete(block.mark)
    assert flows.record_clicks() == 0
    click(link)
    assert flows.record_clicks() == 2


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-28T22:30:00Z", date(2026, 3, 28)),  # 23:30, the night before summer time
        ("2026-03-28T23:30:00Z", date(2026, 3, 29)),  # 00:30
        ("2026-10-24T21:30:00Z", date(2026, 10, 24)),  # 23:30, the night before winter time
        ("2026-10-24T22:30:00Z", date(2026, 10, 25)),  # 00:30
    ],
)
def test_a_day_is_one_of_the_site_whatever_zone_the_visitor_has(settings, monkeypatch, moment, day):
    settings.TIME_ZONE = "Europe/Berlin"
    then = datetime.fromisoformat(moment)
    monkeypatch.setattr(timezone, "now", lambda: then)
    with timezone.override("Pacific/Kiritimati"):
        assert counters.today() == day


# --- a cache that doesn't count ---------------------------------------------------------------


@pytest.mark.parametrize(
    "backend",
    [
        {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
        {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"},
    ],
    ids=["one that keeps nothing", "one that is down"],
)
def test_without_a_cache_that_counts_each_click_is_saved_at_once(link, settings, backend):
    if "redis" in backend["BACKEND"]:
        pytest.importorskip("django_redis")
    settings.CACHES = {"default": backend}
    for _ in range(3):
        assert click(link).status_code == 302
    link.refresh_from_db()
    assert link.clicks == 3
    assert days_of(link) == {counters.today(): 3}


def test_a_click_on_a_link_that_is_gone_meanwhile_is_nothing(link):
    link_id = link.pk
    link.delete()
    flows.record_click(link_id, counters.today())
    assert not ShortLinkDay.objects.exists()


def test_redis_may_stop_in_the_middle_and_come_back(
    redis_server, settings, link, caplog, committed
):
    settings.CACHES = redis_server.caches
    click(link)
    assert saved_clicks(link) == 1

    redis_server.stop()
    for _ in range(3):
        assert click(link)["Location"] == link.path
    committed(flows.disable_link, link)
    assert click(link).status_code == 404
    committed(flows.enable_link, link)
    link.refresh_from_db()
    assert link.clicks == 4
    assert flows.record_clicks() == 0
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [r.name for r in warnings if "cache" in r.getMessage()] == [
        "django_digitalstore.core.caching"
    ]
    assert not [record for record in caplog.records if record.levelname == "ERROR"]

    redis_server.start()
    time.sleep(caching.REST + 0.1)
    click(link)
    with assert_query_budget(0):
        click(link)
    assert saved_clicks(link) == 6


# --- a cache that only this process sees ------------------------------------------------------


def test_what_no_job_can_see_is_saved_by_the_process_about_once_a_minute(link, monkeypatch):
    click(link)
    with assert_query_budget(0):
        click(link)
    later = time.time() + 61
    monkeypatch.setattr(clicks.time, "time", lambda: later)
    click(link)
    link.refresh_from_db()
    assert link.clicks == 3
    with assert_query_budget(1):  # the entry is older than a minute, for this clock
        click(link)


def test_processes_with_a_cache_of_their_own_save_each_click_once(link, settings):
    def process(name: str) -> None:
        settings.CACHES = {"default": {**LOCAL_MEMORY["default"], "LOCATION": name}}

    for name in ("one", "other", "one", "other", "one"):
        process(name)
        click(link)
        flows.record_clicks()
        click(link)
    for name in ("one", "other"):
        process(name)
        flows.record_clicks()
    assert days_of(link) == {counters.today(): 10}
    assert saved_clicks(link) == 10


def test_clicks_of_one_process_outlive_a_commit_that_fails(link, settings):
    settings.CACHES = LOCAL_MEMORY
    click(link)
    click(link)

    errors = [IntegrityError("the disk is full")]

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        # The commit of a transaction, within that of a test. To roll back, it is sent again.
        if sql.startswith("RELEASE SAVEPOINT") and errors:
            raise errors.pop()
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse), pytest.raises(IntegrityError, match="disk is full"):
        flows.record_clicks()
    assert saved_clicks(link) == 2
    assert days_of(link) == {counters.today(): 2}


def test_a_counter_made_while_another_is_saved_keeps_its_own_click(link, settings):
    settings.CACHES = LOCAL_MEMORY
    for _ in range(5):
        click(link)
    block = next(counters.clicked_blocks())
    saved = counters.pending(block)
    caches["default"].clear()  # as where it is full
    click(link)
    with counters.saving(block) as was_saved:
        was_saved(saved)
    assert saved_clicks(link) == 1


def test_a_counter_is_told_exactly_by_every_server(any_cache, link):
    click(link)
    for _ in range(5):
        counters.count(link.pk, counters.today())
    key = f"link-clicks:{counters.today():%Y%m%d}:{link.pk}"
    counted = caching.shared().incr(key, 0)
    assert counted == caching.shared().get(key)
    assert saved_clicks(link) == 6


def test_a_replica_that_is_behind_counts_no_click_twice(redis_server, settings, link, monkeypatch):
    settings.CACHES = redis_server.caches
    cache = caches["default"]
    click(link)
    [key] = cache.keys("*link-clicks*")
    behind = cache.get(key)
    for _ in range(9):
        click(link)
    assert saved_clicks(link) == 10
    ask = cache.get_many

    def replica(names: list[str]) -> dict[str, Any]:
        return {name: behind if name == key else value for name, value in ask(names).items()}

    with monkeypatch.context() as patched:
        patched.setattr(cache, "get_many", replica)
        flows.record_clicks()
    assert saved_clicks(link) == 10
    assert days_of(link) == {counters.today(): 10}


def test_the_pages_of_links_save_outside_the_transaction_of_their_request():
    for view in (GenericShortLinkListView, GenericShortLinkDetailView):
        assert issubclass(view, OutsideTransactionView)


def test_nothing_is_taken_off_a_counter_that_all_see(redis_server, settings, link):
    settings.CACHES = redis_server.caches
    click(link)
    assert saved_clicks(link) == 1
    cache = caches["default"]
    [key] = cache.keys("*link-clicks*")
    assert cache.get(key) == link.days.get().counter


def test_on_a_cache_that_all_see_a_click_never_saves(redis_server, settings, link, monkeypatch):
    settings.CACHES = redis_server.caches
    click(link)
    later = time.time() + 61
    monkeypatch.setattr(clicks.time, "time", lambda: later)
    with assert_query_budget(0):
        click(link)
    clicks.save_own()
    link.refresh_from_db()
    assert link.clicks == 0


def test_a_click_that_cannot_be_saved_is_logged_and_the_visitor_goes_on(
    link, settings, caplog, monkeypatch
):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}

    def refuse(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith("UPDATE"):
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        assert click(link)["Location"] == link.path
    assert [record.getMessage() for record in caplog.records] == [
        f"A click on the short link {link.pk} could not be saved."
    ]


# --- at once, and killed ----------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_clicks_and_jobs_at_once_save_each_click_once(
    shared_database, any_cache, make_product, at_once: Callable[..., Any]
):
    link = flows.create_link(path="/")
    day = counters.today()

    def many() -> None:
        for _ in range(50):
            assert counters.count(link.pk, day)

    def job() -> int:
        saved = 0
        for _ in range(10):
            saved += flows.record_clicks()
        return saved

    answers = at_once(many, many, many, job, job)
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers
    flows.record_clicks()
    link.refresh_from_db()
    assert link.clicks == 150
    assert days_of(link) == {day: 150}


@pytest.mark.django_db(transaction=True)
def test_the_first_clicks_at_once_are_all_counted(shared_database, at_once):
    link = flows.create_link(path="/")
    day = counters.today()
    at_once(*[lambda: counters.count(link.pk, day)] * 20)
    assert saved_clicks(link) == 20


@pytest.mark.django_db(transaction=True)
def test_two_jobs_that_have_read_the_same_counters_save_them_once(shared_database, at_once):
    link = flows.create_link(path="/")
    for _ in range(7):
        counters.count(link.pk, counters.today())
    both_have_read = threading.Barrier(2, timeout=30)

    def job() -> int:
        waited = []

        def after_reading(execute: Any, sql: str, *rest: Any) -> Any:
            answer = execute(sql, *rest)
            # The first look at what was saved is without the lock.
            if "shortlinkday" in sql and sql.startswith("SELECT") and not waited:
                waited.append(both_have_read.wait())
            return answer

        with connections["default"].execute_wrapper(after_reading):
            return flows.record_clicks()

    assert sorted(at_once(job, job)) == [0, 7]
    link.refresh_from_db()
    assert (link.clicks, days_of(link)) == (7, {counters.today(): 7})


class Killed(BaseException):
    """What a process meets that is killed: nothing catches it, and nothing is cleaned up after."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 9))
def test_a_job_that_is_killed_at_any_statement_counts_nothing_twice_and_loses_nothing(
    shared_database, statement
):
    link = flows.create_link(path="/")
    for _ in range(3):
        counters.count(link.pk, counters.today())
    seen = []

    def kill(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        if len(seen) == statement:
            raise Killed
        return execute(sql, *rest)

    with connections["default"].execute_wrapper(kill), pytest.raises(Killed):
        flows.record_clicks()
    connections["default"].close()
    counters.count(link.pk, counters.today())
    assert flows.record_clicks() == 4
    link.refresh_from_db()
    assert (link.clicks, days_of(link)) == (4, {counters.today(): 4})


@pytest.mark.django_db(transaction=True)
def test_a_job_that_is_killed_after_its_commit_counts_nothing_twice(shared_database, monkeypatch):
    link = flows.create_link(path="/")
    counters.count(link.pk, counters.today())

    def kill(block: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        # The first thing that it does after the commit.
        patched.setattr(counters, "forget_past", kill)
        with pytest.raises(Killed):
            flows.record_clicks()
    assert flows.record_clicks() == 0
    link.refresh_from_db()
    assert link.clicks == 1
