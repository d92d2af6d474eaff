"""Asks the payment providers what happened, and makes up for what no webhook told."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_digitalstore.core.management.since import parse_since
from django_digitalstore.payments import flows
from django_digitalstore.payments.backends import payment_backends

DIFFERS = 1
TROUBLE = 2


class Command(BaseCommand):
    help = (
        "Asks the payment providers what happened, and makes up for what no webhook told. Exits "
        "with 0 where all was asked and healed, with 1 where --dry-run found a difference, and "
        "with 2 where something could not be asked or applied."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            help="How long ago, as in 12h or 14d, or since when, as in 2026-03-01; by default "
            "DIGITALSTORE_RECONCILE_PERIOD ago.",
        )
        parser.add_argument("--alias", help="Only this provider of DIGITALSTORE_PAYMENTS.")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Show what would change. Nothing is changed, and nothing is sent.",
        )
        parser.add_argument(
            "--per-second", type=float, default=4, help="At most so many calls in a second."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        alias, is_dry = options["alias"], options["dry_run"]
        if alias is not None and alias not in payment_backends:
            known = ", ".join(repr(name) for name in payment_backends)
            raise CommandError(
                f"--alias: {alias!r} is not in DIGITALSTORE_PAYMENTS. It knows {known}."
            )
        if options["per_second"] <= 0:
            raise CommandError("--per-second must be more than 0.")
        done = flows.reconcile(
            since=None if options["since"] is None else parse_since(options["since"]),
            alias=alias,
            is_dry=is_dry,
            per_second=options["per_second"],
            tell=self.tell,
        )
        verb = "differ" if is_dry else "healed"
        if options["verbosity"]:
            self.stdout.write(
                f"{done.events} facts seen: {done.differences} orders {verb}, "
                f"{done.unmatched} unmatched, {done.troubles} troubles."
            )
        if done.troubles:
            raise CommandError(
                f"{done.troubles} could not be asked or applied: see above.", returncode=TROUBLE
            )
        if is_dry and (done.differences or done.unmatched):
            raise CommandError(
                "The store is not what its providers say. Run it without --dry-run to heal it.",
                returncode=DIFFERS,
            )

    def tell(self, finding: flows.Finding) -> None:
        """Print what was found as it is found."""
        stream = self.stderr if isinstance(finding, flows.Trouble) else self.stdout
        stream.write(str(finding))
