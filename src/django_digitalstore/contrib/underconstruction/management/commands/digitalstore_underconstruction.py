"""Closes and opens the site from the command line."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from django_digitalstore.contrib.underconstruction import flows
from django_digitalstore.contrib.underconstruction.exceptions import ClosureRefused
from django_digitalstore.contrib.underconstruction.flag import status_of
from django_digitalstore.contrib.underconstruction.models import ONLY, SiteStatus
from django_digitalstore.contrib.underconstruction.preview import make_preview_link


class Command(BaseCommand):
    help = "Closes the site for a while, opens it again, and makes preview links."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="action", required=True)
        on = commands.add_parser("on", help="Close the site now.")
        on.add_argument("--until", help="When it opens by itself, as in 2026-11-22T18:00.")
        later = commands.add_parser("schedule", help="Close the site later.")
        later.add_argument("--from", dest="starts_at", required=True, help="When it closes.")
        later.add_argument("--until", help="When it opens by itself.")
        for closing in (on, later):
            closing.add_argument("--message", default="", help="What visitors are told.")
            closing.add_argument(
                "--retry-after", type=int, help="Seconds until programs shall come again."
            )
        off = commands.add_parser("off", help="Open the site, and drop a schedule.")
        revoke = commands.add_parser("revoke-links", help="Let nobody in by older preview links.")
        for changing in (on, later, off, revoke):
            changing.add_argument("--reason", default="By the command line.", help="Why.")
        link = commands.add_parser("preview-link", help="Print a link that lets people in.")
        link.add_argument("--hours", type=float, help="For how long.")
        link.add_argument("--path", default="/", help="Where it leads.")
        commands.add_parser("status", help="Say whether the site is closed.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(self._answer(options))
        except ClosureRefused as error:
            raise CommandError(" ".join(error.messages)) from error

    def _answer(self, options: dict[str, Any]) -> str:
        action = options["action"]
        if action == "preview-link":
            return self._link(options)
        if action == "status":
            return _said(SiteStatus.objects.filter(pk=ONLY).first() or SiteStatus())
        if action == "revoke-links":
            flows.revoke_preview_links(reason=options["reason"])
            return "Preview links that were made before let nobody in."
        if action == "off":
            return _said(flows.switch_off(reason=options["reason"]))
        given = {name: options[name] for name in ("reason", "message", "retry_after")}
        until = _moment("--until", options["until"])
        if action == "on":
            return _said(flows.switch_on(until=until, **given))
        starts_at = _moment("--from", options["starts_at"])
        assert starts_at is not None  # the option is required
        return _said(flows.schedule(starts_at=starts_at, ends_at=until, **given))

    def _link(self, options: dict[str, Any]) -> str:
        hours = options["hours"]
        if hours is not None and not 0 < hours <= 24 * 365:
            raise CommandError("--hours must be more than 0, and at most a year.")
        age = None if hours is None else timedelta(hours=hours)
        try:
            return make_preview_link(options["path"], age=age).url
        except ValueError:
            raise CommandError(
                f"--path is {options['path']!r}, which is no path of the site. Write /."
            ) from None


def _moment(option: str, written: str | None) -> datetime | None:
    """Return the time that was written; without a zone it is the site's."""
    if written is None:
        return None
    try:
        moment = parse_datetime(written)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{option} is {written!r}, which is no time. Write 2026-11-22T18:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _said(row: SiteStatus) -> str:
    if status_of(row).is_closed_at(timezone.now().timestamp()):
        return f"The site is closed{_until(row)}."
    if row.starts_at is not None and row.starts_at > timezone.now():
        return f"The site is open; it closes at {_time(row.starts_at)}{_until(row)}."
    return "The site is open."


def _until(row: SiteStatus) -> str:
    return f" until {_time(row.ends_at)}" if row.ends_at else ", until somebody opens it"


def _time(moment: datetime) -> str:
    return timezone.localtime(moment).isoformat(" ", "minutes")
