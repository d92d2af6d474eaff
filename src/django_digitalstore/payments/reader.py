"""Reads what a provider sent: every field by its path, nothing taken for granted.

A message is authentic and may still be wrong. Each ``Reader`` method returns a value that the
database and the rules can take, or raises ``WebhookInvalid`` with the path of the field.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from django.utils.dateparse import parse_datetime

from django_digitalstore.core.money import CURRENCIES

from .exceptions import WebhookInvalid

__all__ = ["Reader"]

_LARGEST = 2**53  # beyond it JSON's numbers lose their last digits


class Reader:
    """Reads the fields of one JSON object that stands at ``path`` of a body."""

    def __init__(self, data: Mapping[str, Any], path: str = "") -> None:
        self.data = data
        self.path = path

    def at(self, name: str) -> str:
        """Return the path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Tell whether the field is there and not null."""
        return self.data.get(name) is not None

    def object(self, name: str) -> Self:
        """Return a reader of an object."""
        value = self.data.get(name)
        if not isinstance(value, Mapping):
            raise WebhookInvalid(self.at(name), "must be an object.")
        return type(self)(value, self.at(name))

    def objects(self, name: str) -> Iterator[Self]:
        """Yield a reader of each object in a list; of none where the list is null or missing."""
        value = self.data.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise WebhookInvalid(self.at(name), "must be a list.")
        for index, entry in enumerate(value):
            path = f"{self.at(name)}[{index}]"
            if not isinstance(entry, Mapping):
                raise WebhookInvalid(path, "must be an object.")
            yield type(self)(entry, path)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text of 1 to 200 characters; ``default`` where it is null or missing."""
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (not value and default is None) or len(value) > 200:
            raise WebhookInvalid(self.at(name), "must be a text of 1 to 200 characters.")
        # No database takes a NUL, and half a surrogate pair is no text in UTF-8.
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise WebhookInvalid(self.at(name), "must be a text that can be stored.")
        return value

    def currency(self, name: str) -> str:
        """Return an ISO 4217 code, in capital letters however it was written."""
        value = self.text(name).upper()
        if value not in CURRENCIES:
            raise WebhookInvalid(self.at(name), "must be an ISO 4217 code such as 'EUR'.")
        return value

    def amount(self, name: str, default: int | None = None) -> int:
        """Return an amount in minor units; ``default`` where it is null or missing."""
        value = self.data.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _LARGEST:
            raise WebhookInvalid(self.at(name), "must be an amount in minor units.")
        return value

    def time(self, name: str) -> datetime:
        """Return a time with a time zone, from ISO 8601, in UTC."""
        value = self.data.get(name)
        try:
            parsed = parse_datetime(value) if isinstance(value, str) else None
            if parsed is not None and parsed.tzinfo is not None:
                return parsed.astimezone(UTC)
        except (ValueError, OverflowError):
            pass  # no such day, or a time zone that leads out of what a datetime holds
        raise WebhookInvalid(self.at(name), "must be a time with a time zone (ISO 8601).")

    def unix_time(self, name: str) -> datetime:
        """Return a time from seconds since 1970, in UTC."""
        value = self.data.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            try:
                return datetime.fromtimestamp(value, UTC)
            except (ValueError, OverflowError, OSError):
                pass
        raise WebhookInvalid(self.at(name), "must be a time in seconds since 1970.")
