"""Ways out of a storage's folder, and what else lies in it that is no file to sell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["OUTSIDE", "lay_traps"]

#: Names that a broken database could hold, and that must give nothing; ``{}`` is the secret's path.
OUTSIDE = [
    "",
    ".",
    "..",
    "../secret.txt",
    "x/../../secret.txt",
    "../sold-beside/x.txt",
    "{}",
    "/etc/passwd",
    "folder/secret.txt",
    "folder/../secret.txt",
    "link.txt",
    "folder",
    "circle",
    "lost",
    "pipe",
    "nothing",
    "book.epub/more",
    "nul\x00",
    "long" * 100,
    "\udcff",
]


@contextmanager
def lay_traps(folder: Path) -> Iterator[str]:
    """Make what ``OUTSIDE`` names, around the storage ``sold``; yield the path of the secret."""
    secret, sold, beside = folder / "secret.txt", folder / "sold", folder / "sold-beside"
    secret.write_bytes(b"secret")
    beside.mkdir()
    (beside / "x.txt").write_bytes(b"secret")
    (sold / "link.txt").symlink_to(secret)
    (sold / "folder").symlink_to(folder)
    (sold / "circle").symlink_to(sold / "circle")
    (sold / "lost").symlink_to(folder / "nothing")
    os.mkfifo(sold / "pipe")
    # With somebody at its other end, who opens it need not wait for ever.
    other_end = os.open(sold / "pipe", os.O_RDWR)
    try:
        yield str(secret)
    finally:
        os.close(other_end)
