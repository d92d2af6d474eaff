"""Flows: no signal and no template calls them, and they outlive a busy database."""

from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext

from django_digitalstore.core import locks
from django_digitalstore.core.exceptions import FlowCalledInSignal
from django_digitalstore.core.flow import (
    flow,
    is_transient,
    retry_transaction,
    without_savepoint,
)
from django_digitalstore.core.models import Mutex
from django_digitalstore.core.signals import StoreSignal


class Clerk:
    """Does something once the database lets it."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        Mutex.objects.create(key=f"call {self.calls}", taken_at="2026-01-01T00:00:00Z")
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def locked() -> OperationalError:
    return OperationalError("database is locked")


# --- who may not call a flow --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("atomic", [True, False])
def test_a_receiver_that_calls_a_flow_is_told_where_it_belongs(atomic: bool, caplog) -> None:
    signal, called = StoreSignal("order_paid"), []

    @flow(atomic=atomic)
    def send_a_gift() -> None:
        called.append("gift")

    def receiver(sender: Any, **kwargs: Any) -> None:
        send_a_gift()

    signal.connect(receiver)
    signal.send_after_commit(object)

    assert called == []
    [record] = [r for r in caplog.records if r.name == "django.dispatch"]
    error = record.exc_info[1]
    assert type(error) is FlowCalledInSignal
    assert str(error) == (
        f"{__name__}.test_a_receiver_that_calls_a_flow_is_told_where_it_belongs.<locals>."
        "send_a_gift() was called by a receiver of the signal order_paid. Signals notify after the "
        "change; they never decide. Put what a paid line does into a fulfilment and name it in "
        "DIGITALSTORE_FULFILMENTS, or call the flow from your own view, command or task."
    )


def test_a_template_does_not_call_a_flow() -> None:
    called = []

    @flow(atomic=False)
    def give_away() -> str:
        called.append("given")
        return "given"

    page = Template("{{ give_away }}|{{ flows.give_away }}|{% if give_away %}yes{% endif %}")

    assert page.render(Context({"give_away": give_away, "flows": {"give_away": give_away}})) == "||"
    assert called == []


def test_a_flow_keeps_its_name_and_its_words() -> None:
    @flow
    def hand_over() -> None:
        """Hand it over."""

    assert (hand_over.__name__, hand_over.__doc__) == ("hand_over", "Hand it over.")


# --- a busy database ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_flow_that_owns_its_transaction_is_run_again_while_the_database_is_locked() -> None:
    clerk = Clerk(locked(), locked())

    assert flow(clerk_flow(clerk))() == "done"
    # What the first two calls wrote is gone.
    assert list(Mutex.objects.values_list("key", flat=True)) == ["call 3"]


def clerk_flow(clerk: Clerk) -> Any:
    def work() -> str:
        return clerk()

    return work


@pytest.mark.django_db(transaction=True)
def test_it_is_run_six_times_at_most() -> None:
    clerk = Clerk(*[locked() for _ in range(9)])

    with pytest.raises(OperationalError, match=r"^database is locked$"):
        retry_transaction(clerk)

    assert clerk.calls == 6
    assert not Mutex.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "error", [OperationalError("no such table: shop_order"), ValueError("database is locked")]
)
def test_another_error_is_raised_at_once(error: Exception) -> None:
    clerk = Clerk(error)

    with pytest.raises(type(error)) as raised:
        retry_transaction(clerk)

    assert raised.value is error
    assert clerk.calls == 1
    assert not Mutex.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_inside_a_callers_transaction_it_is_run_once_and_only_its_own_part_is_undone() -> None:
    clerk = Clerk(locked())

    with transaction.atomic():
        Mutex.objects.create(key="the caller's", taken_at="2026-01-01T00:00:00Z")
        with pytest.raises(OperationalError, match=r"^database is locked$"):
            flow(clerk_flow(clerk))()

    assert clerk.calls == 1
    assert list(Mutex.objects.values_list("key", flat=True)) == ["the caller's"]


@pytest.mark.django_db(transaction=True)
def test_without_a_savepoint_a_caught_error_still_undoes_the_callers_transaction() -> None:
    part = without_savepoint(flow(clerk_flow(Clerk(ValueError("no")))))

    def goes_on() -> None:
        with transaction.atomic(), CaptureQueriesContext(connection) as queries:
            with pytest.raises(ValueError, match=r"^no$"):
                part()
            assert [query["sql"].split()[0] for query in queries] == ["INSERT"]
            Mutex.objects.create(key="going on", taken_at="2026-01-01T00:00:00Z")

    with pytest.raises(transaction.TransactionManagementError):
        goes_on()
    assert not Mutex.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_without_a_savepoint_a_flow_is_no_more_called_by_a_receiver_than_with_one(caplog) -> None:
    signal, called = StoreSignal("order_paid"), []

    @flow
    def send_a_gift() -> None:
        called.append("gift")

    def receiver(sender: Any, **kwargs: Any) -> None:
        without_savepoint(send_a_gift)()

    signal.connect(receiver)
    signal.send_after_commit(object)

    assert called == []
    [record] = [r for r in caplog.records if r.name == "django.dispatch"]
    assert type(record.exc_info[1]) is FlowCalledInSignal


@pytest.mark.django_db(transaction=True)
def test_what_should_follow_a_commit_follows_once() -> None:
    sent: list[int] = []
    clerk = Clerk(locked(), locked())

    def work() -> str:
        transaction.on_commit(lambda: sent.append(clerk.calls))
        return clerk()

    retry_transaction(work)

    assert sent == [3]


class _Refusal(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("code", "transient"),
    [("40001", True), ("40P01", True), ("55P03", True), ("57014", False), ("23505", False)],
)
def test_postgresql_says_by_a_code_whether_to_try_again(code: str, transient: bool) -> None:
    error = OperationalError("…")
    error.__cause__ = _Refusal(code)

    assert is_transient(error) is transient


@pytest.mark.parametrize(
    ("number", "transient"),
    [(1020, True), (1205, True), (1213, True), (1062, False), (2006, False)],
)
def test_mariadb_says_by_a_number_whether_to_try_again(number: int, transient: bool) -> None:
    assert is_transient(OperationalError(number, "…")) is transient


class Pair:
    """Two flows, each of which takes a mutex, waits until both have one, and wants the other's."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.both_have_one = threading.Barrier(2)

    def work(self, first: str, second: str) -> str:
        self.calls.append(first)
        locks.take(first)
        if self.calls.count(first) == 1:
            self.both_have_one.wait(timeout=30)
        locks.take(second)
        return f"{first} and {second}"


needs_row_locks = pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one lock, and so no deadlock."
)


@needs_row_locks
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("inside", [False, True], ids=["by itself", "inside of another flow"])
def test_of_two_flows_in_a_deadlock_one_is_run_again(at_once, inside: bool) -> None:
    pair = Pair()
    work = flow(pair.work)

    def as_a_part(first: str, second: str) -> str:
        Mutex.objects.create(key=f"the caller of {first}", taken_at="2026-01-01T00:00:00Z")
        return work(first, second)

    whole = flow(as_a_part) if inside else work

    answers = at_once(lambda: whole("a", "b"), lambda: whole("b", "a"))

    assert answers == ["a and b", "b and a"]
    assert sorted(pair.calls) in (["a", "a", "b"], ["a", "b", "b"])
    callers = ["the caller of a", "the caller of b"] if inside else []
    assert sorted(Mutex.objects.values_list("key", flat=True)) == ["a", "b", *callers]


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_after_a_deadlock_on_mariadb_the_callers_transaction_cannot_be_gone_on_with(
    at_once,
) -> None:
    pair = Pair()

    def goes_on(first: str, second: str) -> str:
        with transaction.atomic():
            Mutex.objects.create(key=f"the caller of {first}", taken_at="2026-01-01T00:00:00Z")
            try:
                return flow(pair.work)(first, second)
            except OperationalError:
                Mutex.objects.create(key=f"half of {first}", taken_at="2026-01-01T00:00:00Z")
        return "half"

    answers = at_once(lambda: goes_on("a", "b"), lambda: goes_on("b", "a"))

    [refused] = [answer for answer in answers if isinstance(answer, Exception)]
    assert type(refused) is transaction.TransactionManagementError
    [done] = [answer for answer in answers if not isinstance(answer, Exception)]
    assert sorted(Mutex.objects.values_list("key", flat=True)) == [
        "a",
        "b",
        f"the caller of {done[0]}",
    ]


@needs_row_locks
@pytest.mark.django_db(transaction=True)
def test_a_flow_that_waited_too_long_for_a_lock_is_run_again(at_once) -> None:
    holds, calls = threading.Event(), []

    def holder() -> None:
        with transaction.atomic():
            locks.take("a")
            holds.set()
            time.sleep(1.5)

    def waits() -> str:
        with connection.cursor() as cursor:
            cursor.execute(
                "SET SESSION innodb_lock_wait_timeout = 1"
                if connection.vendor == "mysql"
                else "SET lock_timeout = '1s'"
            )
        assert holds.wait(timeout=30)

        def work() -> str:
            calls.append("called")
            Mutex.objects.create(key=f"call {len(calls)}", taken_at="2026-01-01T00:00:00Z")
            locks.take("a")
            return "done"

        return flow(work)()

    assert at_once(holder, waits) == [None, "done"]
    assert len(calls) == 2
    # MariaDB undoes the statement only; the flow undoes the whole.
    assert sorted(Mutex.objects.values_list("key", flat=True)) == ["a", "call 2"]


@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
def test_a_flow_whose_snapshot_was_overtaken_is_run_again(at_once) -> None:
    """Since MariaDB 11.6 by default; before, where it is switched on."""
    Mutex.objects.create(key="a", taken_at="2026-01-01T00:00:00Z")
    saw, wrote, calls = threading.Event(), threading.Event(), []

    def rival() -> None:
        assert saw.wait(timeout=30)
        with transaction.atomic():
            locks.take("a")
        wrote.set()

    def overtaken() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_snapshot_isolation = ON")
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")

        def work() -> str:
            calls.append(Mutex.objects.get().taken_at.year)
            saw.set()
            assert wrote.wait(timeout=30)
            locks.take("a")
            return "done"

        return flow(work)()

    assert at_once(rival, overtaken) == [None, "done"]
    assert len(calls) == 2
    assert calls[0] == 2026


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "sqlite", reason="Other databases lock rows, not files.")
def test_a_flow_gets_through_when_another_process_holds_the_file(file_database: str) -> None:
    """SQLite refuses at once, without any waiting, who read before another one wrote."""
    calls = []
    rival = sqlite3.connect(file_database, isolation_level=None, check_same_thread=False)
    rival.execute("PRAGMA busy_timeout = 5000")

    def reads_then_writes() -> str:
        seen = Mutex.objects.count()
        calls.append(seen)
        if len(calls) < 3:  # somebody writes in between
            rival_writes = threading.Thread(
                target=rival.execute,
                args=(f"INSERT INTO {Mutex._meta.db_table} VALUES ('rival {seen}', '2026-01-01')",),
            )
            rival_writes.start()
            rival_writes.join()
        Mutex.objects.create(key="ours", taken_at="2026-01-01T00:00:00Z")
        return "done"

    try:
        assert flow(reads_then_writes)() == "done"
    finally:
        rival.close()
    assert calls == [0, 1, 2]
    assert set(Mutex.objects.values_list("key", flat=True)) == {"ours", "rival 0", "rival 1"}


@pytest.fixture
def file_database(shared_database: Path) -> str:
    """Give the SQLite file of the test a write-ahead log; return its path."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode = WAL")
    return str(shared_database)
