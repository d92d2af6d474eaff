"""Whether the site is closed, since when and why: one row, and what became of it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

__all__ = ["LONGEST_MESSAGE", "ONLY", "SiteStatus", "SiteStatusChange"]

#: The key of the one row.
ONLY = 1
#: Characters of the message to visitors.
LONGEST_MESSAGE = 2000


class SiteChange(models.TextChoices):
    """What was done to the switch."""

    CLOSED = "closed", _("closed")
    OPENED = "opened", _("opened")
    SCHEDULED = "scheduled", _("scheduled")
    LINKS_REVOKED = "links_revoked", _("preview links revoked")


def site_changes() -> list[tuple[str, Any]]:
    """Return the choices of ``SiteStatusChange.change``. Named in a migration: never move it."""
    return SiteChange.choices


class SiteStatus(models.Model):
    """Whether the site is closed. Written by ``flows`` alone; no row means that it is open.

    Closed by hand is ``is_on``, closed by schedule is ``starts_at``; either may have an end.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=ONLY, editable=False)
    is_on = models.BooleanField(_("closed by hand"), default=False)
    starts_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("opens again at"), null=True, blank=True)
    message = models.TextField(
        _("message to visitors"), blank=True, default="", max_length=LONGEST_MESSAGE
    )
    #: For programs, where ``ends_at`` is not known.
    retry_after = models.PositiveIntegerField(
        _("try again after"), default=600, validators=[MinValueValidator(1)]
    )
    #: Counted up with each change: what a cache has can be too old.
    version = models.PositiveIntegerField(_("version"), default=0)
    #: Preview links of another generation let nobody in.
    preview_generation = models.PositiveIntegerField(_("generation of preview links"), default=1)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("changed by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    reason = models.TextField(_("reason"), blank=True, default="")

    class Meta:
        verbose_name = _("site status")
        verbose_name_plural = _("site status")
        constraints = [
            models.CheckConstraint(condition=Q(id=ONLY), name="dstore_uc_one_row"),
            models.CheckConstraint(
                condition=Q(is_on=False) | Q(starts_at=None), name="dstore_uc_hand_or_schedule"
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(is_on=True) | Q(starts_at__isnull=False),
                name="dstore_uc_end_of_something",
            ),
            models.CheckConstraint(
                condition=Q(ends_at=None) | Q(starts_at=None) | Q(ends_at__gt=F("starts_at")),
                name="dstore_uc_ends_after_start",
            ),
            models.CheckConstraint(condition=Q(retry_after__gte=1), name="dstore_uc_retry_later"),
        ]

    def __str__(self) -> str:
        return gettext("The site")


class SiteStatusChange(models.Model):
    """One use of the switch: kept, and never changed."""

    change = models.CharField(_("change"), max_length=20, choices=site_changes)
    starts_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    ends_at = models.DateTimeField(_("opens again at"), null=True, blank=True)
    message = models.TextField(_("message to visitors"), blank=True, default="")
    reason = models.TextField(_("reason"))
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("changed by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("use of the switch")
        verbose_name_plural = _("uses of the switch")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.changed_at:%Y-%m-%d %H:%M} {self.change}"
