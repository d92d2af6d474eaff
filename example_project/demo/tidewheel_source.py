"""The source code that the product “Tidewheel” consists of."""

from __future__ import annotations

_MODULE = '''"""Polite retries: exponential back-off with full jitter, and limits."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

__version__ = "@VERSION@"

P = ParamSpec("P")
T = TypeVar("T")


class GaveUp(Exception):
    """Every attempt failed; `__cause__` is what the last one raised."""

    def __init__(self, attempts: int) -> None:
        super().__init__(f"gave up after {attempts} attempts")
        self.attempts = attempts


@dataclass(frozen=True)
class Tide:
    """How to wait: at most `cap` seconds between `attempts` attempts, `total` seconds in all."""

    attempts: int = 5
    base: float = 0.2
    cap: float = 10.0
    total: float | None = None
    chance: Callable[[], float] = random.random

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise ValueError("Tide.attempts must be 1 or more.")
        if self.base < 0 or self.cap < 0:
            raise ValueError("Tide.base and Tide.cap must not be negative.")

    def waits(self) -> Iterator[float]:
        """Yield the seconds to wait after each failed attempt but the last."""
        for number in range(self.attempts - 1):
            yield self.chance() * min(self.cap, self.base * 2**number)


def retry(
    tide: Tide,
    *errors: type[BaseException],
    sleep: Callable[[float], None] = time.sleep,
    now: Callable[[], float] = time.monotonic,
) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Call a function again when it raises one of `errors` (by default OSError)."""
    wanted = errors or (OSError,)

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def patient(*args: P.args, **kwargs: P.kwargs) -> T:
            began, waits = now(), tide.waits()
            attempts = 0
            while True:
                attempts += 1
                try:
                    return function(*args, **kwargs)
                except wanted as error:
                    wait = next(waits, None)
                    late = (
                        wait is not None
                        and tide.total is not None
                        and now() - began + wait > tide.total
                    )
                    if wait is None or late:
                        raise GaveUp(attempts) from error
                    sleep(wait)

        return patient

    return decorate
'''

_TESTS = """import unittest

from tidewheel import GaveUp, Tide, retry


class RetryTests(unittest.TestCase):
    def setUp(self):
        self.slept = []
        self.calls = 0

    def flaky(self, failures, **options):
        tide = Tide(chance=lambda: 1.0, **options)

        @retry(tide, OSError, sleep=self.slept.append, now=lambda: sum(self.slept))
        def call():
            self.calls += 1
            if self.calls <= failures:
                raise OSError("the tide is out")
            return "in"

        return call

    def test_returns_as_soon_as_it_works(self):
        self.assertEqual(self.flaky(2)(), "in")
        self.assertEqual(self.slept, [0.2, 0.4])

    def test_gives_up_after_the_last_attempt(self):
        with self.assertRaises(GaveUp) as caught:
            self.flaky(9, attempts=3)()
        self.assertEqual(caught.exception.attempts, 3)
        self.assertIsInstance(caught.exception.__cause__, OSError)

    def test_never_waits_longer_than_in_all(self):
        with self.assertRaises(GaveUp):
            self.flaky(9, attempts=9, total=1.0)()
        self.assertLessEqual(sum(self.slept), 1.0)

    def test_other_errors_pass_at_once(self):
        @retry(Tide(), OSError, sleep=self.slept.append)
        def broken():
            raise KeyError("not the network")

        with self.assertRaises(KeyError):
            broken()
        self.assertEqual(self.slept, [])


if __name__ == "__main__":
    unittest.main()
"""

_README = """# Tidewheel @VERSION@

Polite retries for Python 3.11 and later. One file, typed, no dependencies.

```python
from tidewheel import Tide, retry

@retry(Tide(attempts=4, total=20), ConnectionError)
def fetch(url): ...
```

Run the tests with `python -m unittest`.
"""

_LICENCE = """Bought once, yours to use, change and ship, in source or in binary form, as part of
anything you make. Please don't sell Tidewheel alone. No warranty of any kind.
"""

_PROJECT = """[build-system]
requires = ["setuptools>=68"]
build-backend = "setuptools.build_meta"

[project]
name = "tidewheel"
version = "@VERSION@"
description = "Polite retries."
requires-python = ">=3.11"

[tool.setuptools]
py-modules = ["tidewheel"]
"""


def tidewheel_files(version: str) -> dict[str, str]:
    """Return the package's files by their path."""
    files = {
        "README.md": _README,
        "LICENCE.txt": _LICENCE,
        "pyproject.toml": _PROJECT,
        "tidewheel.py": _MODULE,
    }
    if version != "1.0.0":
        files["test_tidewheel.py"] = _TESTS
    return {name: text.replace("@VERSION@", version) for name, text in files.items()}
