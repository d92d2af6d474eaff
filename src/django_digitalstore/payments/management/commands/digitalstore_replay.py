"""Applies stored messages of the inbox again."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from django_digitalstore.core.management.since import parse_since
from django_digitalstore.payments import inbox
from django_digitalstore.payments.models import InboxMessage

_STATES = [state.value for state in inbox.UNRESOLVED]


class Command(BaseCommand):
    help = (
        "Applies stored webhook messages again: those with the given ids, or in the given states. "
        "Harmless for what is applied already. Exits with 1 where one failed again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "ids", nargs="*", metavar="ID", help="Number of the row in the inbox, or message id."
        )
        parser.add_argument(
            "--state", help=f"All in these states, separated by commas: {', '.join(_STATES)}."
        )
        parser.add_argument("--alias", help="Only messages of this provider.")
        parser.add_argument("--since", help="Only what came since, as in 12h, 14d or 2026-03-01.")
        parser.add_argument(
            "--dry-run", action="store_true", help="Name the messages, and apply none."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        verbosity = options["verbosity"]
        pks = list(self.chosen(options).order_by("pk").values_list("pk", flat=True))
        became: Counter[str] = Counter()
        failed = []
        for number, pk in enumerate(pks, start=1):
            message = InboxMessage.objects.defer("body", "traceback").get(pk=pk)
            name = f"{message.pk} {message.alias} {message.message_id}"
            if options["dry_run"]:
                error = f": {message.error}" if message.error else ""
                self.stdout.write(f"{name}: {message.state}{error}")
                continue
            answer = inbox.process(message)
            message.refresh_from_db(fields=["state", "error"])
            became[message.state] += 1
            if answer.status >= 400:
                failed.append(f"{name}: {message.error or answer.text}")
            if verbosity > 1:
                self.stdout.write(f"{name}: {message.state}")
            elif verbosity and number % 100 == 0:
                self.stdout.write(f"{number} of {len(pks)}")
        if options["dry_run"]:
            self.stdout.write(f"{len(pks)} would be applied again.")
        elif verbosity:
            states = ", ".join(f"{became[state]} {state}" for state in sorted(became))
            self.stdout.write(f"{len(pks)} applied again: {states or 'nothing to do'}.")
        if failed:
            raise CommandError("Failed again:\n" + "\n".join(failed))

    def chosen(self, options: dict[str, Any]) -> QuerySet[InboxMessage]:
        """Return the messages that were asked for. Raises ``CommandError``."""
        ids, states = options["ids"], options["state"]
        if bool(ids) == bool(states):
            raise CommandError("Name messages by their ids, or all in a state by --state failed.")
        messages = InboxMessage.objects.all()
        if states:
            wanted = states.split(",")
            wrong = sorted(set(wanted) - set(_STATES))
            if wrong:
                raise CommandError(
                    f"--state: there is no {wrong[0]!r} to apply again. "
                    f"Choose among {', '.join(_STATES)}."
                )
            messages = messages.filter(state__in=wanted)
        else:
            messages = messages.filter(pk__in=self.found(messages, ids))
        if options["alias"]:
            messages = messages.filter(alias=options["alias"])
        if options["since"]:
            messages = messages.filter(received_at__gte=parse_since(options["since"]))
        return messages

    def found(self, messages: QuerySet[InboxMessage], ids: list[str]) -> list[int]:
        """Return the rows with these numbers or message ids. Raises ``CommandError``."""
        numbers = {int(name): name for name in ids if name.isascii() and name.isdigit()}
        by_number = set(
            messages.filter(pk__in=[n for n in numbers if n < 2**63]).values_list("pk", flat=True)
        )
        by_id = list(messages.filter(message_id__in=ids).values_list("pk", "message_id"))
        known = {numbers[pk] for pk in by_number} | {message_id for _pk, message_id in by_id}
        missing = [name for name in ids if name not in known]
        if missing:
            raise CommandError(f"There is no message {', '.join(missing)} in the inbox.")
        return [*by_number, *(pk for pk, _message_id in by_id)]
