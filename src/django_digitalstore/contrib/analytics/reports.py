"""What a page of figures shows, counted in one go and kept in the shared cache for a minute."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist, ValidationError

import django_digitalstore
from django_digitalstore.catalog import get_product_model
from django_digitalstore.core import caching

from . import figures
from .figures import (
    CountryFigures,
    Figures,
    Period,
    Point,
    ProductFigures,
    Range,
    ReleaseDownloads,
    Scope,
    SupportLoad,
)

__all__ = ["NotOfSeller", "Query", "Report", "cached_report", "count_report"]

#: Rows of the tables of products, countries and versions.
_ROWS = 10
#: Products that the page offers to keep to; the others are reached from their names in the tables.
_OFFERED = 200


class NotOfSeller(ObjectDoesNotExist):
    """A product was asked for that is not there, or not the seller's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What is asked: of whom, which days, in which steps, compared with which days.

    ``seller`` is a user, None the whole site. Without ``currency`` the one of most orders is meant.
    """

    seller: Any
    span: Range
    before: Range
    period: Period
    product_key: str | None = None
    country: str | None = None
    currency: str | None = None

    def scope(self, currency: str) -> Scope:
        """Return of what the figures are, in this currency."""
        return Scope(
            currency=currency,
            seller=self.seller,
            product_key=self.product_key,
            country=self.country,
        )

    def key(self, counted_by: str) -> str:
        """Return the key of its answer in the cache: the same for the same question only."""
        parts = (
            # What another version has pickled may not be what this one reads.
            django_digitalstore.__version__,
            settings.TIME_ZONE,
            counted_by,
            "*" if self.seller is None else str(self.seller.pk),
            *(f"{span.first}:{span.last}" for span in (self.span, self.before)),
            self.period.value,
            *(
                "*" if part is None else f"={part}"
                for part in (self.product_key, self.country, self.currency)
            ),
        )
        # Whatever stands in an address becomes letters that every cache takes.
        return f"report:{hashlib.sha256(repr(parts).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The answer: all in one ``currency``, which is "" where nothing counts in any.

    ``points`` are the periods of the span, and ``points_before`` what each is compared with, but
    for the last ones where there were fewer days; ``releases`` are downloads, ``support`` is help
    that was asked for, where that is installed.
    ``offered`` are products to keep to (key, title), ``currencies`` all in which anything counts.
    """

    currency: str
    currencies: list[str]
    offered: list[tuple[str, str]]
    product: str
    points: list[Point]
    points_before: list[Point]
    products: list[ProductFigures]
    countries: list[CountryFigures]
    releases: list[ReleaseDownloads]
    support: list[SupportLoad]

    @property
    def totals(self) -> Figures:
        """Return the figures of the whole span."""
        return sum((point.figures for point in self.points), Figures(currency=self.currency))

    @property
    def totals_before(self) -> Figures:
        """Return the figures of the span that it is compared with."""
        return sum((point.figures for point in self.points_before), Figures(currency=self.currency))

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing happened, in both spans."""
        nothing = Figures(currency=self.currency)
        return self.totals == nothing == self.totals_before and not (self.releases or self.support)


@figures.at_one_moment()
def count_report(query: Query) -> Report:
    """Count what is asked, by a number of queries that doesn't grow with what was sold.

    Raises ``NotOfSeller`` for a product that is not the seller's.
    """
    product = _title_of(query) if query.product_key is not None else ""
    both = Range(min(query.before.first, query.span.first), query.span.last)
    currencies = figures.currencies(query.scope(""), both)
    currency = query.currency or (currencies[0] if currencies else "")
    scope = query.scope(currency)
    points = figures.series(scope, query.span, query.period)
    return Report(
        currency=currency,
        currencies=currencies,
        offered=[(str(p.pk), str(p)) for p in _products_of(query).order_by("title")[:_OFFERED]],
        product=product,
        points=points,
        points_before=_points_before(query, scope, points),
        products=figures.top_products(scope, query.span, limit=_ROWS),
        countries=figures.by_country(scope, query.span)[:_ROWS],
        releases=figures.downloads_per_release(scope, query.span, limit=_ROWS),
        support=figures.support_load(scope, query.span, limit=_ROWS),
    )


def _points_before(query: Query, scope: Scope, points: list[Point]) -> list[Point]:
    """Return the days before in steps to lay beside ``points``, all of them in some step.

    A month stands beside a month where both spans begin with one; otherwise as many days beside as
    many: the same days may touch five weeks here and six there.
    """
    first, before = query.span.first, query.before.first
    if query.period is Period.MONTH and first.day == before.day == 1:
        return figures.series(scope, query.before, query.period)
    starts = [before + (max(point.start, first) - first) for point in points]
    return figures.series_of(scope, query.before, starts)


def cached_report(query: Query, count: Callable[[Query], Report], counted_by: str) -> Report:
    """Return what ``count`` answers, at most ``DIGITALSTORE_ANALYTICS_TIMEOUT`` old.

    ``counted_by`` tells one way of counting from another. Without a cache it is counted each time.
    """
    cache = caching.shared()
    key = query.key(counted_by)
    found = cache.get(key)
    if isinstance(found, Report):
        return found
    report = count(query)
    timeout = int(settings.DIGITALSTORE_ANALYTICS_TIMEOUT.total_seconds())
    cache.set(key, report, timeout=timeout)
    return report


def _products_of(query: Query) -> Any:
    products: Any = get_product_model()._default_manager
    return products.all() if query.seller is None else products.of_seller(query.seller)


def _title_of(query: Query) -> str:
    key = query.product_key
    try:
        # No database takes a NUL, and PostgreSQL's driver raises for it.
        found = None if "\x00" in str(key) else _products_of(query).filter(pk=key).first()
    except (ValueError, ValidationError, OverflowError):
        found = None
    if found is None:
        raise NotOfSeller(f"There is no product {key!r} of theirs.")
    return str(found)
