"""How a report reads: tiles, charts and rows, in the language and the numbers of the reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlencode

from babel import Locale
from babel.dates import format_date, format_interval, format_skeleton
from babel.numbers import format_compact_currency, format_compact_decimal, format_decimal
from babel.numbers import format_percent as babel_percent
from django.conf import settings
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from django_digitalstore.core.money import CURRENCIES, babel_locale, display_money, to_major
from django_digitalstore.payments.forms import country_choices

from .charts import Bar, bar_chart, share_bar, sparkline
from .figures import Figures, Period
from .reports import Query, Report
from .tables import last_of

__all__ = ["Chart", "Dashboard", "Row", "Tile"]

_NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Tile:
    """One number, large: what it was before, by how much it changed, and its run.

    ``trend`` is "up", "down" or "same"; ``tone`` says whether that is "good" or "bad".
    """

    name: str
    value: str
    before: str
    change: str
    trend: str
    tone: str
    spark: SafeString


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, and the table with the same numbers: header cells, rows, and the row of sums."""

    key: str
    title: str
    svg: SafeString
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    sums: Sequence[str]
    export_url: str

    @property
    def labelled_rows(self) -> list[list[tuple[str, str]]]:
        """Return the rows with the header of each cell, for screens on which it stands beside."""
        return [list(zip(self.header, row, strict=True)) for row in self.rows]

    @property
    def labelled_sums(self) -> list[tuple[str, str]]:
        """Return the sums with the header of each."""
        return list(zip(self.header, self.sums, strict=True))


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a ranking: its name, the same page kept to it, and its numbers."""

    name: str
    url: str
    cells: Sequence[str]
    bar: SafeString


class Dashboard:
    """What the template shows of a report. ``asked`` are the parameters of its own address."""

    def __init__(
        self, query: Query, report: Report, asked: Mapping[str, str], export_url: str = ""
    ) -> None:
        self.query = query
        self.report = report
        self.asked = asked
        self.export_url = export_url
        self._locale: Locale = babel_locale(get_language() or settings.LANGUAGE_CODE)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to show."""
        return self.report.is_empty

    @property
    def currency(self) -> str:
        """Return the currency of all that is shown."""
        return self.report.currency

    @cached_property
    def span(self) -> str:
        """Return the days that are shown, in words."""
        return self._days(self.query.span.first, self.query.span.last)

    @cached_property
    def before(self) -> str:
        """Return the days that they are compared with, in words."""
        return self._days(self.query.before.first, self.query.before.last)

    @cached_property
    def other_currencies(self) -> list[tuple[str, str]]:
        """Return (code, address) of the other currencies in which something was sold."""
        return [
            (code, self._url(currency=code))
            for code in self.report.currencies
            if code != self.report.currency
        ]

    @cached_property
    def tiles(self) -> list[Tile]:
        """Return the numbers of the whole span."""
        money, number = self._money, self._number
        return [
            self._tile(_("Net revenue"), lambda figures: figures.net, money),
            self._tile(_("Orders"), lambda figures: figures.orders, number),
            self._tile(_("Units"), lambda figures: figures.units, number),
            self._tile(
                _("Average order"),
                lambda figures: figures.average_order if figures.orders else None,
                money,
            ),
            self._tile(_("Refunded"), lambda figures: figures.refunded, money, more_is_good=False),
            self._tile(
                _("Paid checkouts"),
                # Per mille, so that what is drawn is a whole number too.
                lambda figures: (
                    None if figures.conversion is None else round(figures.conversion * 1000)
                ),
                lambda value: self._percent(value / 1000),
            ),
        ]

    @cached_property
    def charts(self) -> list[Chart]:
        """Return the charts over time."""
        return [self._revenue_chart(), self._orders_chart()]

    @cached_property
    def products(self) -> list[Row]:
        """Return the products that brought most."""
        largest = max((row.figures.net for row in self.report.products), default=0)
        return [
            Row(
                row.title or row.product_key,
                self._url(product=row.product_key),
                [
                    self._number(row.figures.units),
                    self._money(row.figures.refunded),
                    self._money(row.figures.net),
                ],
                share_bar(row.figures.net, largest),
            )
            for row in self.report.products
        ]

    @cached_property
    def countries(self) -> list[Row]:
        """Return the countries that brought most."""
        names = dict(country_choices())
        largest = max((row.figures.net for row in self.report.countries), default=0)
        return [
            Row(
                names.get(row.country, row.country) or _("Not told"),
                self._url(country=row.country) if row.country else "",
                [self._number(row.figures.orders), self._money(row.figures.net)],
                share_bar(row.figures.net, largest),
            )
            for row in self.report.countries
        ]

    @cached_property
    def releases(self) -> list[Row]:
        """Return the versions that were downloaded most often."""
        largest = max((row.downloads for row in self.report.releases), default=0)
        return [
            Row(
                f"{row.title} {row.version}".strip(),
                "",
                [self._number(row.downloads)],
                share_bar(row.downloads, largest),
            )
            for row in self.report.releases
        ]

    @cached_property
    def support(self) -> list[Row]:
        """Return the products that most help was asked for; none without the support."""
        largest = max((row.opened for row in self.report.support), default=0)
        return [
            Row(
                row.title,
                self._url(product=row.product_key),
                [self._number(n) for n in (row.opened, row.resolved, row.waiting, row.overdue)],
                share_bar(row.opened, largest),
            )
            for row in self.report.support
        ]

    def export_of(self, table: str) -> str:
        """Return the address of a table as a file; nothing where the page has none."""
        if not self.export_url:
            return ""
        return f"{self.export_url}?{urlencode({**self.asked, 'table': table})}"

    @property
    def products_csv(self) -> str:
        """Return the address of the table of products as a file."""
        return self.export_of("products")

    @property
    def countries_csv(self) -> str:
        """Return the address of the table of countries as a file."""
        return self.export_of("countries")

    # --- charts -----------------------------------------------------------------------------------

    def _revenue_chart(self) -> Chart:
        rows = [
            [
                name,
                self._money(now.gross),
                self._money(now.refunded),
                self._money(now.net),
                self._money(before.net) if before else None,
            ]
            for name, now, before in self._periods
        ]
        now, before = self.report.totals, self.report.totals_before
        return self._chart(
            "net-revenue",
            _("Net revenue"),
            lambda figures: figures.net,
            self._money,
            self._short_money,
            [_("Days"), _("Revenue"), _("Refunded"), _("Net revenue"), _("Before")],
            rows,
            [
                self._money(now.gross),
                self._money(now.refunded),
                self._money(now.net),
                self._money(before.net),
            ],
        )

    def _orders_chart(self) -> Chart:
        rows = [
            [
                name,
                self._number(now.checkouts),
                self._number(now.orders),
                self._number(now.units),
                self._number(before.orders) if before else None,
            ]
            for name, now, before in self._periods
        ]
        now, before = self.report.totals, self.report.totals_before
        return self._chart(
            "orders",
            _("Orders"),
            lambda figures: figures.orders,
            self._number,
            self._short_number,
            [_("Days"), _("Checkouts"), _("Orders"), _("Units"), _("Before")],
            rows,
            [self._number(n) for n in (now.checkouts, now.orders, now.units, before.orders)],
        )

    def _chart(
        self,
        key: str,
        title: str,
        value_of: Callable[[Figures], int],
        write: Callable[[int], str],
        write_short: Callable[[int], str],
        header: Sequence[str],
        rows: Sequence[Sequence[str | None]],
        sums: Sequence[str],
    ) -> Chart:
        bars = [
            Bar(
                label,
                value_of(now),
                self._said(name, value_of(now), value_of(before) if before else None, write),
                value_of(before) if before else None,
            )
            for label, (name, now, before) in zip(self._labels, self._periods, strict=True)
        ]
        best = max(bars, key=lambda bar: bar.value)
        description = _("%(span)s. Highest: %(best)s. Compared with %(before)s.") % {
            "span": self.span,
            "best": best.text,
            "before": self.before,
        }
        svg = bar_chart(
            bars, key=f"figures-{key}", title=title, description=description, axis=write_short
        )
        shown = [[cell or _NOTHING for cell in row] for row in rows]
        return Chart(
            key, title, svg, header, shown, [_("Together"), *sums], self.export_of("periods")
        )

    def _said(self, name: str, now: int, before: int | None, write: Callable[[int], str]) -> str:
        texts = {"name": name, "now": write(now)}
        if before is None:
            return _("%(name)s: %(now)s") % texts
        return _("%(name)s: %(now)s, before %(before)s") % {**texts, "before": write(before)}

    @cached_property
    def _periods(self) -> list[tuple[str, Figures, Figures | None]]:
        """Return each period's name and figures, and those that they are compared with."""
        earlier = [point.figures for point in self.report.points_before]
        return [
            (
                self._period_name(max(point.start, self.query.span.first), index),
                point.figures,
                earlier[index] if index < len(earlier) else None,
            )
            for index, point in enumerate(self.report.points)
        ]

    @cached_property
    def _labels(self) -> list[str]:
        """Return what stands below the bars."""
        by_month = self.query.period is Period.MONTH
        skeleton = "yMMM" if by_month else "MMMd"
        first = self.query.span.first
        return [
            str(format_skeleton(skeleton, max(point.start, first), locale=self._locale))
            for point in self.report.points
        ]

    def _period_name(self, first: date, index: int) -> str:
        if self.query.period is Period.DAY:
            return str(format_date(first, "medium", locale=self._locale))
        if self.query.period is Period.MONTH:
            return str(format_skeleton("yMMMM", first, locale=self._locale))
        return self._days(first, last_of(self.query, self.report, index))

    # --- tiles ------------------------------------------------------------------------------------

    def _tile(
        self,
        name: str,
        value_of: Callable[[Figures], int | None],
        write: Callable[[int], str],
        *,
        more_is_good: bool = True,
    ) -> Tile:
        now, before = value_of(self.report.totals), value_of(self.report.totals_before)
        figures = [point.figures for point in self.report.points]
        trend = "same"
        if now is not None and before is not None and now != before:
            trend = "up" if now > before else "down"
        return Tile(
            name=name,
            value=_NOTHING if now is None else write(now),
            before=_NOTHING if before is None else write(before),
            change=self._change(now, before),
            trend=trend,
            tone={"same": ""}.get(trend, "good" if (trend == "up") == more_is_good else "bad"),
            # A period without an order has no average: the line goes past it.
            spark=sparkline([n for n in map(value_of, figures) if n is not None]),
        )

    def _change(self, now: int | None, before: int | None) -> str:
        """Return by which part of what it was a number changed; nothing where that says nothing."""
        if now is None or before is None or now == before or before <= 0:
            return ""
        return self._percent(abs(now - before) / before)

    # --- words ------------------------------------------------------------------------------------

    def _url(self, **parameters: str) -> str:
        return f"?{urlencode({**self.asked, **parameters})}"

    def _days(self, first: date, last: date) -> str:
        return str(format_interval(first, last, "yMMMd", locale=self._locale))

    def _money(self, amount: int) -> str:
        return display_money(amount, self.report.currency)

    def _number(self, number: int) -> str:
        return str(format_decimal(number, locale=self._locale))

    def _percent(self, share: float) -> str:
        return str(babel_percent(share, locale=self._locale))

    def _short_number(self, number: int) -> str:
        return str(format_compact_decimal(number, locale=self._locale, fraction_digits=1))

    def _short_money(self, amount: int) -> str:
        currency = self.report.currency
        if currency not in CURRENCIES:
            return self._short_number(amount)
        major = to_major(amount, currency)
        if major and abs(major) < 1:
            return self._money(amount)
        return str(format_compact_currency(major, currency, locale=self._locale, fraction_digits=1))
