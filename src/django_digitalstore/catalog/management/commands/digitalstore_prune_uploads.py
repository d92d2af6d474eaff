"""Takes away what uploads left that were not completed."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_digitalstore.catalog import flows


class Command(BaseCommand):
    help = (
        "Takes away uploads that were not completed within DIGITALSTORE_UPLOAD_AGE, and objects of "
        "the private storage of that age that no asset names. Exits with 1 where one could not be "
        "deleted."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Show what would be taken away. Nothing is deleted.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry, verbosity = options["dry_run"], options["verbosity"]

        def tell(found: flows.Pruning) -> None:
            if verbosity > 1 or (is_dry and verbosity):
                self.stdout.write(str(found))

        done = flows.prune_uploads(is_dry=is_dry, tell=tell)
        if verbosity:
            verb = "would be taken away" if is_dry else "taken away"
            self.stdout.write(
                f"{done.assets} uploads that were not completed and {done.objects} orphaned files "
                f"{verb}."
            )
        if done.unlisted:
            self.stderr.write(f"Orphaned files were not looked for: {done.unlisted}")
        if done.troubles:
            raise CommandError(f"{done.troubles} files could not be deleted: see the log.")
