"""The rollup: the only writer of the daily figures. All of it is derived, and can be made again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db.models import Max, Min, Q, QuerySet
from django.utils import timezone

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core import locks
from django_digitalstore.core.flow import flow
from django_digitalstore.payments import (
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_refund_model,
)

from . import books
from .books import COUNTED, batched
from .days import Range, day_of, spans_of
from .exceptions import NotRolledUp
from .models import ALL, DailyFigures, RollupState
from .revenue import LineRow, OrderRow

__all__ = ["Difference", "RolledUp", "find_differences", "roll_up"]

#: Days that are counted together and written in one transaction.
_SPAN = 31
_BATCH = 1000
_LOCK = "analytics.rollup"


class _Slice(NamedTuple):
    """Of what a row is, as its columns say."""

    seller_key: str
    product_key: str
    country: str
    currency: str
    day: date

    def __str__(self) -> str:
        whose = {ALL: "the whole site", "": "the site's own products"}.get(
            self.seller_key, f"seller {self.seller_key}"
        )
        of = "" if self.product_key == ALL else f", product {self.product_key}"
        where = "" if self.country == ALL else f", country {self.country or 'unknown'}"
        return f"{self.day} {self.currency}, {whose}{of}{where}"


@dataclass(frozen=True, slots=True)
class RolledUp:
    """What a rollup did: the days that it looked at, and the rows that it wrote or removed."""

    days: int = 0
    written: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the facts say."""

    day: date
    row: str
    problem: str

    def __str__(self) -> str:
        return f"{self.row} – {self.problem}"


Tell = Callable[[Range], None]


@flow(atomic=False)
def roll_up(*, since: date | None = None, tell: Tell | None = None) -> RolledUp:
    """Bring the daily figures up to date with the facts.

    Without ``since`` the days of which facts changed since the last time, found by the orders'
    ``updated_at``; all of them the first time, and where ``TIME_ZONE`` is another one. With it,
    every day from then on, whatever changed. ``tell`` hears of each span of days before it is
    counted. Any number may run at once; transactions of at most 31 days, no network.
    """
    now = timezone.now()
    state = RollupState.objects.first()
    if state is None or state.time_zone != settings.TIME_ZONE:
        days: Iterable[date] = _all_days()
    elif since is None:
        days = _changed_days(state)
    else:
        days = {day for day in _all_days() if day >= since} | _changed_days(state)
    done = RolledUp()
    for span in spans_of(days, longest=_SPAN):
        if tell is not None:
            tell(span)
        written, removed = _rebuild(span)
        done = RolledUp(done.days + len(span), done.written + written, done.removed + removed)
    _remember(now)
    return done


def find_differences(
    *, since: date | None = None, tell: Tell | None = None
) -> Iterator[Difference]:
    """Yield each row that is not what the facts say, or is missing. Reads only.

    Days of which facts changed since the last rollup are left out, also those that change while it
    compares: they are not rolled up yet.
    Raises ``NotRolledUp`` where nothing is, or for another time zone only.
    """
    state = RollupState.objects.first()
    if state is None or state.time_zone != settings.TIME_ZONE:
        raise NotRolledUp(
            f"There are no figures by day in the time zone {settings.TIME_ZONE} yet. Run "
            f"manage.py digitalstore_rollup; until then all figures are counted from the facts."
        )
    waiting = _changed_days(state)
    days = [day for day in _all_days() if (since is None or day >= since) and day not in waiting]
    for span in spans_of(days, longest=_SPAN):
        if tell is not None:
            tell(span)
        if found := list(_differences(span)):
            # A sale may have come between the two that were compared.
            waiting = _changed_days(state)
            yield from (difference for difference in found if difference.day not in waiting)


def _differences(span: Range) -> Iterator[Difference]:
    counted, stored = _counted(span), _stored(span)
    for key in sorted(counted.keys() | stored.keys(), key=lambda key: (key.day, key)):
        if key not in stored:
            yield Difference(
                key.day, str(key), f"is missing; the facts say {_in_words(counted[key])}"
            )
        elif key not in counted:
            yield Difference(key.day, str(key), "is superfluous; the facts say nothing of it")
        elif (found := stored[key][1]) != counted[key]:
            wrong = [
                f"{name} is {has}, the facts say {says}"
                for name, has, says in zip(COUNTED, found, counted[key], strict=True)
                if has != says
            ]
            yield Difference(key.day, str(key), "; ".join(wrong))


def _in_words(numbers: tuple[int, ...]) -> str:
    return ", ".join(f"{name} {number}" for name, number in zip(COUNTED, numbers, strict=True))


# --- which days ---------------------------------------------------------------------------------


def _all_days() -> Iterable[date]:
    """Return all days from the first fact, or row, to the last."""
    ends: list[date] = []
    orders = get_order_model().objects.aggregate(Min("placed_at"), Max("placed_at"), Max("paid_at"))
    moments = list(orders.values())
    for model in (get_refund_model(), get_dispute_model()):
        facts = model.objects.exclude(payment=None)
        moments += facts.aggregate(Min("state_at"), Max("state_at")).values()
    ends += [day_of(at) for at in moments if at is not None]
    rows = DailyFigures.objects.aggregate(Min("day"), Max("day"))
    ends += [day for day in rows.values() if day is not None]
    return Range(min(ends), max(ends)) if ends else ()


def _changed_days(state: RollupState) -> set[date]:
    """Return the days that are to be counted again."""
    changed = books.orders_changed_after(state.changed_after)
    days = books.days_of_orders(changed)
    if days:
        days |= _days_left_behind(changed, min(days))
    return days | _days_of_moved_products(state)


def _days_left_behind(orders: QuerySet[Any], since: date) -> set[date]:
    """Return where the rollup may hold a refund, or a lost dispute, that is of another day now.

    A fact has the time of its latest state only. Before, it can have counted nowhere but where
    something of the same products was refunded.
    """
    returned = [
        model.objects.filter(payment__order__in=orders.values("pk")).order_by()
        for model in (get_refund_model(), get_dispute_model())
    ]
    keys = {key for facts in returned for key in facts.values_list("payment__order_id", flat=True)}
    days: set[date] = set()
    for some in batched(sorted(keys)):
        lines = get_order_line_model().objects.filter(order__in=some).order_by()
        products = {str(key) for key in lines.values_list("product_id", flat=True)}
        rows = DailyFigures.objects.filter(product_key__in=products, refunded__gt=0)
        days.update(rows.filter(day__gte=since).order_by().values_list("day", flat=True))
    return days


def _days_of_moved_products(state: RollupState) -> set[date]:
    """Return the days of products that belong to another seller than when they were rolled up."""
    edited = get_product_model()._default_manager.filter(updated_at__gt=state.changed_after)
    days: set[date] = set()
    for key, seller in edited.order_by().values_list("pk", "seller_id"):
        rows = DailyFigures.objects.filter(product_key=str(key))
        theirs = "" if seller is None else str(seller)
        days.update(rows.exclude(seller_key=theirs).order_by().values_list("day", flat=True))
    return days


# --- counting and writing -----------------------------------------------------------------------


def _slices(order: OrderRow, line: LineRow) -> tuple[tuple[str, str, str], ...]:
    """Return the rows in which a line counts: see ``figures``, which reads them."""
    return (
        (ALL, ALL, ALL),
        (ALL, ALL, order.country),
        (line.seller, ALL, ALL),
        (line.seller, ALL, order.country),
        (line.seller, line.product, ALL),
    )


def _counted(span: Range) -> dict[_Slice, tuple[int, ...]]:
    found = books.count(
        books.read_books(books.order_keys_of_days(span)), days=span, groups_of=_slices
    )
    return {
        _Slice(*cast("tuple[str, str, str]", group), currency, day): counts.as_tuple()
        for (group, currency, day), counts in found.items()
    }


def _stored(span: Range) -> dict[_Slice, tuple[Any, tuple[int, ...]]]:
    rows = DailyFigures.objects.filter(day__range=(span.first, span.last)).order_by()
    return {
        _Slice(*values[:5]): (values[11], values[5:11])
        for values in rows.values_list(*_Slice._fields, *COUNTED, "pk")
    }


@flow
def _rebuild(span: Range) -> tuple[int, int]:
    """Make the rows of ``span`` what the facts say; return how many were written and removed."""
    # What another rollup counted before a fact came must not be written over what saw it.
    locks.take(_LOCK)
    counted, stored = _counted(span), _stored(span)
    outdated = [pk for key, (pk, found) in stored.items() if counted.get(key) != found]
    new = [
        DailyFigures(**key._asdict(), **dict(zip(COUNTED, numbers, strict=True)))
        for key, numbers in counted.items()
        if key not in stored or stored[key][1] != numbers
    ]
    for some in batched(outdated):
        DailyFigures.objects.filter(pk__in=some).delete()
    DailyFigures.objects.bulk_create(new, batch_size=_BATCH)
    return len(new), sum(key not in counted for key in stored)


@flow
def _remember(now: datetime) -> None:
    """Note that what changed before ``now`` is rolled up; never go back to an earlier moment."""
    zone = settings.TIME_ZONE
    known = RollupState.objects.filter(Q(rolled_up_to__lt=now) | ~Q(time_zone=zone), pk=1)
    if not known.update(rolled_up_to=now, time_zone=zone):
        locks.take(_LOCK)  # two may be the first
        if not RollupState.objects.exists():
            RollupState.objects.create(pk=1, rolled_up_to=now, time_zone=zone)
