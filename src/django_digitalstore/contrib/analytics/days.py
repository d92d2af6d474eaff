"""Days of the site's time zone, spans of them, and the periods of a chart."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

__all__ = ["Period", "Range", "day_of", "spans_of"]

_DAY = timedelta(days=1)


def day_of(at: datetime) -> date:
    """Return the day of ``settings.TIME_ZONE`` on which something happened."""
    return at.astimezone(timezone.get_default_timezone()).date()


class Period(enum.StrEnum):
    """What one point of a series is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def start_of(self, day: date) -> date:
        """Return the first day of the period that ``day`` is in; weeks begin on Monday."""
        if self is Period.WEEK:
            return day - timedelta(days=day.weekday())
        return day.replace(day=1) if self is Period.MONTH else day


@dataclass(frozen=True, slots=True)
class Range:
    """Days of the site's time zone, from ``first`` to ``last``, both included.

    Raises ``ValueError`` where ``last`` comes before ``first``.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(
                f"Range({self.first}, {self.last}) ends before it begins – write "
                f"Range({self.last}, {self.first})."
            )

    def __iter__(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.first <= day <= self.last

    @classmethod
    def latest(cls, days: int, *, until: date | None = None) -> Range:
        """Return the last ``days`` days, with today."""
        last = day_of(timezone.now()) if until is None else until
        return cls(last - timedelta(days=days - 1), last)

    def previous(self) -> Range:
        """Return as many days right before these, to compare with."""
        return Range(self.first - timedelta(days=len(self)), self.first - _DAY)

    def moments(self) -> tuple[datetime, datetime]:
        """Return when it begins, and when the first moment after it is.

        A day is as long as the time zone makes it: 23 hours in spring, 25 in autumn.
        """
        zone = timezone.get_default_timezone()
        return (
            datetime.combine(self.first, time.min, zone),
            datetime.combine(self.last + _DAY, time.min, zone),
        )


def spans_of(days: Iterable[date], *, longest: int) -> Iterator[Range]:
    """Yield ``days`` as ranges without a gap, oldest first, each of at most ``longest`` days."""
    first = last = None
    for day in sorted(set(days)):
        if first is not None and last is not None:
            if day - last == _DAY and (day - first).days < longest:
                last = day
                continue
            yield Range(first, last)
        first = last = day
    if first is not None and last is not None:
        yield Range(first, last)
