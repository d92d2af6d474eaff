"""Mutexes that can be taken whether or not there is anything else to lock."""

from __future__ import annotations

import re

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from django_digitalstore.core import locks
from django_digitalstore.core.exceptions import OutsideTransaction
from django_digitalstore.core.models import Mutex


@pytest.mark.django_db(transaction=True)
def test_a_lock_in_autocommit_is_refused() -> None:
    with pytest.raises(OutsideTransaction) as refused:
        locks.take("access:1:1")

    assert str(refused.value) == (
        "core.locks.take() was called outside a transaction, where a lock protects nothing. Call "
        "it inside `with transaction.atomic():`."
    )
    assert not Mutex.objects.exists()


@pytest.mark.django_db
def test_several_keys_are_taken_in_one_statement_sorted_and_once() -> None:
    with CaptureQueriesContext(connection) as queries:
        locks.take("c", "a", "b", "a")

    writes = [q["sql"] for q in queries if q["sql"].startswith("INSERT")]
    assert len(writes) == len([q for q in queries if "SAVEPOINT" not in q["sql"]]) == 1
    # Literals on SQLite, one array on PostgreSQL.
    assert re.findall(r"(?<=['{,])([abc])(?=['},])", writes[0]) == ["a", "b", "c"]
    assert sorted(Mutex.objects.values_list("key", flat=True)) == ["a", "b", "c"]


@pytest.mark.django_db
def test_a_lock_is_taken_again_and_stays_one_row() -> None:
    locks.take("a")
    first = Mutex.objects.get().taken_at
    with transaction.atomic():
        locks.take("a")

    assert Mutex.objects.get().taken_at > first


@pytest.mark.django_db
def test_no_keys_are_no_lock_and_no_error() -> None:
    locks.take()

    assert not Mutex.objects.exists()


@pytest.mark.django_db
def test_a_key_may_have_255_characters() -> None:
    locks.take("k" * 255)

    assert Mutex.objects.get().key == "k" * 255
