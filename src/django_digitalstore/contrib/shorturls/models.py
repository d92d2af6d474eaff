"""Tables of the short links: the suite's own, so no key leads to a model of the host but the user.

Products are kept by the text of their key, orders by their public id.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.search import holds

from .choices import TargetKind, target_kinds
from .validators import validate_code

__all__ = ["ShortLink", "ShortLinkDay", "ShortLinkOrder", "ShortLinkQuerySet"]


class ShortLinkQuerySet(models.QuerySet["ShortLink"]):
    """Questions about short links."""

    def of_seller(self, user: Any) -> ShortLinkQuerySet:
        """Keep the links of this seller: the one tenant filter of short links."""
        return self.filter(owner=user)

    def search(self, text: str) -> ShortLinkQuerySet:
        """Keep the links in whose code, label or target every word of ``text`` stands."""
        queryset = self
        for word in text.replace("\x00", "").split()[:10]:
            queryset = queryset.filter(
                holds("code", word)
                | holds("label", word)
                | holds("path", word)
                | holds("url", word)
            )
        return queryset


class ShortLink(models.Model):
    """A short address and what it leads to. Its code is told from others by case."""

    code = models.CharField(_("code"), max_length=64, unique=True, validators=[validate_code])
    target_kind = models.CharField(_("leads to"), max_length=10, choices=target_kinds)
    #: The product's primary key, as text.
    product_key = models.CharField(_("product"), max_length=255, blank=True, default="")
    #: A path of the site. Of a product: where its page was when it was last looked up, so that a
    #: click costs one query, and none once it is cached.
    path = models.CharField(_("path"), max_length=2000, blank=True, default="")
    url = models.CharField(_("address"), max_length=2000, blank=True, default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="digitalstore_short_links",
        verbose_name=_("owner"),
        help_text=_("Nobody: the link belongs to the site, and staff manage it."),
    )
    label = models.CharField(
        _("label"), max_length=100, blank=True, default="", help_text=_("Only you read it.")
    )
    is_active = models.BooleanField(_("switched on"), default=True)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Empty: it never expires.")
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    #: The sum of its days.
    clicks = models.PositiveBigIntegerField(_("clicks"), default=0, editable=False)

    objects = models.Manager.from_queryset(ShortLinkQuerySet)()

    class Meta:
        verbose_name = _("short link")
        verbose_name_plural = _("short links")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=(
                    Q(target_kind=TargetKind.PRODUCT, url="") & ~Q(product_key="") & ~Q(path="")
                )
                | (Q(target_kind=TargetKind.PATH, product_key="", url="") & ~Q(path=""))
                | (Q(target_kind=TargetKind.URL, product_key="", path="") & ~Q(url="")),
                name="dstore_shortlink_one_target",
            ),
            models.CheckConstraint(condition=~Q(code=""), name="dstore_shortlink_has_code"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_expired(self) -> bool:
        """Tell whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()


class ShortLinkDay(models.Model):
    """The clicks of a link on one day of the site's time zone."""

    link = models.ForeignKey(
        ShortLink, on_delete=models.CASCADE, related_name="days", verbose_name=_("short link")
    )
    day = models.DateField(_("day"))
    clicks = models.PositiveBigIntegerField(_("clicks"), default=0)
    #: What the cache's counter said when its clicks were last added; see ``counters``.
    counter = models.BigIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("day of a short link")
        verbose_name_plural = _("days of short links")
        ordering = ["-day"]
        constraints = [
            models.UniqueConstraint(fields=["link", "day"], name="dstore_shortlink_one_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.link_id} {self.day}"


class ShortLinkOrder(models.Model):
    """An order that a link led to. An order is counted for one link: the one clicked last."""

    link = models.ForeignKey(
        ShortLink, on_delete=models.CASCADE, related_name="orders", verbose_name=_("short link")
    )
    order_public_id = models.CharField(_("order"), max_length=64, unique=True)
    placed_at = models.DateTimeField(_("placed at"), default=timezone.now)

    class Meta:
        verbose_name = _("order of a short link")
        verbose_name_plural = _("orders of short links")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.order_public_id
