"""The form above the figures: which days, in which steps, of what."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.money import CURRENCIES
from django_digitalstore.payments.forms import country_choices

from .days import day_of
from .figures import Period, Range

if TYPE_CHECKING:
    from .reports import Report

__all__ = ["LONGEST", "FiguresForm"]

#: Days of the longest range that a page shows.
LONGEST = 3 * 366
#: Days up to which a step is a day, and up to which it is a week, where nobody chose.
_BY_DAY = 92
_BY_WEEK = 2 * 366
#: Days of the longest range that is shown day by day.
_LONGEST_BY_DAY = 366
_LONGEST_KEY = 64
#: Before, nobody sold by this; and time zones cannot compute with the year 1.
_EARLIEST = dt.date(1970, 1, 1)
_DAY = dt.timedelta(days=1)


class FiguresForm(forms.Form):
    """Asks for the range (30 days where nothing is said), the steps, and what to keep to.

    Days are days of the site's time zone, and end today. ``first`` and ``last`` count only with
    ``range=own``, or where nothing else is said. Whether ``product`` is one of the seller's is for
    the view to say. ``offer()`` fills in what can be chosen, once that is known.
    """

    range = forms.ChoiceField(
        label=_("Range"),
        choices=[
            ("7", _("7 days")),
            ("30", _("30 days")),
            ("90", _("90 days")),
            ("month", _("This month")),
            ("year", _("This year")),
            ("own", _("Own dates")),
        ],
        widget=forms.RadioSelect,
    )
    first = forms.DateField(
        label=_("From"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        required=False,
    )
    last = forms.DateField(
        label=_("To"),
        widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        required=False,
    )
    period = forms.ChoiceField(
        label=_("Steps"),
        choices=[
            ("", _("As fits")),
            (Period.DAY.value, _("Days")),
            (Period.WEEK.value, _("Weeks")),
            (Period.MONTH.value, _("Months")),
        ],
        required=False,
    )
    # Hidden until it is known what can be chosen, so that what was chosen isn't lost.
    product = forms.CharField(
        label=_("Product"), widget=forms.HiddenInput, max_length=_LONGEST_KEY, required=False
    )
    country = forms.CharField(label=_("Country"), widget=forms.HiddenInput, required=False)
    currency = forms.CharField(label=_("Currency"), widget=forms.HiddenInput, required=False)

    def __init__(self, data: QueryDict, *, now: dt.datetime | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        self.today = day_of(now or timezone.now())
        super().__init__(self._completed(data), **kwargs)

    def _completed(self, data: QueryDict) -> QueryDict:
        """Return what was asked with what was left out, so that the page shows it chosen."""
        data = data.copy()
        if not data.get("range"):
            data["range"] = "own" if data.get("first") or data.get("last") else "30"
        if data["range"] != "own":
            first = self._first_of(str(data["range"]))
            data["first"] = first.isoformat()
            data["last"] = self.today.isoformat()
        return data

    def _first_of(self, name: str) -> dt.date:
        if name == "month":
            return self.today.replace(day=1)
        if name == "year":
            return self.today.replace(month=1, day=1)
        days = int(name) if name in {"7", "30", "90"} else 1
        return self.today - dt.timedelta(days=days - 1)

    def clean_country(self) -> str:
        """Refuse what is no country's code."""
        code: str = self.cleaned_data["country"]
        if code and code not in dict(country_choices()):
            raise ValidationError(_("Choose a country."), code="unknown")
        return code

    def clean_currency(self) -> str:
        """Refuse what is no currency's code."""
        code: str = self.cleaned_data["currency"]
        if code and code not in CURRENCIES:
            raise ValidationError(_("Choose a currency."), code="unknown")
        return code

    def clean(self) -> dict[str, Any]:
        """Put ``range`` and ``before`` (``Range``) and ``period`` (``Period``) into the answer."""
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        first, last = cleaned["first"], cleaned["last"]
        if first is None or last is None:
            raise ValidationError(_("Write the first and the last day."), code="incomplete")
        if first > last:
            raise ValidationError(_("The first day comes after the last."), code="backwards")
        if first < _EARLIEST:
            raise ValidationError(_("Choose days from 1970 on."), code="too_early")
        if first > self.today:
            raise ValidationError(_("These days have yet to come."), code="future")
        last = min(last, self.today)
        days = (last - first).days + 1
        if days > LONGEST:
            raise ValidationError(
                _("Choose at most three years: %(days)s days are more than %(longest)s."),
                code="too_long",
                params={"days": days, "longest": LONGEST},
            )
        cleaned["before"] = self._before(cleaned["range"], Range(first, last))
        cleaned["range"] = Range(first, last)
        cleaned["period"] = self._period(cleaned["period"], days)
        return cleaned

    def _period(self, chosen: str, days: int) -> Period:
        if chosen == Period.DAY.value and days > _LONGEST_BY_DAY:
            self.add_error(
                "period",
                ValidationError(
                    _("Choose weeks or months for more than a year."), code="too_many_steps"
                ),
            )
        if chosen:
            return Period(chosen)
        if days <= _BY_DAY:
            return Period.DAY
        return Period.WEEK if days <= _BY_WEEK else Period.MONTH

    def _before(self, name: str, span: Range) -> Range:
        """Return what to compare with: the same part of the month or year before, or as many days.

        Where that month is shorter, all of it.
        """
        if name == "month":
            return Range((span.first - _DAY).replace(day=1), _same_day(span.last, months=1))
        if name == "year":
            return Range(_same_day(span.first, months=12), _same_day(span.last, months=12))
        return span.previous()

    def offer(self, report: Report) -> None:
        """Fill in what can be chosen. A field with nothing to choose from stays hidden."""
        names = dict(country_choices())
        data: Any = self.data
        data["currency"] = report.currency
        names |= {data.get("product", ""): report.product} if report.product else {}
        offered: dict[str, list[tuple[str, Any]]] = {
            "product": [("", _("All products")), *report.offered],
            "country": [
                ("", _("All countries")),
                *(
                    (row.country, names.get(row.country, row.country))
                    for row in report.countries
                    if row.country
                ),
            ],
            "currency": [(code, code) for code in report.currencies],
        }
        for name, choices in offered.items():
            chosen = data.get(name, "")
            if chosen and chosen not in dict(choices):
                choices.append((chosen, names.get(chosen, chosen)))
            if len(choices) > 1:
                self.fields[name].widget = forms.Select(choices=choices)

    def asked(self) -> dict[str, str]:
        """Return what a link to the same figures says: all that was chosen, and no more."""
        said = {name: str(self.data.get(name, "")) for name in self.fields}
        if said["range"] != "own":
            said["first"] = said["last"] = ""
        return {name: value for name, value in said.items() if value}


def _same_day(day: dt.date, *, months: int) -> dt.date:
    """Return the day of the same number that many months ago, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    first = dt.date(year, month + 1, 1)
    following = (first + dt.timedelta(days=31)).replace(day=1)
    return min(first + dt.timedelta(days=day.day - 1), following - _DAY)
