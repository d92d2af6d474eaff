"""Counts the daily figures of the sales analytics again, or compares them with the facts."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_digitalstore.contrib.analytics import flows
from django_digitalstore.contrib.analytics.days import Range, day_of
from django_digitalstore.contrib.analytics.exceptions import NotRolledUp
from django_digitalstore.core.management.since import parse_since

DIFFERS = 1


class Command(BaseCommand):
    help = (
        "Counts the daily figures of the sales analytics again where orders, payments, refunds or "
        "disputes changed; with --since, every day from then on. With --check it compares them "
        "with the facts instead, names each row that differs, and exits with 1 where one does."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            help="How long ago, as in 14d, or since when, as in 2026-03-01: every day from then "
            "on, whatever changed. Without it: what changed; with --check: all days.",
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="Compare the figures with the facts. Nothing is changed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        since = None if options["since"] is None else day_of(parse_since(options["since"]))
        tell = self.tell if options["verbosity"] > 1 else None
        if options["check"]:
            self.check_figures(since, tell)
            return
        done = flows.roll_up(since=since, tell=tell)
        if options["verbosity"]:
            self.stdout.write(
                f"{done.days} days counted: {done.written} rows written, {done.removed} removed."
            )

    def check_figures(self, since: date | None, tell: flows.Tell | None) -> None:
        """Name each row that is not what the facts say. Raises ``CommandError`` for any."""
        number = 0
        try:
            for difference in flows.find_differences(since=since, tell=tell):
                self.stdout.write(str(difference))
                number += 1
        except NotRolledUp as error:
            raise CommandError(str(error)) from None
        if number:
            raise CommandError(
                f"{number} rows are not what the facts say: see above. Run it with --since and "
                f"without --check to count their days again.",
                returncode=DIFFERS,
            )
        self.stdout.write("All figures are what the facts say.")

    def tell(self, span: Range) -> None:
        """Say which days are looked at."""
        self.stderr.write(f"{span.first} – {span.last} …")
