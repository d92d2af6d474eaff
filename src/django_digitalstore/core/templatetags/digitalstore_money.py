"""The filter that writes an amount for the reader: ``{{ order.total|money:order.currency }}``."""

from __future__ import annotations

from django import template

from django_digitalstore.core.money import format_money

register = template.Library()


@register.filter
def money(amount: int | str | None, currency: str) -> str:
    """Write minor units in the active language; nothing for no amount (None, missing)."""
    if amount is None or isinstance(amount, str):
        return ""
    return format_money(amount, currency)
