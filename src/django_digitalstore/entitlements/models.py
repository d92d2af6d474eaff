"""The table of the entitlements that is the suite's own: no key leads to a model of the host."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

__all__ = ["ReleaseNoticeOptOut"]


class ReleaseNoticeOptOut(models.Model):
    """A user wants no e-mails about releases, of one product or of all."""

    #: CASCADE: nothing is worth keeping of a wish of somebody who was erased.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=_("user"),
    )
    #: The product's primary key as text; a key to the host's table would point the wrong way.
    product_key = models.CharField(
        _("product"), max_length=255, blank=True, help_text=_("Its key. Empty: all products.")
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("opt-out from release notices")
        verbose_name_plural = _("opt-outs from release notices")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "product_key"], name="dstore_opt_out_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} – {self.product_key or '*'}"
