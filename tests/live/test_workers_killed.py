"""Workers that are killed in the middle of their work, while webhooks keep coming."""

from __future__ import annotations

import itertools
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.live.store import Store
from tests.live.test_inbox_under_load import deliver

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("payments"),
]

KILLS = 100
#: Between two kills, in seconds: a worker is then at work again on the messages of four senders.
PAUSE = 0.1


def children_of(pid: int) -> list[int]:
    """Return the worker processes of a gunicorn."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_workers(master: int, kills: int, done: threading.Event) -> None:
    """Kill one worker after the other, without a word of warning."""
    killed = 0
    while killed < kills:
        time.sleep(PAUSE)
        workers = children_of(master)
        if workers:
            os.kill(random.choice(workers), signal.SIGKILL)
            killed += 1
    done.set()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds workers in Linux's /proc")
def test_a_hundred_kills_under_load_lose_nothing_and_double_nothing(tmp_path):
    store = Store(tmp_path)
    seeded = store.script("seed_deliveries")
    deliveries = seeded["deliveries"]
    random.Random(3).shuffle(deliveries)
    killed, broken_answers = threading.Event(), itertools.count()

    def until_taken(message: tuple[str, str]) -> None:
        """Deliver a message as a provider does: again, until the answer is 2xx."""
        for _ in range(300):
            try:
                if deliver(store.port, seeded["secret"], *message) == 200:
                    return
            except OSError:
                pass
            next(broken_answers)
            time.sleep(0.05)
        raise AssertionError(f"{message[0]} was never taken.")

    with store.gunicorn("--workers=4", "--preload") as master, ThreadPoolExecutor(5) as threads:
        killer = threads.submit(kill_workers, master.pid, KILLS, killed)
        quarters = [deliveries[number::4] for number in range(4)]
        senders = [
            threads.submit(lambda part: [until_taken(m) for m in part], part) for part in quarters
        ]
        for sender in senders:
            sender.result()
        while not killed.is_set():  # a provider may send again what was taken
            list(threads.map(until_taken, random.sample(deliveries, k=8)))
        killer.result()
        for message in deliveries:
            until_taken(message)

    books = store.script("look_at_books")
    assert books["orders"] == {"paid": 20}
    assert books["payments"] == {"succeeded": 20}
    assert books["messages"] == {"processed": 80}
    assert books["purchases"] == 10
    assert books["grants"] == 20
    assert books["receipts"] == 20
    assert books["broken"] == []
    assert next(broken_answers) > 10  # the kills were felt
