"""Periodic jobs: each due one runs once, whoever else runs and whatever fails."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_digitalstore.core import jobs
from django_digitalstore.core.jobs import UnknownJob, periodic_job, registered_jobs, run_due
from django_digitalstore.core.models import JobRun

NOON = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def registry(monkeypatch):
    """Give each test a registry of its own."""
    known: dict[str, jobs.PeriodicJob] = {}
    monkeypatch.setattr(jobs, "_jobs", known)
    return known


@pytest.fixture
def ran() -> list[str]:
    return []


def register(name: str, ran: list[str], *, every: timedelta = HOUR, **kwargs) -> None:
    periodic_job(name, every=every, **kwargs)(lambda: ran.append(name))


def run_names(**kwargs) -> list[str]:
    return [result.name for result in run_due(**kwargs)]


@pytest.mark.django_db
def test_a_job_runs_at_once_and_then_every_period(ran) -> None:
    register("sweep", ran)
    assert run_names(now=NOON) == ["sweep"]
    assert run_names(now=NOON) == []
    assert run_names(now=NOON + timedelta(minutes=59)) == []
    assert run_names(now=NOON + HOUR) == ["sweep"]
    assert ran == ["sweep", "sweep"]


@pytest.mark.django_db
def test_a_cron_that_wakes_a_second_early_skips_no_minute(ran) -> None:
    register("sweep", ran, every=timedelta(minutes=1))
    assert run_names(now=NOON + timedelta(seconds=1)) == ["sweep"]
    assert run_names(now=NOON + timedelta(seconds=20)) == []
    assert run_names(now=NOON + timedelta(minutes=1)) == ["sweep"]


@pytest.mark.django_db
def test_start_and_end_are_recorded(ran) -> None:
    register("sweep", ran)
    before = timezone.now()
    run_due()
    run = JobRun.objects.get(name="sweep")
    assert before <= run.last_started_at <= run.last_finished_at <= timezone.now()
    assert run.last_error == ""
    assert run.locked_until is None


@pytest.mark.django_db
def test_a_failing_job_is_recorded_and_stops_no_other(ran) -> None:
    def fail() -> None:
        raise ValueError("no paper")

    periodic_job("a", every=HOUR)(fail)
    register("b", ran)
    failed, fine = run_due(now=NOON)
    assert (failed.name, failed.error) == ("a", "ValueError: no paper")
    assert (fine.name, fine.error) == ("b", "")
    run = JobRun.objects.get(name="a")
    assert run.last_error == "ValueError: no paper"
    assert run.last_finished_at is not None
    assert run.locked_until is None
    # It is tried again after its period, and its error goes when it succeeds.
    register_again = jobs._jobs
    register_again.pop("a")
    register("a", ran)
    assert run_names(now=NOON + timedelta(minutes=30)) == []
    assert run_names(now=NOON + HOUR) == ["a", "b"]
    run.refresh_from_db()
    assert run.last_error == ""


@pytest.mark.django_db
def test_a_job_that_is_running_is_left_alone_until_its_lease_ends(ran) -> None:
    register("sweep", ran, lease=timedelta(hours=3))
    JobRun.objects.create(
        name="sweep", last_started_at=NOON, locked_until=NOON + timedelta(hours=3)
    )
    assert run_names(now=NOON + timedelta(hours=2)) == []
    assert run_names(now=NOON + timedelta(hours=2), only="sweep") == []
    assert run_names(now=NOON + timedelta(hours=3)) == ["sweep"]


@pytest.mark.django_db
def test_a_run_that_outlived_its_lease_does_not_unlock_its_successor() -> None:
    def overtaken() -> None:
        JobRun.objects.filter(name="slow").update(
            last_started_at=NOON + HOUR, locked_until=NOON + 2 * HOUR
        )

    periodic_job("slow", every=HOUR)(overtaken)
    run_due(now=NOON)
    assert JobRun.objects.get(name="slow").locked_until == NOON + 2 * HOUR


@pytest.mark.django_db(transaction=True)
def test_many_crons_at_once_run_a_job_once(shared_database, at_once, ran) -> None:
    register("sweep", ran)
    JobRun.objects.create(name="sweep")
    assert all(isinstance(answer, list) for answer in at_once(*[run_due] * 6))
    assert ran == ["sweep"]


@pytest.mark.django_db
def test_one_job_may_be_run_before_it_is_due(ran) -> None:
    register("a", ran)
    register("b", ran)
    run_due(now=NOON)
    assert run_names(now=NOON + timedelta(minutes=1), only="b") == ["b"]


@pytest.mark.django_db
def test_a_wrong_name_is_answered_with_the_right_ones(ran) -> None:
    register("a", ran)
    register("b", ran)
    with pytest.raises(UnknownJob) as caught:
        run_due(only="c")
    assert str(caught.value) == "There is no periodic job 'c'. The jobs are: a, b."


def test_a_name_is_taken_once(ran) -> None:
    def first() -> None: ...

    def second() -> None: ...

    periodic_job("sweep", every=HOUR)(first)
    periodic_job("sweep", every=HOUR)(first)
    with pytest.raises(ValueError) as caught:
        periodic_job("sweep", every=HOUR)(second)
    here = f"{__name__}.test_a_name_is_taken_once.<locals>"
    assert str(caught.value) == (
        f"The periodic job 'sweep' is already {here}.first. Give {here}.second another name."
    )
    assert [job.name for job in registered_jobs()] == ["sweep"]


# --- the command ----------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    output = StringIO()
    call_command("digitalstore_run_due", *arguments, stdout=output)
    return untimed(output)


def untimed(output: StringIO) -> str:
    """Return what was printed, whatever the seconds were on this machine."""
    return re.sub(r"\d+\.\d\d s", "… s", output.getvalue())


@pytest.mark.django_db
def test_the_command_prints_each_job(ran) -> None:
    register("a", ran)
    register("b", ran)
    assert command() == "a: done (… s)\nb: done (… s)\n"
    assert command() == "Nothing is due.\n"
    assert command("--only", "b") == "b: done (… s)\n"


@pytest.mark.django_db
def test_the_command_fails_when_a_job_failed(ran) -> None:
    def fail() -> None:
        raise ValueError("no paper")

    periodic_job("a", every=HOUR)(fail)
    register("b", ran)
    output = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command("digitalstore_run_due", stdout=output)
    assert str(caught.value) == "Failed: a."
    assert caught.value.returncode == 1
    assert untimed(output) == "a: failed: ValueError: no paper (… s)\nb: done (… s)\n"


@pytest.mark.django_db
def test_the_command_names_a_wrong_job_and_a_running_one(ran) -> None:
    register("a", ran)
    with pytest.raises(CommandError) as caught:
        command("--only", "c")
    assert str(caught.value) == "There is no periodic job 'c'. The jobs are: a."
    JobRun.objects.create(name="a", locked_until=timezone.now() + HOUR)
    with pytest.raises(CommandError) as caught:
        command("--only", "a")
    assert str(caught.value) == "a is running already. Try again when it is done."


@pytest.mark.django_db
def test_the_list_shows_when_each_job_last_ran(ran, settings) -> None:
    settings.TIME_ZONE = "UTC"
    for name in "abcde":
        register(name, ran)
    later = timezone.now() + HOUR
    JobRun.objects.create(name="b", last_started_at=NOON, last_finished_at=NOON)
    JobRun.objects.create(name="c", last_started_at=NOON, last_error="ValueError: no paper")
    JobRun.objects.create(name="d", last_started_at=NOON, locked_until=later)
    JobRun.objects.create(name="e", last_started_at=NOON, locked_until=NOON)
    assert command("--list") == (
        "a (every 1:00:00): never ran\n"
        "b (every 1:00:00): last ran 2026-01-01 12:00:00 UTC\n"
        "c (every 1:00:00): last ran 2026-01-01 12:00:00 UTC, failed: ValueError: no paper\n"
        "d (every 1:00:00): last ran 2026-01-01 12:00:00 UTC, is running\n"
        "e (every 1:00:00): last ran 2026-01-01 12:00:00 UTC, was interrupted\n"
    )
    assert ran == []
