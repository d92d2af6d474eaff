"""Tables of the core that are purely the suite's: no key leads from them to a model of the host."""

from __future__ import annotations

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

__all__ = ["JobRun", "Mutex", "OutboxMessage"]


class OutboxState(models.TextChoices):
    """What became of an outbox message."""

    PENDING = "pending", _("waiting to be sent")
    SENT = "sent", _("sent")
    FAILED = "failed", _("given up")


def outbox_states() -> list[tuple[str, Any]]:
    """Return the choices of ``OutboxMessage.state``. Named in a migration: never move it."""
    return OutboxState.choices


class OutboxMessage(models.Model):
    """One effect outside the database that a committed change asks for; see ``core.outbox``."""

    kind = models.CharField(_("kind"), max_length=100)
    #: The cause, as in ``"receipt:<payment>"``: the same cause has one message, ever.
    key = models.CharField(_("key"), max_length=255, unique=True)
    payload = models.JSONField(_("content"), default=dict, encoder=DjangoJSONEncoder)
    state = models.CharField(
        _("state"), max_length=20, choices=outbox_states, default=OutboxState.PENDING
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(_("next try"), default=timezone.now)
    claimed_until = models.DateTimeField(_("claimed until"), null=True, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True, default="")
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    class Meta:
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "next_try_at"], name="dstore_outbox_due")]

    def __str__(self) -> str:
        return self.key


class JobRun(models.Model):
    """When a periodic job last ran, and how it ended; see ``core.jobs``."""

    name = models.CharField(_("name"), max_length=100, primary_key=True)
    last_started_at = models.DateTimeField(_("last started"), null=True, blank=True)
    last_finished_at = models.DateTimeField(_("last finished"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True, default="")
    locked_until = models.DateTimeField(_("locked until"), null=True, blank=True)

    class Meta:
        verbose_name = _("periodic job")
        verbose_name_plural = _("periodic jobs")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Mutex(models.Model):
    """A row to be locked, for things that have none of their own; see ``core.locks``."""

    key = models.CharField(_("key"), max_length=255, primary_key=True)
    taken_at = models.DateTimeField(_("last taken at"))

    class Meta:
        verbose_name = _("mutex")
        verbose_name_plural = _("mutexes")

    def __str__(self) -> str:
        return self.key
