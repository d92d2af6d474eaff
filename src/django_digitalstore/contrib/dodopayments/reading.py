"""Reads what Dodo sends: as forgiving as money allows, and exact about where it is not.

Dodo adds fields every week, and leaves out or nulls what its types require. So whatever we don't
need is not looked at, null is the same as missing, words are compared in lower case. What is there
and of a wrong type is never guessed at: ``WebhookInvalid`` names its path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_datetime

from django_digitalstore.core.money import CURRENCIES
from django_digitalstore.payments.exceptions import WebhookInvalid

__all__ = ["Reader"]

_LONGEST = 200
_MOST = 2**53


class Reader:
    """Reads the fields of one object that stands at ``path``."""

    def __init__(self, data: Any, path: str) -> None:
        if not isinstance(data, Mapping):
            raise WebhookInvalid(path, "must be an object.")
        self.data = data
        self.path = path

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def object(self, name: str) -> Reader:
        """Return the reader of an object; of an empty one where it is missing."""
        value = self.data.get(name)
        return Reader({} if value is None else value, self.at(name))

    def objects(self, name: str) -> Iterator[Reader]:
        """Yield the readers of a list's objects; none where the list is missing."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, list):
            raise WebhookInvalid(self.at(name), "must be a list.")
        for index, entry in enumerate(value or ()):
            yield Reader(entry, f"{self.at(name)}[{index}]")

    def reference(self, name: str) -> str:
        """Return an id of Dodo's, which must be there."""
        value = self.optional_reference(name)
        if not value:
            raise WebhookInvalid(self.at(name), "must be an id of 1 to 200 characters.")
        return value

    def optional_reference(self, name: str) -> str:
        """Return an id of Dodo's; empty where it is missing."""
        value = self.data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > _LONGEST or not _storable(value):
            raise WebhookInvalid(self.at(name), "must be an id of 1 to 200 characters.")
        return value

    def word(self, name: str) -> str:
        """Return a word of an enumeration in lower case; empty where it is missing."""
        value = self.data.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise WebhookInvalid(self.at(name), "must be a word.")
        return value.strip().lower()

    def words(self, name: str) -> str:
        """Return a text for people; whatever it is, it can be stored."""
        value = self.data.get(name)
        if not isinstance(value, str):
            return ""
        return "".join(c if _storable(c) else "�" for c in value).strip()

    def flag(self, name: str) -> bool | None:
        """Return a yes or no; None where it is missing."""
        value = self.data.get(name)
        if value is not None and not isinstance(value, bool):
            raise WebhookInvalid(self.at(name), "must be true or false.")
        return value

    def amount(self, name: str) -> int:
        """Return an amount in minor units, which must be there."""
        value = self.optional_amount(name)
        if value is None:
            raise WebhookInvalid(self.at(name), "must be an amount in minor units.")
        return value

    def optional_amount(self, name: str) -> int | None:
        """Return an amount in minor units; None where it is missing."""
        value = self.data.get(name)
        if value is None:
            return None
        number = _number(value)
        if number is None or number != int(number) or not 0 <= number < _MOST:
            raise WebhookInvalid(self.at(name), "must be an amount in minor units.")
        return int(number)

    def quantity(self, name: str) -> int:
        """Return how many; one where it is missing."""
        value = self.optional_amount(name)
        return 1 if value is None else value

    def currency(self, name: str) -> str:
        """Return a currency, which must be there."""
        value = self.optional_currency(name)
        if not value:
            raise WebhookInvalid(self.at(name), "must be an ISO 4217 code such as 'EUR'.")
        return value

    def optional_currency(self, name: str) -> str:
        """Return a currency; empty where it is missing."""
        value = self.word(name).upper()
        if value and value not in CURRENCIES:
            raise WebhookInvalid(self.at(name), "must be an ISO 4217 code such as 'EUR'.")
        return value

    def time(self, name: str) -> datetime | None:
        """Return a time; None where it is missing. Without a zone, Dodo means UTC."""
        value = self.data.get(name)
        if value is None:
            return None
        try:
            parsed = parse_datetime(value) if isinstance(value, str) else None
            if parsed is not None:
                aware = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
                return aware.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # no such day, or a zone that leads out of what a datetime holds
        raise WebhookInvalid(self.at(name), "must be a time (ISO 8601).")


def _number(value: Any) -> Decimal | None:
    """Return a number; Dodo writes amounts of disputes as texts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(value if isinstance(value, int) else str(value).strip())
    except InvalidOperation:
        return None
    # A huge exponent is a number too, and int() of it would take all memory.
    return number if number.is_finite() and number.adjusted() < 20 else None


def _storable(text: str) -> bool:
    """Tell whether a database takes a text: neither NUL nor half a surrogate pair."""
    return not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in text)
