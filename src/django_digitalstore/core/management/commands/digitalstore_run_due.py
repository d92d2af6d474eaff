"""Runs the periodic jobs that are due: the one line that a site's cron needs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from django_digitalstore.core.jobs import UnknownJob, registered_jobs, run_due
from django_digitalstore.core.models import JobRun


class Command(BaseCommand):
    help = "Runs the store's periodic jobs that are due. Call it every minute from cron."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--list", action="store_true", help="Show when each job last ran, and run nothing."
        )
        parser.add_argument("--only", metavar="NAME", help="Run this job now, due or not.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        try:
            results = run_due(stdout=self.stdout, only=options["only"])
        except UnknownJob as error:
            raise CommandError(str(error)) from error
        if options["only"] and not results:
            raise CommandError(f"{options['only']} is running already. Try again when it is done.")
        if not results:
            self.stdout.write("Nothing is due.")
        failed = [result.name for result in results if result.error]
        if failed:
            raise CommandError(f"Failed: {', '.join(failed)}.")

    def _list(self) -> None:
        runs = JobRun.objects.in_bulk()
        for job in registered_jobs():
            run = runs.get(job.name)
            if run is None or run.last_started_at is None:
                state = "never ran"
            else:
                started = timezone.localtime(run.last_started_at)
                state = f"last ran {started:%Y-%m-%d %H:%M:%S %Z}"
                if run.locked_until is not None and run.locked_until > timezone.now():
                    state += ", is running"
                elif run.locked_until is not None:
                    state += ", was interrupted"
                elif run.last_error:
                    state += f", failed: {run.last_error}"
            self.stdout.write(f"{job.name} (every {job.every}): {state}")
