"""The site's own process streams 300 MiB: its memory stays flat, and a broken download goes on."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live.downloads import Purchase, buy, sha256_of
from tests.live.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("entitlements"),
    pytest.mark.skipif(
        not sys.platform.startswith("linux"), reason="memory is read from /proc, as on Linux"
    ),
]

MIB = 1024 * 1024
SIZE = 300 * MIB
ALLOWED = 16 * MIB

SERVERS = {
    "gunicorn": ("--workers=1", "--worker-class=sync", "--timeout=120"),
    "uvicorn": ("--log-level=warning",),
}


@contextmanager
def serving(store: Store, server: str) -> Iterator[int]:
    """Run the server; yield the number of the process that answers."""
    with getattr(store, server)(*SERVERS[server]) as process:
        yield worker_of(process.pid) if server == "gunicorn" else process.pid


def worker_of(master: int) -> int:
    deadline = time.monotonic() + 20
    while not (found := Path(f"/proc/{master}/task/{master}/children").read_text().split()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (worker,) = found
    return int(worker)


class Memory:
    """What a process holds, and the most that it has held since this was made; in bytes."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        Path(f"/proc/{pid}/clear_refs").write_text("5")  # forget the most that it has held
        self._before = self._read("VmRSS")

    def growth(self) -> int:
        return self._read("VmHWM") - self._before

    def _read(self, name: str) -> int:
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name}:"))
        return int(line.split()[1]) * 1024


def open_files(pid: int, folder: Path) -> list[str]:
    """Return the files below ``folder`` that a process has open."""
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(descriptor)
        except FileNotFoundError:
            continue
        if target.startswith(f"{folder}/"):
            found.append(target)
    return found


def wait_until_closed(pid: int, folder: Path) -> None:
    deadline = time.monotonic() + 15
    while found := open_files(pid, folder):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


@pytest.fixture(params=sorted(SERVERS))
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Purchase, int]]:
    store = Store(tmp_path)
    with serving(store, request.param) as pid:
        purchase = buy(store, store.url, "film.mp4", SIZE)
        # What the first answers load, the measured one must not pay for.
        assert purchase.download(purchase.link(), tmp_path / "first", "--range", "0-99") == "206"
        yield purchase, pid
    for path in [*tmp_path.glob("*.mp4"), purchase.folder / purchase.stored]:
        path.unlink(missing_ok=True)  # pytest keeps folders, and these are large


def test_a_large_file_takes_no_memory(served: tuple[Purchase, int], tmp_path: Path) -> None:
    purchase, pid = served
    memory = Memory(pid)
    assert purchase.download(purchase.link(), tmp_path / "film.mp4") == "200"
    assert memory.growth() < ALLOWED
    assert sha256_of(tmp_path / "film.mp4") == purchase.sha256


def test_a_download_that_broke_goes_on(served: tuple[Purchase, int], tmp_path: Path) -> None:
    purchase, pid = served
    link, film = purchase.link(), tmp_path / "film.mp4"
    memory = Memory(pid)
    come = purchase.break_off(link, film, after=100 * MIB, rate="100M")
    assert 100 * MIB <= come < SIZE
    wait_until_closed(pid, purchase.folder)
    assert purchase.download(link, film, "--continue-at", "-") == "206"
    assert memory.growth() < ALLOWED
    assert sha256_of(film) == purchase.sha256
    wait_until_closed(pid, purchase.folder)
