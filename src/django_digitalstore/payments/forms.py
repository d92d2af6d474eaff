"""Forms of the payments."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

from babel import Locale
from babel.core import UnknownLocaleError
from django import forms
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

__all__ = ["CheckoutForm", "country_choices"]

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
