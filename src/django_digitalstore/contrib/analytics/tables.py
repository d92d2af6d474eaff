"""The tables that can be taken along as CSV: their columns, and their rows as exact numbers."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django_digitalstore.core.money import CURRENCIES, to_major

from . import figures
from .exports import Cell
from .figures import Figures
from .reports import Query, Report

__all__ = ["TABLES", "Table", "last_of"]

_FIGURES = (
    "currency",
    "orders",
    "units",
    "gross",
    "refunded",
    "net",
    "average_order",
    "checkouts",
    "paid_checkouts",
)


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name in addresses and names of files, its header, and its rows."""

    name: str
    header: Sequence[str]
    rows: Callable[[Query, Report], Iterator[Sequence[Cell]]]


def last_of(query: Query, report: Report, index: int) -> date:
    """Return the last day of a period: the one before the next begins, or the last of all."""
    if index + 1 < len(report.points):
        following = report.points[index + 1].start
        return date.fromordinal(following.toordinal() - 1)
    return query.span.last


def _figures(found: Figures) -> tuple[Cell, ...]:
    def amount(minor: int) -> Decimal:
        # What a provider sent in a currency that nobody knows stays in its minor units.
        known = found.currency in CURRENCIES
        return to_major(minor, found.currency) if known else Decimal(minor)

    return (
        found.currency,
        found.orders,
        found.units,
        amount(found.gross),
        amount(found.refunded),
        amount(found.net),
        amount(found.average_order),
        found.checkouts,
        found.paid_checkouts,
    )


def _periods(query: Query, report: Report) -> Iterator[Sequence[Cell]]:
    for index, point in enumerate(report.points):
        first = max(point.start, query.span.first)
        yield first, last_of(query, report, index), *_figures(point.figures)


def _products(query: Query, report: Report) -> Iterator[Sequence[Cell]]:
    scope = query.scope(report.currency)
    for row in figures.top_products(scope, query.span, limit=sys.maxsize):
        yield row.product_key, row.title, *_figures(row.figures)


def _countries(query: Query, report: Report) -> Iterator[Sequence[Cell]]:
    for row in figures.by_country(query.scope(report.currency), query.span):
        yield row.country, *_figures(row.figures)


#: Name → table.
TABLES: Final[dict[str, Table]] = {
    table.name: table
    for table in (
        Table("periods", ("first_day", "last_day", *_FIGURES), _periods),
        Table("products", ("product", "title", *_FIGURES), _products),
        Table("countries", ("country", *_FIGURES), _countries),
    )
}
