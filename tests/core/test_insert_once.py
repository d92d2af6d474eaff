"""Rows that are written once: what is there stays, and nothing is cut to fit."""

from __future__ import annotations

from functools import partial

import pytest
from django.db import DEFAULT_DB_ALIAS, DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from django_digitalstore.core.insert_once import insert_once
from django_digitalstore.core.models import OutboxMessage


def message(key: str, **fields: object) -> OutboxMessage:
    return OutboxMessage(**{"kind": "email", "key": key, "payload": {}, **fields})


def insert(*rows: OutboxMessage) -> None:
    insert_once(rows, key="key", using=DEFAULT_DB_ALIAS)


@pytest.mark.django_db
def test_what_is_there_stays_as_it_is_and_the_others_are_written_in_one_statement() -> None:
    insert(message("a", payload={"number": 1}))
    there = OutboxMessage.objects.values().get()

    with CaptureQueriesContext(connection) as queries:
        insert(message("a", payload={"number": 2}, kind="other"), message("b"))

    assert len(queries) == 1
    assert OutboxMessage.objects.values().get(key="a") == there
    assert OutboxMessage.objects.count() == 2


@pytest.mark.django_db
def test_no_rows_are_no_query(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        insert()


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite knows no length of a text.")
@pytest.mark.parametrize("fields", [{"key": "k" * 256}, {"key": "a", "kind": "k" * 101}])
def test_a_text_that_is_too_long_is_refused_and_not_cut(fields: dict[str, str]) -> None:
    with pytest.raises(DataError), transaction.atomic():
        insert(message(**fields))

    assert not OutboxMessage.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("shared_database")
def test_of_many_at_once_one_writes_it_and_nobody_sees_an_error(at_once) -> None:
    writers = [partial(insert, message("a", payload={"number": n})) for n in range(8)]

    assert at_once(*writers) == [None] * 8
    assert OutboxMessage.objects.count() == 1
