"""Form fields of the suite."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from .money import InvalidAmount, exponent, to_major, to_minor

__all__ = ["PriceField"]


class PriceField(forms.DecimalField):
    """An amount that people write as "19.99" and that the store keeps as 1999.

    With ``currency`` given (or assigned later, as ``form.fields["price"].currency = "EUR"``) the
    field shows minor units as decimals and cleans to minor units. Without it, where the form asks
    for the currency as well, it cleans to a Decimal, and the form's ``clean()`` finishes the work::

        cleaned["price"] = self.fields["price"].clean_for(cleaned["price"], cleaned["currency"])

    Amounts are never negative and never rounded.
    """

    default_error_messages = {
        "too_many_decimals": ngettext_lazy(
            "%(currency)s has only %(decimals)d decimal place.",
            "%(currency)s has only %(decimals)d decimal places.",
            "decimals",
        ),
        "no_decimals": _("%(currency)s has no decimal places. Write a whole number."),
    }

    def __init__(self, *, currency: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", 0)
        # Fits a 64-bit integer of minor units for every currency.
        kwargs.setdefault("max_digits", 14)
        super().__init__(**kwargs)
        self.currency = currency

    @property
    def currency(self) -> str | None:
        """The currency that amounts are shown and read in, or None while it is not known."""
        return self._currency

    @currency.setter
    def currency(self, currency: str | None) -> None:
        self._currency = currency
        if isinstance(self.widget, forms.NumberInput):
            self.widget.attrs["step"] = "any" if currency is None else str(to_major(1, currency))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        attrs.pop("step", None)
        return attrs

    def prepare_value(self, value: Any) -> Any:
        """Show minor units as decimals; what a person typed is shown back as typed."""
        if self.currency is not None and isinstance(value, int) and not isinstance(value, bool):
            value = to_major(value, self.currency)
        return value

    def clean(self, value: Any) -> Any:
        """Return minor units, or the Decimal itself while the currency is not known."""
        decimal = super().clean(value)
        if decimal is None or self.currency is None:
            return decimal
        return self.clean_for(decimal, self.currency)

    def clean_for(self, value: Decimal | None, currency: str) -> int | None:
        """Return minor units; raise ``ValidationError`` where ``value`` has too many decimals."""
        if value is None:
            return None
        decimals = exponent(currency)
        try:
            return to_minor(value, currency)
        except InvalidAmount as error:
            raise ValidationError(
                self.error_messages["too_many_decimals" if decimals else "no_decimals"],
                code="too_many_decimals",
                params={"currency": currency, "decimals": decimals},
            ) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare amounts, not their spelling: 1999 and "19.990" are the same price."""
        if self.disabled:
            return False
        try:
            cleaned: Decimal | int | None = self.to_python(data)
            if isinstance(cleaned, Decimal) and self.currency is not None:
                cleaned = self.clean_for(cleaned, self.currency)
        except ValidationError:
            return True
        return bool(cleaned != initial)
