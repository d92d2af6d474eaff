"""A change wins over a reader that was slower: an old target never stays in the cache."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches

from django_digitalstore.contrib.shorturls import flows, resolution

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("payments"),
]


def test_a_reader_that_read_before_the_change_and_writes_after_it_is_not_believed(
    any_cache, at_once: Callable[..., Any]
):
    link = flows.create_link(path="/old/")
    has_read, is_changed = threading.Event(), threading.Event()

    def reader() -> str:
        found = resolution.resolve(link.code)
        assert found is not None
        return found.location

    def writer() -> None:
        assert has_read.wait(30)
        flows.change_link(link, path="/new/")
        is_changed.set()

    def paused_reader() -> str:
        cache = caches["default"]
        keep = cache.set

        def keep_late(*args: Any, **kwargs: Any) -> Any:
            has_read.set()
            assert is_changed.wait(30)
            return keep(*args, **kwargs)

        cache.set = keep_late  # this thread's own: caches are kept for each thread
        return reader()

    answers = at_once(paused_reader, writer)
    assert answers == ["/old/", None]  # it was asked before the change
    assert reader() == "/new/"
    assert reader() == "/new/"


def test_changes_and_clicks_at_once_end_with_the_last_change(any_cache, at_once):
    link = flows.create_link(path="/0/")

    def change() -> None:
        for number in range(1, 21):
            flows.change_link(link, path=f"/{number}/")

    def read() -> None:
        for _ in range(200):
            assert resolution.resolve(link.code) is not None

    answers = at_once(change, read, read, read)
    assert answers == [None] * 4
    assert resolution.resolve(link.code).location == "/20/"
