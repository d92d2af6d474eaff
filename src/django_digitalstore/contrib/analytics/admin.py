"""The admin of the rollup: to look at. What is wrong in it is counted again, never edited."""

from __future__ import annotations

from django.contrib import admin

from django_digitalstore.core.admin import ReadOnlyAdmin

from .models import DailyFigures, RollupState

__all__ = ["DailyFiguresAdmin", "RollupStateAdmin"]


@admin.register(DailyFigures)
class DailyFiguresAdmin(ReadOnlyAdmin):
    """The figures as they are kept; ``manage.py digitalstore_rollup --check`` compares them."""

    list_display = [
        "day",
        "currency",
        "seller_key",
        "product_key",
        "country",
        "orders",
        "units",
        "gross",
        "refunded",
        "checkouts",
        "paid_checkouts",
    ]
    search_fields = ["=seller_key", "=product_key"]
    ordering = ["-day", "-pk"]


@admin.register(RollupState)
class RollupStateAdmin(ReadOnlyAdmin):
    """Up to when the facts are counted."""

    list_display = ["rolled_up_to", "time_zone"]
