"""Abstract models of the entitlements. The host's app holds the concrete classes.

``PurchasedProduct`` is the truth of this moment, ``Grant`` the ledger that explains it: rows of the
ledger are added and ended, never edited or deleted, and the truth is derived from those that stand.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.guard import Guard, GuardedManager, GuardedModel, GuardedQuerySet, M

from .choices import (
    DownloadOutcome,
    GrantEffect,
    Refusal,
    download_outcomes,
    ended_kinds,
    grant_effects,
)

__all__ = [
    "AbstractDownload",
    "AbstractGrant",
    "AbstractPurchasedProduct",
    "DownloadQuerySet",
    "GrantQuerySet",
    "PurchasedProductQuerySet",
]

_TESTING = (
    "django_digitalstore.entitlements.testing.grant(user, product), or revoke(user, product) of "
    "the same module"
)


class PurchasedProductQuerySet(GuardedQuerySet[M]):
    """Questions about ownership. Each of them goes through ``live``."""

    def live(self, now: datetime | None = None) -> Self:
        """Keep the rows that give access: those without an expiry, or with one still to come."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()))

    def expired(self, now: datetime | None = None) -> Self:
        """Keep the rows that give no access any more and wait for the periodic job."""
        return self.filter(expires_at__lte=now or timezone.now())

    def of_customer(self, user: object) -> Self:
        """Keep the live rows of one user."""
        return self.live().filter(user=user)


class AbstractPurchasedProduct(GuardedModel):
    """Access: this user may use this product now. There is no status column, only the row."""

    guard = Guard(
        owner="entitlements.flows",
        insert="call entitlements.flows.grant_product(user, product, source=…) instead.",
        delete="call entitlements.flows.revoke_product(user, product, reason=…) instead.",
        update="call entitlements.flows.grant_product(…, source=…, expires_at=…) instead.",
        testing=_TESTING,
    )

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("user"),
    )
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="purchases",
        verbose_name=_("product"),
    )
    granted_at = models.DateTimeField(_("since"))
    expires_at = models.DateTimeField(
        _("until"), null=True, blank=True, help_text=_("Empty: for ever.")
    )

    objects = GuardedManager.from_queryset(PurchasedProductQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("purchased product")
        verbose_name_plural = _("purchased products")
        ordering = ["-granted_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "product"], name="%(app_label)s_%(class)s_one_per_user_and_product"
            ),
        ]
        indexes = [models.Index(fields=["expires_at"])]
        permissions = [
            ("grant_access", _("Can grant a product to a user")),
            ("revoke_access", _("Can revoke a user's product")),
            ("restore_access", _("Can restore a user's revoked product")),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} → {self.product_id}"

    @property
    def is_live(self) -> bool:
        """Tell whether the row still gives access."""
        return self.expires_at is None or self.expires_at > timezone.now()


class GrantQuerySet(GuardedQuerySet[M]):
    """Questions about the ledger."""

    def standing(self, now: datetime | None = None) -> Self:
        """Keep the grants that count: not ended, and not past their expiry."""
        now = now or timezone.now()
        return self.filter(ended_at=None).filter(Q(expires_at=None) | Q(expires_at__gt=now))

    def allowing(self) -> Self:
        """Keep the grants that allow."""
        return self.filter(effect=GrantEffect.ALLOW)

    def denying(self) -> Self:
        """Keep the grants that deny."""
        return self.filter(effect=GrantEffect.DENY)


class AbstractGrant(GuardedModel):
    """A line of the ledger: why somebody has, or is denied, access, from when until when."""

    guard = Guard(
        owner="entitlements.flows",
        insert="call entitlements.flows.grant_product(user, product, source=…) instead.",
        delete="the ledger is never deleted: call entitlements.flows.revoke_product(…, source=…).",
        update="the ledger is never edited: call entitlements.flows.revoke_product(…, source=…).",
        testing=_TESTING,
    )

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("user"),
    )
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="grants",
        verbose_name=_("product"),
    )
    effect = models.CharField(
        _("effect"), max_length=10, choices=grant_effects, default=GrantEffect.ALLOW
    )
    source_kind = models.CharField(_("source"), max_length=40)
    source_reference = models.CharField(_("source reference"), max_length=200, blank=True)
    reason = models.TextField(_("reason"), blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("granted by"),
    )
    granted_at = models.DateTimeField(_("granted at"))
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    ended_kind = models.CharField(
        _("how it ended"), max_length=20, choices=ended_kinds, blank=True, default=""
    )
    ended_reason = models.TextField(_("why it ended"), blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("ended by"),
    )

    objects = GuardedManager.from_queryset(GrantQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        ordering = ["-granted_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "product", "ended_at"]),
            models.Index(fields=["source_kind", "source_reference"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(effect__in=["allow", "deny"]),
                name="%(app_label)s_%(class)s_effect_known",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_kind="")
                | Q(ended_at__isnull=False, ended_kind__gt=""),
                name="%(app_label)s_%(class)s_ended_with_a_kind",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.source_kind}:{self.source_reference}"

    @property
    def is_standing(self) -> bool:
        """Tell whether the grant counts now."""
        return self.ended_at is None and (
            self.expires_at is None or self.expires_at > timezone.now()
        )


class DownloadQuerySet(models.QuerySet[M]):
    """Questions about the download log."""

    def served(self) -> Self:
        """Keep the downloads that count: files that went to their owners."""
        return self.filter(outcome=DownloadOutcome.SERVED)

    def of_seller(self, user: object) -> Self:
        """Keep the lines about this seller's products."""
        products = get_product_model().objects.of_seller(user)
        return self.filter(product__in=products.order_by().values("pk"))


class AbstractDownload(models.Model):
    """A line of the download log. It names user, product and file, never the purchase's row."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("user"),
    )
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="downloads",
        verbose_name=_("product"),
    )
    asset = models.ForeignKey(
        settings.DIGITALSTORE_ASSET_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="downloads",
        verbose_name=_("file"),
    )
    file_name = models.CharField(_("file name"), max_length=150)
    version = models.CharField(_("version"), max_length=50, blank=True)
    outcome = models.CharField(
        _("outcome"), max_length=20, choices=download_outcomes, default=DownloadOutcome.SERVED
    )
    address = models.GenericIPAddressField(_("address"), null=True, blank=True)
    agent = models.CharField(_("browser"), max_length=200, blank=True)
    code = models.CharField(
        _("why it was refused"), max_length=20, blank=True, help_text=_("As the page names it.")
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("done by"),
    )
    reason = models.TextField(_("reason"), blank=True)
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = models.Manager.from_queryset(DownloadQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("download")
        verbose_name_plural = _("downloads")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["user", "product", "-at"]),
            # What was downloaded on a day, and what is old enough to be forgotten.
            models.Index(fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.outcome})"

    def get_code_display(self) -> str:
        """Return in words why it was refused; "" where it was not."""
        return str(Refusal(self.code).label) if self.code in Refusal.values else self.code

    get_code_display.short_description = _("why it was refused")  # type: ignore[attr-defined]
