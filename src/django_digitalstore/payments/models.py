"""Tables of the payments that are the suite's own: no key leads to a model of the host."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .backends.sandbox.models import SandboxCheckout, SandboxDelivery, SandboxFact

__all__ = [
    "InboxMessage",
    "InboxState",
    "SandboxCheckout",
    "SandboxDelivery",
    "SandboxFact",
    "inbox_states",
]


class InboxState(models.TextChoices):
    """What became of a webhook message."""

    RECEIVED = "received", _("Received")
    PROCESSED = "processed", _("Processed")
    IGNORED = "ignored", _("Ignored: of a type we don't act on")
    WAITING = "waiting", _("Waiting for the payment it belongs to")
    UNMATCHED = "unmatched", _("Unmatched: not for a checkout of ours")
    FAILED = "failed", _("Failed")
    INVALID = "invalid", _("Invalid: a field is wrong")
    UNREADABLE = "unreadable", _("Unreadable: not an event")


def inbox_states() -> list[tuple[str, Any]]:
    """Return the choices of ``InboxMessage.state``. Named in migrations: it never moves."""
    return InboxState.choices


class InboxMessage(models.Model):
    """An authentic webhook message, as it was signed, and what became of it."""

    alias = models.CharField(_("provider"), max_length=50)
    message_id = models.CharField(_("message id"), max_length=255)
    sent_at = models.DateTimeField(_("sent at"))
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    body = models.BinaryField(_("body"))
    digest = models.CharField(_("SHA-256 of the body"), max_length=64)
    state = models.CharField(
        _("state"), max_length=20, choices=inbox_states, default=InboxState.RECEIVED
    )
    waits_for = models.CharField(_("waits for"), max_length=255, blank=True, default="")
    order_reference = models.CharField(_("order"), max_length=20, blank=True, default="")
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=500, blank=True, default="")
    traceback = models.TextField(_("traceback"), blank=True, default="")

    class Meta:
        verbose_name = _("webhook message")
        verbose_name_plural = _("webhook messages")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["alias", "message_id"], name="dstore_inbox_once"),
        ]
        indexes = [
            models.Index(fields=["state", "-received_at"], name="dstore_inbox_state"),
            models.Index(fields=["waits_for"], name="dstore_inbox_waits_for"),
            models.Index(fields=["order_reference"], name="dstore_inbox_order"),
        ]
        permissions = [
            ("replay_webhook", _("Can process a stored webhook message again")),
            ("view_webhook_body", _("Can see the body and traceback of a webhook message")),
        ]

    def __str__(self) -> str:
        return f"{self.alias}: {self.message_id}"
