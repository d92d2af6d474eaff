"""Reads what Dodo sends: as forgiving as money allows, and exact about where it is not.

Dodo adds fields every week, and leaves out or nulls what its types require. So whatever we don't
need is not looked at, null is the same as missing, words are compared in lower case, a number may
be written as a text. What is there and of a wrong type is never guessed at.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from django_digitalstore.payments.exceptions import WebhookInvalid
from django_digitalstore.payments.reader import Reader

__all__ = ["DodoReader"]


class DodoReader(Reader):
    """Reads the fields of one of Dodo's objects."""

    def word(self, name: str) -> str:
        """Return a word of an enumeration in lower case; empty where it is missing."""
        return self.text(name, default="").strip().lower()

    def part(self, name: str) -> DodoReader:
        """Return a reader of an object; of an empty one where it is missing."""
        return self.object(name) if self.has(name) else DodoReader({}, self.at(name))

    def prose(self, name: str) -> str:
        """Return a text for people; whatever it is, it can be stored."""
        value = self.data.get(name)
        text = value if isinstance(value, str) else ""
        return text.encode("utf-8", "replace").decode().replace("\x00", "?").strip()

    def flag(self, name: str) -> bool | None:
        """Return a yes or no; None where it is missing."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, bool):
            raise WebhookInvalid(self.at(name), "must be true or false.")
        return value

    def amount(self, name: str, default: int | None = None) -> int:
        """Return an amount in minor units, which Dodo may write as a text."""
        return Reader({name: _whole(self.data.get(name))}, self.path).amount(name, default)

    def optional_amount(self, name: str) -> int | None:
        """Return an amount in minor units; None where it is missing."""
        return self.amount(name) if self.has(name) else None

    def note(self, name: str) -> int | None:
        """Return an amount that decides nothing, so that a strange one costs nothing either."""
        try:
            return self.optional_amount(name)
        except WebhookInvalid:
            return None

    def note_text(self, name: str) -> str:
        """Return a text that anybody may have written; empty where it cannot be one of ours."""
        try:
            return self.text(name, default="")
        except WebhookInvalid:
            return ""

    def note_currency(self, name: str) -> str:
        """Return a currency that decides nothing; empty where it is none."""
        try:
            return self.optional_currency(name)
        except WebhookInvalid:
            return ""

    def optional_currency(self, name: str) -> str:
        """Return an ISO 4217 code; empty where it is missing."""
        return self.currency(name) if self.has(name) else ""

    def when(self, name: str) -> datetime | None:
        """Return a time; None where it is missing. Without a zone, Dodo means UTC."""
        if not self.has(name):
            return None
        value = self.data[name]
        try:
            parsed = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            parsed = None
        if parsed is not None and parsed.tzinfo is None:
            return parsed.replace(tzinfo=UTC)
        return self.time(name)


def _whole(value: Any) -> Any:
    """Return a number without decimals as an int, and whatever else as it is."""
    if not isinstance(value, float | str):
        return value
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return value
    # A huge exponent is a number too, and its int would take all memory.
    small = number.is_finite() and number.adjusted() < 20
    return int(number) if small and number == number.to_integral_value() else value
