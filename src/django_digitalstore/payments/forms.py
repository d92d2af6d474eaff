"""Forms of the payments."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from babel import Locale
from babel.core import UnknownLocaleError
from django import forms
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.forms import PriceField
from django_digitalstore.core.money import CURRENCIES, display_money

from .models import new_refund_key

if TYPE_CHECKING:
    from .policies import Refundable

__all__ = ["CheckoutForm", "OrderRefundForm", "country_choices"]

# Babel's territories that are no countries of ISO 3166-1: unions, reservations, pseudo-regions.
_NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"}


def country_choices(language: str | None = None) -> list[tuple[str, str]]:
    """Return ISO 3166-1 codes and names in ``language`` (the active one), sorted by name."""
    return list(_countries(language or get_language() or "en"))


@lru_cache(maxsize=64)
def _countries(language: str) -> tuple[tuple[str, str], ...]:
    try:
        locale = Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    named = [
        (code, name)
        for code, name in locale.territories.items()
        if len(code) == 2 and code.isalpha() and code not in _NO_COUNTRIES
    ]
    return tuple(sorted(named, key=lambda choice: _sort_key(choice[1])))


def _sort_key(name: str) -> str:
    # Åland stands with A and not after Z.
    letters = unicodedata.normalize("NFKD", name)
    return "".join(c for c in letters if not unicodedata.combining(c)).casefold()


class CheckoutForm(forms.Form):
    """What a buyer tells us: an address for the receipt, and the country that taxes follow.

    Not what is bought, by whom or for how much: that never comes from a form.
    """

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        help_text=_("We send your receipt there."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    country = forms.ChoiceField(
        label=_("Billing country"), widget=forms.Select(attrs={"autocomplete": "country"})
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        country.choices = [("", _("Choose a country")), *country_choices()]


class OrderRefundForm(forms.Form):
    """Asks a seller what of a payment to refund, and why.

    ``refundable`` says what there is: how finely, of which lines, in which currency. The flow
    checks it again. ``key`` is the form's own, so that a second click asks for nothing.
    """

    lines = forms.MultipleChoiceField(
        label=_("What to refund"), widget=forms.CheckboxSelectMultiple
    )
    amount = PriceField(
        label=_("Amount"),
        help_text=_("Empty: all of it. Who gets back a part only keeps access."),
        required=False,
    )
    reason = forms.CharField(
        label=_("Reason"),
        help_text=_("Kept with the order, and told to the payment provider."),
        max_length=500,
    )
    key = forms.CharField(widget=forms.HiddenInput, required=False, initial=new_refund_key)

    def __init__(self, *args: Any, refundable: Refundable, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.refundable = refundable
        self.parts = {str(part.line.pk): part for part in refundable.lines if part.rest}
        lines: Any = self.fields["lines"]
        lines.choices = [
            (pk, f"{part.line.name} – {display_money(part.rest, refundable.currency)}")
            for pk, part in self.parts.items()
        ]
        lines.initial = list(self.parts)
        amount: Any = self.fields["amount"]
        if not refundable.takes_amount or refundable.currency not in CURRENCIES:
            del self.fields["amount"]
        else:
            amount.currency = refundable.currency
            amount.label = _("Amount in %(currency)s") % {"currency": refundable.currency}
        if not refundable.takes_lines or len(self.parts) < 2:
            del self.fields["lines"]

    @property
    def chosen_lines(self) -> list[Any] | None:
        """Return the lines to refund; None where all of the payment was chosen."""
        chosen = self.cleaned_data.get("lines", list(self.parts))
        if len(chosen) == len(self.parts) and not self.refundable.is_shared:
            return None
        return [self.parts[pk].line for pk in chosen]
