"""What the tests of the payments share."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection, connections


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """The return page remembers for a second that it asked the provider."""
    cache.clear()


class InThreads:
    """Runs a function in threads that all begin at the same moment.

    Each has a database connection of its own. SQLite's in-memory database refuses readers while a
    writer writes, as no site's database does, so ``start()`` moves the data into a file first.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.monkeypatch = monkeypatch

    def start(self) -> None:
        if connection.vendor != "sqlite":
            return
        connection.ensure_connection()
        name = self.folder / "threads.sqlite3"
        with sqlite3.connect(name) as file:
            connection.connection.backup(file)
        file.close()
        self.monkeypatch.setitem(connection.settings_dict, "NAME", str(name))

    def __call__(self, function: Callable[[Any], Any], arguments: Sequence[Any]) -> list[Any]:
        """Return what the function returned for each argument, or raise what one raised."""
        barrier = threading.Barrier(len(arguments))
        results: list[Any] = [None] * len(arguments)
        errors: list[BaseException] = []

        def run(index: int, argument: Any) -> None:
            try:
                barrier.wait()
                results[index] = function(argument)
            except BaseException as error:
                errors.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=run, args=pair) for pair in enumerate(arguments)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]
        return results


@pytest.fixture
def in_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> InThreads:
    return InThreads(tmp_path, monkeypatch)
