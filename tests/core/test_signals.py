"""The suite's signals notify after the commit; nothing that a receiver does changes anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from django_digitalstore.core.signals import StoreSignal, signal_being_sent

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def signal() -> StoreSignal:
    return StoreSignal("something_happened")


@pytest.fixture
def heard(signal: StoreSignal) -> list[tuple[Any, str | None]]:
    heard: list[tuple[Any, str | None]] = []

    def receiver(sender: Any, what: str, **kwargs: Any) -> None:
        heard.append((what, signal_being_sent()))

    signal.connect(receiver, weak=False)
    return heard


def test_a_signal_is_sent_after_the_commit(signal, heard) -> None:
    with transaction.atomic():
        signal.send_after_commit(object, what="sale")
        assert heard == []

    assert heard == [("sale", "something_happened")]
    assert signal_being_sent() is None


def test_a_signal_is_not_sent_for_what_was_undone(signal, heard) -> None:
    with transaction.atomic():
        signal.send_after_commit(object, what="sale")
        transaction.set_rollback(True)

    assert heard == []


def test_a_signal_is_sent_at_once_where_no_transaction_is_open(signal, heard) -> None:
    signal.send_after_commit(object, what="sale")

    assert heard == [("sale", "something_happened")]


def test_a_receiver_that_raises_is_logged_and_the_others_are_told(signal, caplog) -> None:
    told = []

    def breaks(sender: Any, **kwargs: Any) -> None:
        raise RuntimeError("The mail server is away.")

    def listens(sender: Any, **kwargs: Any) -> None:
        told.append(signal_being_sent())

    signal.connect(breaks)
    signal.connect(listens)
    with transaction.atomic():
        signal.send_after_commit(object)

    assert told == ["something_happened"]
    assert signal_being_sent() is None
    [record] = [r for r in caplog.records if r.name == "django.dispatch"]
    assert record.getMessage() == (
        f"Error calling {breaks.__qualname__} in Signal.send_robust() (The mail server is away.)"
    )
    assert str(record.exc_info[1]) == "The mail server is away."


def test_a_signal_sent_by_a_receiver_is_named_while_it_is_sent(signal) -> None:
    inner, names = StoreSignal("inner"), []

    def listens(sender: Any, **kwargs: Any) -> None:
        names.append(signal_being_sent())

    def passes_on(sender: Any, **kwargs: Any) -> None:
        inner.send_after_commit(sender)
        names.append(signal_being_sent())

    inner.connect(listens)
    signal.connect(passes_on)
    signal.send_after_commit(object)

    assert names == ["inner", "something_happened"]


def test_an_async_receiver_is_told_which_signal_is_sent(signal) -> None:
    names = []

    async def listens(sender: Any, **kwargs: Any) -> None:
        names.append(signal_being_sent())

    signal.connect(listens)
    signal.send_after_commit(object)

    assert names == ["something_happened"]
