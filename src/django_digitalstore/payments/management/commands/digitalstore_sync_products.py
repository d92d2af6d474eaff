"""Brings what we sell to the providers that keep products of their own."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_digitalstore.payments import flows
from django_digitalstore.payments.exceptions import ItemNotSynced


class Command(BaseCommand):
    help = (
        "Compares what is for sale with what payment providers have, by hash, and brings there "
        "what differs, at the provider's pace. It may be stopped and started again at any moment."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--alias", help="Only this provider of DIGITALSTORE_PAYMENTS.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Show what differs, and call nobody."
        )
        parser.add_argument(
            "--force",
            action="store_true",
            help="Bring everything there again: somebody changed it in the provider's dashboard.",
        )
        parser.add_argument("--limit", type=int, help="At most so many products at each provider.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity: int = options["verbosity"]
        limit = options["limit"]
        if options["force"] and options["dry_run"]:
            raise CommandError("--force and --dry-run exclude each other: write one of them.")
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1.")
        failed = 0
        for alias in self._aliases(options["alias"]):
            if options["dry_run"]:
                self._show(alias, limit)
            else:
                if options["force"]:
                    flows.doubt_items(alias)
                failed += self._sync(alias, limit)
        if failed:
            raise CommandError(f"{failed} could not be brought to their provider: see above.")

    def _aliases(self, alias: str | None) -> list[str]:
        aliases = flows.item_aliases()
        if alias is not None and alias not in aliases:
            known = ", ".join(map(repr, aliases)) or "none"
            raise CommandError(
                f"--alias: {alias!r} is no provider that keeps products. Those are: {known}."
            )
        if not aliases and self.verbosity:
            self.stdout.write("No provider of DIGITALSTORE_PAYMENTS keeps products.")
        return aliases if alias is None else [alias]

    def _show(self, alias: str, limit: int | None) -> None:
        shown = 0
        for difference in flows.find_differences(alias):
            if difference.reason == flows.ItemReason.SAME:
                continue
            if shown == limit:
                break
            shown += 1
            detail = f" ({difference.detail})" if difference.detail else ""
            self.stdout.write(f"{self._name(difference)}: {difference.reason}{detail}")
        self.stdout.write(f"{alias}: {shown} differ.")

    def _sync(self, alias: str, limit: int | None) -> int:
        """Sync one provider and return how many failed."""
        counts: Counter[str] = Counter()

        def progress(looked_at: int) -> None:
            if self.verbosity:
                self.stdout.write(f"{alias}: {looked_at} looked at, {_summary(counts)}")

        try:
            for difference, outcome in flows.sync_items(alias, limit=limit, on_page=progress):
                if isinstance(outcome, ItemNotSynced):
                    counts["busy" if outcome.is_busy else "failed"] += 1
                    self.stderr.write(f"{self._name(difference)}: {outcome}")
                else:
                    counts[outcome] += 1
                    if self.verbosity > 1:
                        self.stdout.write(
                            f"{self._name(difference)}: {outcome} ({difference.reason})"
                        )
        except ItemNotSynced as problem:
            self.stderr.write(str(problem))
        if self.verbosity:
            self.stdout.write(f"{alias}: {_summary(counts)}.")
        return counts["failed"]

    def _name(self, difference: flows.ItemDifference) -> str:
        return f"{difference.alias}: {difference.kind}:{difference.product} “{difference.name}”"


def _summary(counts: Counter[str]) -> str:
    parts = [f"{counts[outcome]} {outcome}" for outcome in ("pushed", "archived", "failed")]
    if counts["busy"]:
        parts.append(f"{counts['busy']} being pushed by another process")
    return ", ".join(parts)
