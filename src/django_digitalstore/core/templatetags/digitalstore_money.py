"""The filter that writes an amount for the reader: ``{{ order.total|money:order.currency }}``."""

from __future__ import annotations

from django import template

from django_digitalstore.core.money import display_money

register = template.Library()


@register.filter
def money(amount: int | str | None, currency: str) -> str:
    """Write minor units in the active language; nothing for no amount (None, missing).

    Never raises: a currency that nobody knows is shown as it came.
    """
    return "" if isinstance(amount, str) else display_money(amount, currency)
