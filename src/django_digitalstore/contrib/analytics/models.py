"""Tables of the sales analytics, derived from the facts: no key leads to a model of the host."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

__all__ = ["ALL", "DailyFigures", "RollupState"]

#: In a column that says whose, of what or where to: not told apart.
ALL: Final = "*"

#: How long a transaction may take, from the time that it writes into a row to its commit, so that
#: the rollup still sees the row: what was changed so recently is always looked at again.
_LONGEST_TRANSACTION = timedelta(minutes=2)


class DailyFigures(models.Model):
    """What was sold on a day: of the whole site, to a country, of a seller, or of a product.

    ``seller_key`` and ``product_key`` are primary keys as text; no seller is the site's own
    products, no country is one that nobody told, and ``"*"`` is all of them together. Amounts are
    in minor units of ``currency``. Written by ``analytics.flows`` alone, and gone and written
    again as the facts want it.
    """

    seller_key = models.CharField(_("seller"), max_length=64, blank=True)
    product_key = models.CharField(_("product"), max_length=64)
    country = models.CharField(_("country"), max_length=2, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    day = models.DateField(_("day"))
    orders = models.PositiveBigIntegerField(_("orders"), default=0)
    units = models.PositiveBigIntegerField(_("units"), default=0)
    gross = models.PositiveBigIntegerField(_("revenue"), default=0)
    refunded = models.PositiveBigIntegerField(_("refunded"), default=0)
    checkouts = models.PositiveBigIntegerField(_("checkouts"), default=0)
    paid_checkouts = models.PositiveBigIntegerField(_("paid checkouts"), default=0)

    class Meta:
        verbose_name = _("figures of a day")
        verbose_name_plural = _("figures by day")
        ordering = ["-day", "seller_key", "product_key", "country", "currency"]
        constraints = [
            models.UniqueConstraint(
                fields=["product_key", "seller_key", "country", "currency", "day"],
                name="dstore_figures_once",
            ),
            models.CheckConstraint(
                condition=Q(paid_checkouts__lte=F("checkouts")),
                name="dstore_figures_paid_checkouts",
            ),
        ]
        indexes = [
            models.Index(fields=["day"], name="dstore_figures_day"),
            models.Index(fields=["seller_key", "day"], name="dstore_figures_seller"),
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.currency} {self.seller_key or '–'}/{self.product_key}"


class RollupState(models.Model):
    """Up to when the facts are in ``DailyFigures``, and whose days they are: a single row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    rolled_up_to = models.DateTimeField(_("rolled up to"))
    time_zone = models.CharField(_("time zone"), max_length=100)

    class Meta:
        verbose_name = _("state of the rollup")
        verbose_name_plural = _("state of the rollup")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="dstore_rollup_one_state")]

    @property
    def changed_after(self) -> datetime:
        """Return after which moment an order that changed may not be in the rollup as it is."""
        return self.rolled_up_to - _LONGEST_TRANSACTION

    def __str__(self) -> str:
        return f"{self.rolled_up_to:%Y-%m-%d %H:%M:%S} ({self.time_zone})"
