"""Fixtures for tests with threads: a database that they can really share, and a common start."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections


@pytest.fixture
def shared_database(transactional_db: None, tmp_path: Path) -> Iterator[Path | None]:
    """Move the test to a SQLite file where the test database lies in memory.

    In-memory databases are shared by table locks that nobody waits for, as no site ever meets them.
    The schema and its rows are copied, and the file is the fixture's value; every other database is
    used as it is.
    """
    if connection.vendor != "sqlite" or not connection.is_in_memory_db():
        yield None
        return
    in_memory = connections["default"]
    file = tmp_path / "shared.sqlite3"
    in_memory.ensure_connection()
    with closing(sqlite3.connect(file)) as copy:
        in_memory.connection.backup(copy)
    entry = connections.settings["default"]
    name = entry["NAME"]
    entry["NAME"] = str(file)
    on_file = connections.create_connection("default")
    connections["default"] = on_file
    try:
        yield file
    finally:
        on_file.close()
        entry["NAME"] = name
        connections["default"] = in_memory


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Run functions at the same time, each in a thread; return their answers or errors in order."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        answers: list[Any] = [None] * len(functions)
        start = threading.Barrier(len(functions))

        def one(index: int, function: Callable[[], Any]) -> None:
            try:
                start.wait(timeout=30)
                answers[index] = function()
            except Exception as error:
                answers[index] = error
            finally:
                connections.close_all()

        threads = [
            threading.Thread(target=one, args=(index, function), daemon=True)
            for index, function in enumerate(functions)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=120)
        assert not any(thread.is_alive() for thread in threads), "Somebody waits for ever."
        return answers

    return run
