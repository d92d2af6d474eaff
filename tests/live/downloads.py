"""A file that somebody owns in a store that runs, and ``curl``, with which they download it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live.buyer import Buyer
from tests.live.store import Store

CURL = shutil.which("curl")


@dataclass(frozen=True)
class Purchase:
    """One file, and who may have it."""

    buyer: Buyer
    click: str
    library: str
    folder: Path
    stored: str
    sha256: str
    size: int

    def link(self) -> str:
        """Click on the file in the library; return the fresh link."""
        return self.buyer.link(self.click, self.buyer.get(self.library))

    def curl(self, link: str, *options: str) -> subprocess.Popen[bytes]:
        """Start a download; its headers are printed, and errors of HTTP are exits with 22."""
        assert CURL
        cookie = f"sessionid={self.buyer.cookies['sessionid']}"
        return subprocess.Popen(
            [CURL, "--silent", "--fail", "--cookie", cookie, *options, link],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def download(self, link: str, target: Path, *options: str) -> str:
        """Download to ``target``; return curl's last line, as ``--write-out`` says it."""
        process = self.curl(link, "--output", str(target), "--write-out", "%{http_code}", *options)
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, (process.returncode, said)
        return said.decode()

    def break_off(self, link: str, target: Path, *, after: int, rate: str) -> int:
        """Begin to download, and go away after that many bytes; return how many have come."""
        process = self.curl(link, "--output", str(target), "--limit-rate", rate)
        deadline = time.monotonic() + 60
        while not (target.exists() and target.stat().st_size >= after):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.kill()
        process.communicate()
        return target.stat().st_size


def buy(store: Store, url: str, name: str, size: int) -> Purchase:
    """Put a file on sale at ``store``, and sign in an owner who comes by ``url``."""
    if CURL is None:
        pytest.skip("curl is absent: on Debian write `apt install curl`")
    found = store.script("seed_purchase", name, str(size))
    return Purchase(
        buyer=Buyer(url, found["session"]),
        click=found["click"],
        library=found["library"],
        folder=Path(found["folder"]),
        stored=found["stored"],
        sha256=found["sha256"],
        size=found["size"],
    )


def sha256_of(path: Path) -> str:
    """Return the checksum of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
