"""One connection for a whole process: made at first use, shared by threads, left behind by a fork.

Making a client of boto3 reads files and takes a tenth of a second; the client itself is safe for
threads, but its sockets must not be used by two processes.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["OncePerProcess"]

T = TypeVar("T")


class OncePerProcess(Generic[T]):
    """Holds what ``make()`` returns, for all threads of this process and for no other."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.forget()
        _all.add(self)

    def forget(self) -> None:
        """Make it anew at the next use. For a child process: no other thread may run yet."""
        # The lock too: a thread of the parent may have held it.
        self._lock = threading.Lock()
        self._made: tuple[T] | None = None

    def get(self) -> T:
        """Return it, made at the first call. Raises what ``make()`` raises, and tries again."""
        made = self._made
        if made is None:
            with self._lock:
                made = self._made
                if made is None:
                    made = self._made = (self._make(),)
        return made[0]


_all: weakref.WeakSet[OncePerProcess] = weakref.WeakSet()


def _after_fork() -> None:
    for held in list(_all):
        held.forget()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
