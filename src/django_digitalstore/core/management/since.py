"""How an operator names a moment in the past."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

__all__ = ["parse_since"]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_since(text: str) -> datetime:
    """Return the moment that ``text`` names: ``14d`` ago, or ``2026-03-01`` with or without a time.

    Without a time zone it is the site's. Raises ``CommandError`` for anything else.
    """
    if ago := re.fullmatch(r"(\d{1,5})([mhdw])", text):
        return timezone.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        moment = parse_datetime(text) or None
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001  made aware below
    if moment is None:
        raise CommandError(
            f"--since: {text!r} is no moment. Write how long ago, as in 90m, 12h, 14d or 2w, or "
            f"when, as in 2026-03-01 or 2026-03-01T18:30."
        )
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
