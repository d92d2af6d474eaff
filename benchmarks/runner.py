"""Runs the ways of doing a job interleaved, in one process, and compares them."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

__all__ = ["Job", "Limit", "Measured", "Skip", "Way", "measure", "table"]

#: Seconds that one timing of a way takes at least: shorter ones are repeated and divided.
SHORTEST = 0.01


class Skip(Exception):
    """A job, or a peer, cannot be measured here; the message says why."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way of doing a job. ``before`` prepares one call, outside the clock; ``run`` is given
    what it returns. Without it a call changes nothing that the next one would feel.
    """

    name: str
    run: Callable[..., Any]
    before: Callable[[], Any] | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """What a way may cost: ``ratio`` times the way ``of`` (the first), ``sql`` statements, ``ms``.

    Milliseconds are for what has no floor but the patience of people, on a machine like ours.
    """

    way: str
    ratio: float | None = None
    of: str = ""
    sql: int | None = None
    ms: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the table: the first of its ways is the floor, unless a limit names another."""

    name: str
    title: str
    ways: list[Way]
    limits: list[Limit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: What has to hold while its ways are measured.
    around: AbstractContextManager[Any] = field(default_factory=nullcontext)


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way of a job cost: seconds of one call, and statements without BEGIN and COMMIT.

    ``waited`` is how many of the seconds went to the driver and the database: what is left is
    Python's. Commits are not in it.
    """

    way: str
    seconds: float
    waited: float
    ratio: float
    sql: int


class _Clock:
    """Adds up, as a wrapper of Django's, how long statements took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        start = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            self.seconds += time.perf_counter() - start


def _call(way: Way, clock: _Clock) -> tuple[float, float]:
    argument = [way.before()] if way.before else []
    waited, start = clock.seconds, time.perf_counter()
    way.run(*argument)
    return time.perf_counter() - start, clock.seconds - waited


def _count(way: Way) -> int:
    argument = [way.before()] if way.before else []
    with CaptureQueriesContext(connection) as queries:
        way.run(*argument)
    return sum(q["sql"].split()[0] not in ("BEGIN", "COMMIT") for q in queries)


def measure(job: Job, *, rounds: int) -> list[Measured]:
    """Call every way once in each round, in turn; return medians, and ratios to the first way.

    Whatever else the machine does thus falls on all ways alike.
    """
    with job.around:
        return _measure(job, rounds)


def _measure(job: Job, rounds: int) -> list[Measured]:
    clock = _Clock()
    repeats, counts = {}, {}
    times: dict[str, list[float]] = {way.name: [] for way in job.ways}
    waits: dict[str, list[float]] = {way.name: [] for way in job.ways}
    with connection.execute_wrapper(clock):
        for way in job.ways:
            _call(way, clock)  # what is made at the first use is no part of it
            counts[way.name] = _count(way)
            once = min(_call(way, clock), _call(way, clock))[0]
            repeats[way.name] = 1 if way.before else max(1, int(SHORTEST / max(once, 1e-7)))
        gc.collect()
        gc.disable()
        try:
            for number in range(rounds):
                for position in range(len(job.ways)):
                    way = job.ways[(position + number) % len(job.ways)]
                    calls = [_call(way, clock) for _ in range(repeats[way.name])]
                    took, waited = map(statistics.mean, zip(*calls, strict=True))
                    times[way.name].append(took)
                    waits[way.name].append(waited)
                gc.collect()
        finally:
            gc.enable()
    floor = times[job.ways[0].name]
    return [
        Measured(
            way.name,
            statistics.median(times[way.name]),
            statistics.median(waits[way.name]),
            # Of each round for itself, so that a slow second falls out.
            statistics.median(
                mine / least for mine, least in zip(times[way.name], floor, strict=True)
            ),
            counts[way.name],
        )
        for way in job.ways
    ]


def _verdicts(job: Job, measured: Iterable[Measured]) -> dict[str, str]:
    found = {m.way: m for m in measured}
    verdicts: dict[str, list[str]] = {}
    for limit in job.limits:
        mine = found.get(limit.way)
        if mine is None:
            continue
        said = verdicts.setdefault(limit.way, [])
        if limit.ratio is not None:
            base = found[limit.of or job.ways[0].name]
            ratio = mine.ratio / base.ratio if limit.of else mine.ratio
            of = f" of {limit.of} ({ratio:.2f})" if limit.of else ""
            said.append(f"{'ok' if ratio <= limit.ratio else 'MISSED'}: ≤ {limit.ratio:g}x{of}")
        if limit.ms is not None:
            word = "ok" if mine.seconds * 1000 <= limit.ms else "MISSED"
            said.append(f"{word}: ≤ {limit.ms:g} ms")
        if limit.sql is not None:
            word = "ok" if mine.sql <= limit.sql else "MISSED"
            said.append(f"{word}: ≤ {limit.sql} SQL")
    return {way: ", ".join(said) for way, said in verdicts.items()}


def table(job: Job, measured: list[Measured]) -> str:
    """Return the rows of a job as text that is a Markdown table too."""
    verdicts = _verdicts(job, measured)
    lines = [f"### {job.title} (`{job.name}`)", ""]
    lines += ["| way | ms | of it SQL | × | SQL | target |", "|---|---:|---:|---:|---:|---|"]
    lines += [
        f"| {m.way} | {m.seconds * 1000:.3f} | {m.waited * 1000:.3f} | {m.ratio:.2f} | {m.sql} "
        f"| {verdicts.get(m.way, '')} |"
        for m in measured
    ]
    lines += ["", *(f"{note}" for note in job.notes)]
    return "\n".join(lines).rstrip() + "\n"
