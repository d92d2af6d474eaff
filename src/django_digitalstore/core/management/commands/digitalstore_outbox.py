"""Sends what is left in the outbox."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_digitalstore.core.models import OutboxMessage, OutboxState
from django_digitalstore.core.outbox import sweep


class Command(BaseCommand):
    help = "Sends outgoing messages (e-mails, provider calls) that are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=100, help="At most so many messages.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit must be at least 1.")
        done = sweep(options["limit"])
        pending = OutboxMessage.objects.filter(state=OutboxState.PENDING).count()
        given_up = OutboxMessage.objects.filter(state=OutboxState.FAILED).count()
        self.stdout.write(
            f"{done.sent} sent, {done.retry} to be tried again, {done.failed} given up now; "
            f"{pending} pending, {given_up} given up in all."
        )
