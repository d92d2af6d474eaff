"""The switch is felt by every process within two seconds, either way, whatever the caches do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from django_digitalstore.contrib.underconstruction import flows
from tests.projects.made import ROOT
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

FELT = 2.0  # seconds


class Process:
    """One process of the site, which tells when its answers change."""

    def __init__(self, database: str, cache: str) -> None:
        foreign = ("CACHE_URL", "DATABASE_URL", "VISITOR_CACHE_URL")
        environment = {k: v for k, v in os.environ.items() if k not in foreign}
        environment |= {
            "DATABASE_URL": database,
            "VISITOR_CACHE_URL": cache,
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "DJANGO_SETTINGS_MODULE": "tests.projects.full_store.settings",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("visitor.py")), "60"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def next_change(self) -> tuple[float, int]:
        """Wait for the next other answer; return when it came, and its status."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            assert self.process.stderr is not None
            pytest.fail(self.process.stderr.read()[-3000:])
        moment, status = line.split()
        return float(moment), int(status)

    def end(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def database(shared_database: Path | None) -> str:
    if shared_database is not None:
        return f"sqlite:///{shared_database}"
    url = urlsplit(os.environ["DATABASE_URL"])
    return urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))


@pytest.fixture
def start(database: str) -> Iterator[Callable[..., list[Process]]]:
    """Give a function that starts processes, and waits until each has answered: open."""
    started: list[Process] = []

    def run(*caches: str) -> list[Process]:
        started.extend(Process(database, cache) for cache in caches)
        assert [process.next_change()[1] for process in started] == [200] * len(caches)
        return started

    yield run
    for process in started:
        process.end()


def felt_after(processes: list[Process], switch: Callable[..., Any], status: int) -> None:
    began = time.time()
    switch(reason="We move.")
    for process in processes:
        moment, seen = process.next_change()
        assert seen == status
        assert moment - began < FELT


def test_with_a_cache_per_process(start):
    processes = start("", "")
    felt_after(processes, flows.switch_on, 503)
    felt_after(processes, flows.switch_off, 200)


def test_with_a_shared_cache_of_which_the_switch_knows_and_after_it_stopped(
    start, redis_server: RedisServer, settings: Any
):
    processes = start(redis_server.url, redis_server.url)
    settings.CACHES = redis_server.caches
    felt_after(processes, flows.switch_on, 503)
    felt_after(processes, flows.switch_off, 200)
    redis_server.stop()
    felt_after(processes, flows.switch_on, 503)
    felt_after(processes, flows.switch_off, 200)
    redis_server.start()
    felt_after(processes, flows.switch_on, 503)


def test_with_a_shared_cache_that_the_switch_does_not_reach(start, redis_server: RedisServer):
    processes = start(redis_server.url, redis_server.url)
    felt_after(processes, flows.switch_on, 503)
    felt_after(processes, flows.switch_off, 200)


def test_a_schedule_is_kept_by_every_process(start):
    from datetime import timedelta

    from django.utils import timezone

    processes = start("", "")
    starts_at = timezone.now() + timedelta(seconds=3)
    ends_at = starts_at + timedelta(seconds=1)
    flows.schedule(starts_at=starts_at, ends_at=ends_at, reason="We move.")
    for process in processes:
        moment, status = process.next_change()
        assert (status, moment >= starts_at.timestamp()) == (503, True)
        assert moment - starts_at.timestamp() < 1
        moment, status = process.next_change()
        assert (status, moment >= ends_at.timestamp()) == (200, True)
        assert moment - ends_at.timestamp() < 1
