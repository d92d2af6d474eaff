"""By which index a database finds what a piece of code asks for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext

_EXPLAIN = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}


def index_of(model: type[Model], *fields: str) -> str:
    """Return the name of the model's index on exactly these fields."""
    (name,) = (index.name for index in model._meta.indexes if index.fields == list(fields))
    return name


def plan_of(asks: Callable[[], Any], model: type[Model]) -> str:
    """Run ``asks`` and return how the database finds what its first query reads of ``model``.

    Of an index the name stands in it. Skips on MariaDB, which reads a small table whole.
    """
    if connection.vendor not in _EXPLAIN:
        pytest.skip(f"{connection.vendor} reads a small table whole, whatever indexes it has")
    with CaptureQueriesContext(connection) as sent:
        asks()
    table = connection.ops.quote_name(model._meta.db_table)
    sql = next(
        q["sql"]
        for q in sent
        if q["sql"].lstrip("(").startswith("SELECT") and f"FROM {table}" in q["sql"]
    )
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # It reads a small table whole as well, unless that counts as dear.
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"{_EXPLAIN[connection.vendor]} {sql}")
        rows = cursor.fetchall()
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = on")
    return "\n".join(str(row[-1]) for row in rows)
