"""What was sold: the one query layer under dashboards, exports and a host's own pages.

Figures come from the daily rollup; days of which facts changed since it was made are counted from
the facts themselves, and all of them where there is no rollup. So they are right at every moment,
and fast once ``manage.py digitalstore_run_due`` runs; what a product sold before it changed hands
follows it with the next rollup. Nothing here asks for permission: give the scope of a seller to
that seller, and the whole site to staff.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar, cast

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Count, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import get_download_model
from django_digitalstore.payments import get_order_line_model, get_order_model

from . import books
from .books import COUNTED, Counts
from .days import Period, Range
from .exceptions import CurrenciesDiffer
from .models import ALL, DailyFigures, RollupState
from .revenue import LineRow, OrderBook, OrderRow

__all__ = [
    "CountryFigures",
    "Figures",
    "Period",
    "Point",
    "ProductFigures",
    "Range",
    "ReleaseDownloads",
    "Scope",
    "SupportLoad",
    "at_one_moment",
    "by_country",
    "currencies",
    "downloads_per_release",
    "series",
    "series_of",
    "support_load",
    "top_products",
    "totals",
]

T = TypeVar("T")

#: What was read in the block of ``at_one_moment()``.
_moment: ContextVar[dict[Any, Any] | None] = ContextVar("analytics_moment", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Of what the figures are: all filters hold together.

    ``seller`` is a user whose products count, and no others; None is the whole site, for staff.
    ``product_key`` is a product's primary key as text, ``country`` the code that the buyer chose
    ("" where nobody told one); None does not filter. ``currency`` is that of the orders.
    """

    currency: str
    seller: Any = None
    product_key: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was sold in one currency; amounts in its minor units, without tax.

    ``orders`` were paid, with ``units`` of what they bought, and brought ``gross``; ``refunded``
    went back by refunds and lost disputes. ``checkouts`` were placed, and ``paid_checkouts`` of
    these were paid, then or later.
    """

    currency: str
    orders: int = 0
    units: int = 0
    gross: int = 0
    refunded: int = 0
    checkouts: int = 0
    paid_checkouts: int = 0

    @property
    def net(self) -> int:
        """Return what is left after refunds; less than nothing where more went back than came."""
        return self.gross - self.refunded

    @property
    def average_order(self) -> int:
        """Return what a paid order brought, in whole minor units; 0 without one."""
        return (2 * self.gross + self.orders) // (2 * self.orders) if self.orders else 0

    @property
    def conversion(self) -> float | None:
        """Return which part of the checkouts was paid, from 0 to 1; None without one."""
        return self.paid_checkouts / self.checkouts if self.checkouts else None

    def __add__(self, other: Figures) -> Figures:
        """Add figures of the same currency. Raises ``CurrenciesDiffer``."""
        if other.currency != self.currency:
            raise CurrenciesDiffer(
                f"Figures in {self.currency} and {other.currency} cannot be added – show each "
                f"currency for itself: figures.currencies(scope, range) names them."
            )
        added = {name: getattr(self, name) + getattr(other, name) for name in COUNTED}
        return Figures(currency=self.currency, **added)


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of a period that begins on ``start``."""

    start: date
    figures: Figures


@dataclass(frozen=True, slots=True)
class ProductFigures:
    """The figures of a product; ``title`` is as it is now."""

    product_key: str
    title: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class CountryFigures:
    """The figures of the orders from a country; "" is one that nobody told."""

    country: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class ReleaseDownloads:
    """How often the files of a product's version went to owners."""

    product_key: str
    title: str
    version: str
    downloads: int


@dataclass(frozen=True, slots=True)
class SupportLoad:
    """How much help a product takes: requests ``opened`` and ``resolved`` in the days asked about.

    ``waiting`` for an answer, and ``overdue`` among these, are as of now.
    """

    product_key: str
    title: str
    opened: int
    resolved: int
    waiting: int
    overdue: int


# --- questions ----------------------------------------------------------------------------------


@contextmanager
def at_one_moment() -> Iterator[None]:
    """Let all questions of the block see the facts as the first one found them.

    For a page of many figures: what changed since the rollup is then looked for once.
    """
    token = _moment.set({})
    try:
        yield
    finally:
        _moment.reset(token)


def totals(scope: Scope, span: Range) -> Figures:
    """Return the figures of all days of ``span`` together."""
    total = Counts()
    for counts in _by_day(scope, span).values():
        total.add(counts)
    return _figures(scope.currency, total)


def series(scope: Scope, span: Range, period: Period = Period.DAY) -> list[Point]:
    """Return the figures of each period that ``span`` touches, oldest first, without a gap.

    A week begins on Monday. Of the first and the last one, only days of ``span`` count.
    """
    points = {period.start_of(day): Counts() for day in span}
    for day, counts in _by_day(scope, span).items():
        points[period.start_of(day)].add(counts)
    return [Point(start, _figures(scope.currency, counts)) for start, counts in points.items()]


def series_of(scope: Scope, span: Range, starts: Sequence[date]) -> list[Point]:
    """Return the figures of ``span`` in steps of your own, which begin on ``starts``.

    These are sorted, and begin with the first day of ``span``; the last step ends with it.
    """
    points = {start: Counts() for start in starts if start in span}
    for day, counts in _by_day(scope, span).items():
        points[starts[bisect_right(starts, day) - 1]].add(counts)
    return [Point(start, _figures(scope.currency, counts)) for start, counts in points.items()]


def top_products(scope: Scope, span: Range, limit: int = 10) -> list[ProductFigures]:
    """Return the products that brought most after refunds, the best first. One query for titles."""
    found = _grouped(scope, span, "product_key")
    best = sorted(found, key=lambda key: (found[key].refunded - found[key].gross, key))[:limit]
    titles = {
        str(product.pk): str(product)
        for product in get_product_model()._default_manager.filter(pk__in=best)
    }
    return [
        ProductFigures(key, titles.get(key, ""), _figures(scope.currency, found[key]))
        for key in best
    ]


def by_country(scope: Scope, span: Range) -> list[CountryFigures]:
    """Return the figures of each country that the orders came from, the best first."""
    found = _grouped(scope, span, "country")
    best = sorted(found, key=lambda key: (found[key].refunded - found[key].gross, key))
    return [CountryFigures(key, _figures(scope.currency, found[key])) for key in best]


def currencies(scope: Scope, span: Range) -> list[str]:
    """Return the currencies in which anything counts in ``span``; that of ``scope`` is not asked.

    Sorted by what was ordered most often, so that the first is the one to begin with.
    """
    found: dict[str, int] = {}
    rollup = _rollup_of(scope)
    dirty = _dirty_days(scope, span, has_rollup=rollup is not None)
    if rollup is not None and dirty is not None:
        rows = rollup.filter(day__range=(span.first, span.last)).exclude(day__in=dirty)
        of_rows = rows.order_by().values_list("currency").annotate(Sum("orders"))
        found.update({currency: orders or 0 for currency, orders in of_rows})
    for (_group, currency, _day), counts in _count(scope, span, dirty).items():
        found[currency] = found.get(currency, 0) + counts.orders
    return sorted(found, key=lambda currency: (-found[currency], currency))


def downloads_per_release(
    scope: Scope, span: Range, limit: int | None = None
) -> list[ReleaseDownloads]:
    """Return how often each version was downloaded by owners, most often first. One query.

    The currency and country of ``scope`` say nothing about downloads, and are not asked.
    """
    since, until = span.moments()
    downloads = get_download_model()._default_manager.filter(at__gte=since, at__lt=until).served()
    if scope.seller is not None:
        downloads = downloads.of_seller(scope.seller)
    if scope.product_key is not None:
        downloads = downloads.filter(product__in=_product_of(scope))
    rows = downloads.order_by().values_list("product_id", "product__title", "version")
    counted = rows.annotate(number=Count("pk")).order_by("-number", "product__title", "version")
    return [
        ReleaseDownloads(str(key), title, version, number)
        for key, title, version, number in counted[:limit]
    ]


def support_load(scope: Scope, span: Range, limit: int | None = None) -> list[SupportLoad]:
    """Return how much help each product takes, the most first; nothing without the support.

    One query. The currency and country of ``scope`` say nothing about help, and are not asked.
    """
    if not apps.is_installed("django_digitalstore.support"):
        return []
    from django_digitalstore.support import get_support_request_model
    from django_digitalstore.support.choices import RequestState

    since, until = span.moments()
    requests: Any = get_support_request_model()._default_manager.all()
    if scope.seller is not None:
        requests = requests.of_seller(scope.seller)
    if scope.product_key is not None:
        requests = requests.filter(product__in=_product_of(scope))
    opened = Q(opened_at__gte=since, opened_at__lt=until)
    resolved = Q(resolved_at__gte=since, resolved_at__lt=until)
    waiting = Q(state__in=[RequestState.OPEN, RequestState.WAITING_SELLER])
    rows = requests.filter(opened | resolved | waiting).order_by()
    counted = (
        rows.values_list("product_id", "product__title")
        .annotate(
            opened=Count("pk", filter=opened),
            resolved=Count("pk", filter=resolved),
            waiting=Count("pk", filter=waiting),
            overdue=Count("pk", filter=waiting & Q(due_at__lt=timezone.now())),
        )
        .order_by("-opened", "-waiting", "product__title")
    )
    return [SupportLoad(str(key), *values) for key, *values in counted[:limit]]


# --- how ----------------------------------------------------------------------------------------


def _figures(currency: str, counts: Counts) -> Figures:
    return Figures(currency=currency, **dict(zip(COUNTED, counts.as_tuple(), strict=True)))


def _by_day(scope: Scope, span: Range) -> dict[date, Counts]:
    rollup = _rollup_of(scope)
    dirty = _dirty_days(scope, span, has_rollup=rollup is not None)
    found: dict[date, Counts] = {}
    if rollup is not None and dirty is not None:
        rows = rollup.filter(currency=scope.currency, day__range=(span.first, span.last))
        for day, *numbers in rows.order_by().values_list("day", *COUNTED):
            if day in dirty:
                continue
            if day in found:
                found[day].add(Counts(*numbers))
            else:
                found[day] = Counts(*numbers)
    for (_group, currency, day), counts in _count(scope, span, dirty).items():
        if currency == scope.currency:
            found[day] = counts
    return found


def _grouped(scope: Scope, span: Range, column: str) -> dict[str, Counts]:
    """Return the figures of ``span`` by product or by country."""
    rollup = _rollup_of(scope, by=column)
    dirty = _dirty_days(scope, span, has_rollup=rollup is not None)
    found: dict[str, Counts] = {}
    if rollup is not None and dirty is not None:
        rows = rollup.filter(currency=scope.currency, day__range=(span.first, span.last))
        sums = {f"sum_{name}": Sum(name) for name in COUNTED}
        summed = rows.exclude(day__in=dirty).order_by().values(column).annotate(**sums)
        for key, *numbers in summed.values_list(column, *sums):
            found[key] = Counts(*numbers)
    for (key, currency, _day), counts in _count(scope, span, dirty, by=column).items():
        if currency == scope.currency:
            found.setdefault(str(key), Counts()).add(counts)
    return found


def _rollup_of(scope: Scope, by: str = "") -> QuerySet[DailyFigures] | None:
    """Return the rows of the rollup that hold ``scope``, of any currency; None without such rows.

    There are rows of the site and of each seller, for all countries and for each, and of each
    product for all: what is asked of a product in a country is counted from the facts.
    """
    has_country = scope.country is not None or by == "country"
    has_product = scope.product_key is not None or by == "product_key"
    if has_country and has_product:
        return None
    rows = DailyFigures.objects.all()
    if scope.seller is not None:
        rows = rows.filter(seller_key=str(scope.seller.pk))
    elif not has_product:
        rows = rows.filter(seller_key=ALL)
    if scope.product_key is not None:
        rows = rows.filter(product_key=scope.product_key)
    elif has_product:
        rows = rows.exclude(product_key=ALL)
    else:
        rows = rows.filter(product_key=ALL)
    if scope.country is not None:
        return rows.filter(country=scope.country)
    return rows.exclude(country=ALL) if has_country else rows.filter(country=ALL)


def _orders_of(scope: Scope) -> QuerySet[Any]:
    """Return the orders that hold anything of ``scope``, in any currency."""
    orders = get_order_model().objects.all()
    if scope.country is not None:
        orders = orders.filter(country=scope.country)
    if scope.seller is None and scope.product_key is None:
        return orders
    lines = get_order_line_model().objects.order_by()
    if scope.seller is not None:
        lines = lines.filter(product__seller=scope.seller)
    if scope.product_key is not None:
        lines = lines.filter(product__in=_product_of(scope))
    return orders.filter(pk__in=lines.values("order_id"))


def _product_of(scope: Scope) -> list[Any]:
    """Return the key of the scope's product as its model has it; nothing where it can be none."""
    try:
        return [get_product_model()._meta.pk.to_python(scope.product_key)]
    except ValidationError:
        return []


def _state() -> Any:
    """Return how far the rollup is, with the ``last_change`` of any order; None without one.

    One query: mostly nothing changed since, and then that is all that has to be known.
    """
    latest = get_order_model().objects.order_by("-updated_at").values("updated_at")[:1]
    return RollupState.objects.annotate(last_change=Subquery(latest)).first()


def _dirty_days(scope: Scope, span: Range, *, has_rollup: bool) -> set[date] | None:
    """Return the days of ``span`` of which facts changed since the rollup; None for all of them."""
    state = _once("state", _state) if has_rollup else None
    if state is None or state.time_zone != settings.TIME_ZONE:
        return None
    if state.last_change is None or state.last_change <= state.changed_after:
        return set()

    def days_that_changed() -> set[date]:
        return books.days_of_orders(_orders_of(scope).filter(updated_at__gt=state.changed_after))

    days = _once(("changed", *_key_of(scope)), days_that_changed)
    return {day for day in days if day in span}


def _count(
    scope: Scope, span: Range, days: set[date] | None, by: str = ""
) -> dict[tuple[Any, str, date], Counts]:
    """Count ``days``, or all of ``span``, from the facts."""
    if days is not None and not days:
        return {}
    wanted = frozenset(span) if days is None else frozenset(days)
    seller = None if scope.seller is None else str(scope.seller.pk)

    def groups_of(order: OrderRow, line: LineRow) -> Iterable[Any]:
        if seller is not None and line.seller != seller:
            return ()
        if scope.product_key is not None and line.product != scope.product_key:
            return ()
        return ({"product_key": line.product, "country": order.country}.get(by),)

    def read() -> Iterator[OrderBook]:
        return books.read_books(books.order_keys_of_days(wanted, _orders_of(scope)))

    # Of a large site without a rollup, all orders are too many to be kept.
    found = read() if days is None else _once(("books", *_key_of(scope), wanted), lambda: [*read()])
    return books.count(found, days=wanted, groups_of=groups_of)


def _key_of(scope: Scope) -> tuple[Any, ...]:
    """Return what tells scopes apart, whatever their currency."""
    seller = None if scope.seller is None else scope.seller.pk
    return (seller, scope.product_key, scope.country)


def _once(key: Any, ask: Callable[[], T]) -> T:
    """Return the answer; within ``at_one_moment()`` it is asked for once."""
    known = _moment.get()
    if known is None:
        return ask()
    if key not in known:
        known[key] = ask()
    return cast("T", known[key])
