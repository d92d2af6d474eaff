"""Periodic jobs: features register them, one cron line runs those that are due.

``* * * * * python manage.py digitalstore_run_due`` is all that a site sets up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.db.models import Q
from django.utils import timezone

from .exceptions import DigitalStoreError
from .models import JobRun

__all__ = ["JobResult", "PeriodicJob", "UnknownJob", "periodic_job", "registered_jobs", "run_due"]

logger = logging.getLogger(__name__)

_LONGEST_ERROR = 2000


class SupportsWrite(Protocol):
    """What ``run_due`` writes its lines to: a file, or a command's ``self.stdout``."""

    def write(self, text: str, /) -> Any: ...


class UnknownJob(DigitalStoreError, LookupError):
    """No periodic job has this name."""


@dataclass(frozen=True, slots=True)
class PeriodicJob:
    """A function that runs every so often."""

    name: str
    function: Callable[[], object]
    every: timedelta
    #: How long a run that was killed keeps the next one away.
    lease: timedelta


@dataclass(frozen=True, slots=True)
class JobResult:
    """How one run of a job ended; ``error`` is empty where it went well."""

    name: str
    error: str
    seconds: float


_jobs: dict[str, PeriodicJob] = {}


def periodic_job(
    name: str, *, every: timedelta, lease: timedelta = timedelta(hours=1)
) -> Callable[[Callable[[], object]], Callable[[], object]]:
    """Register the decorated function, which takes nothing, to run every ``every``.

    It runs outside any transaction, and may run again after a failure or a kill: write it so that
    it can. Choose a ``lease`` longer than any run takes. Raises ``ValueError`` where another
    function has the name.
    """

    def register(function: Callable[[], object]) -> Callable[[], object]:
        known = _jobs.get(name)
        if known is not None and _path(known.function) != _path(function):
            raise ValueError(
                f"The periodic job {name!r} is already {_path(known.function)}. "
                f"Give {_path(function)} another name."
            )
        _jobs[name] = PeriodicJob(name=name, function=function, every=every, lease=lease)
        return function

    return register


def registered_jobs() -> list[PeriodicJob]:
    """Return all jobs that installed features registered, by name."""
    return [_jobs[name] for name in sorted(_jobs)]


def run_due(
    now: datetime | None = None, stdout: SupportsWrite | None = None, *, only: str | None = None
) -> list[JobResult]:
    """Run the jobs that are due, one after the other; return how each of them ended.

    A job is claimed by one conditional UPDATE, so that two crons never run it twice, and a job
    that raises is recorded and doesn't stop the others. ``only`` names one job, which then runs
    whether it is due or not, except while it is running. A line per job goes to ``stdout``.
    Raises ``UnknownJob`` for a wrong ``only``.
    """
    if only is not None and only not in _jobs:
        known = ", ".join(sorted(_jobs)) or "none"
        raise UnknownJob(f"There is no periodic job {only!r}. The jobs are: {known}.")
    jobs = registered_jobs() if only is None else [_jobs[only]]
    _make_rows(jobs)
    results = []
    for job in jobs:
        started = now or timezone.now()
        if not _claim(job, started, forced=only is not None):
            continue
        result = _run(job, started)
        results.append(result)
        if stdout is not None:
            outcome = f"failed: {result.error}" if result.error else "done"
            stdout.write(f"{job.name}: {outcome} ({result.seconds:.2f} s)\n")
    return results


def _make_rows(jobs: list[PeriodicJob]) -> None:
    names = {job.name for job in jobs}
    missing = names - set(JobRun.objects.filter(name__in=names).values_list("name", flat=True))
    for name in sorted(missing):
        JobRun.objects.get_or_create(name=name)


def _claim(job: PeriodicJob, now: datetime, *, forced: bool) -> bool:
    free = Q(locked_until=None) | Q(locked_until__lte=now)
    # A cron that wakes a second early must not skip a whole period.
    slack = min(timedelta(seconds=30), job.every / 2)
    due = Q(last_started_at=None) | Q(last_started_at__lte=now - job.every + slack)
    condition = free if forced else free & due
    return bool(
        JobRun.objects.filter(condition, name=job.name).update(
            last_started_at=now, locked_until=now + job.lease
        )
    )


def _run(job: PeriodicJob, started: datetime) -> JobResult:
    error = ""
    clock = timezone.now()
    try:
        job.function()
    except Exception as exception:
        error = f"{type(exception).__name__}: {exception}"[:_LONGEST_ERROR]
        logger.exception("The periodic job %s failed", job.name)
    finished = timezone.now()
    # Only our own claim: a run that outlived its lease must not unlock its successor's.
    JobRun.objects.filter(name=job.name, last_started_at=started).update(
        last_finished_at=finished, last_error=error, locked_until=None
    )
    return JobResult(name=job.name, error=error, seconds=(finished - clock).total_seconds())


def _path(function: Callable[..., object]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
