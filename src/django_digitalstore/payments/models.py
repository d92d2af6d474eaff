"""Tables of the payments that are the suite's own: no key leads to a model of the host."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .backends.sandbox.models import SandboxCheckout, SandboxDelivery, SandboxFact

__all__ = [
    "InboxMessage",
    "InboxSource",
    "InboxState",
    "ItemState",
    "ProviderItem",
    "RefundRequest",
    "RefundRequestState",
    "SandboxCheckout",
    "SandboxDelivery",
    "SandboxFact",
    "inbox_sources",
    "inbox_states",
    "item_states",
    "new_refund_key",
    "refund_request_states",
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
    HANDLED = "handled", _("Handled by a person")


def inbox_states() -> list[tuple[str, Any]]:
    """Return the choices of ``InboxMessage.state``. Named in migrations: it never moves."""
    return InboxState.choices


class InboxSource(models.TextChoices):
    """How we came to know it."""

    WEBHOOK = "webhook", _("Sent by the provider")
    RECONCILE = "reconcile", _("Found by asking the provider")


def inbox_sources() -> list[tuple[str, Any]]:
    """Return the choices of ``InboxMessage.source``. Named in migrations: it never moves."""
    return InboxSource.choices


class InboxMessage(models.Model):
    """What a provider said, and what became of it.

    A webhook message as it was signed, or the facts, as JSON of our own, that ``reconcile`` found.
    """

    alias = models.CharField(_("provider"), max_length=50)
    message_id = models.CharField(_("message id"), max_length=255)
    source = models.CharField(
        _("source"), max_length=20, choices=inbox_sources, default=InboxSource.WEBHOOK
    )
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
            models.Index(fields=["alias", "source", "-received_at"], name="dstore_inbox_latest"),
            models.Index(fields=["waits_for"], name="dstore_inbox_waits_for"),
            models.Index(fields=["order_reference"], name="dstore_inbox_order"),
        ]
        permissions = [
            ("replay_webhook", _("Can process a stored webhook message again")),
            ("handle_webhook", _("Can mark a webhook message as handled")),
            ("view_webhook_body", _("Can see the body and traceback of a webhook message")),
        ]

    def __str__(self) -> str:
        return f"{self.alias}: {self.message_id}"


class RefundRequestState(models.TextChoices):
    """How far an intention to refund has come. What the provider did is a ``Refund``."""

    REQUESTED = "requested", _("Requested")
    SENDING = "sending", _("Sent, the answer is not known yet")
    SENT = "sent", _("Accepted by the provider")
    REFUSED = "refused", _("Refused by the provider")
    DOUBTFUL = "doubtful", _("Doubtful: a person must look")
    HANDLED = "handled", _("Handled by a person")


def refund_request_states() -> list[tuple[str, Any]]:
    """Return the choices of ``RefundRequest.state``. Named in migrations: it never moves."""
    return RefundRequestState.choices


def new_refund_key() -> str:
    """Return a fresh key of a refund. Migrations name this function: it never moves."""
    return f"ref_{secrets.token_hex(14)}"


class RefundRequest(models.Model):
    """Somebody's intention to refund a payment, written before the provider is asked.

    ``amount`` None is all that is left; ``items`` are [item reference, amount in minor units].
    """

    key = models.CharField(
        _("idempotency key"), max_length=40, unique=True, default=new_refund_key, editable=False
    )
    order_reference = models.CharField(_("order"), max_length=20)
    alias = models.CharField(_("provider"), max_length=50)
    payment_reference = models.CharField(_("payment"), max_length=200)
    amount = models.PositiveBigIntegerField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3)
    items = models.JSONField(_("items"), default=list, blank=True)
    reason = models.CharField(_("reason"), max_length=500)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    state = models.CharField(
        _("state"),
        max_length=20,
        choices=refund_request_states,
        default=RefundRequestState.REQUESTED,
    )
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    provider_reference = models.CharField(_("refund"), max_length=200, blank=True, default="")
    error = models.CharField(_("error"), max_length=500, blank=True, default="")
    requested_at = models.DateTimeField(_("requested at"), default=timezone.now)
    sent_at = models.DateTimeField(_("last sent at"), null=True, blank=True)

    class Meta:
        verbose_name = _("refund request")
        verbose_name_plural = _("refund requests")
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["order_reference"], name="dstore_refund_order"),
            models.Index(fields=["alias", "payment_reference"], name="dstore_refund_payment"),
            models.Index(fields=["state", "-requested_at"], name="dstore_refund_state"),
        ]
        permissions = [
            ("refund_payment", _("Can refund payments")),
            ("record_payment", _("Can record payments and refunds from elsewhere")),
        ]

    def __str__(self) -> str:
        return self.key


class ItemState(models.TextChoices):
    """How what we sell stands at a provider that keeps products of its own."""

    DIRTY = "dirty", _("Changed here, not there yet")
    SYNCED = "synced", _("The same here and there")
    FAILED = "failed", _("The provider did not take it")
    ARCHIVED = "archived", _("Archived at the provider")


def item_states() -> list[tuple[str, Any]]:
    """Return the choices of ``ProviderItem.state``. Named in migrations: it never moves."""
    return ItemState.choices


class ProviderItem(models.Model):
    """The provider's counterpart of something that we sell. ``product`` is our product's key.

    ``digest`` is the hash of what was last pushed: drift is found by it, whoever changed what how.
    """

    alias = models.CharField(_("provider"), max_length=50)
    kind = models.CharField(_("kind"), max_length=40)
    product = models.CharField(_("product"), max_length=100)
    reference = models.CharField(_("reference"), max_length=200, blank=True, default="")
    digest = models.CharField(
        _("SHA-256 of what was pushed"), max_length=64, blank=True, default=""
    )
    state = models.CharField(
        _("state"), max_length=20, choices=item_states, default=ItemState.DIRTY
    )
    pushing_at = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    error = models.CharField(_("error"), max_length=500, blank=True, default="")
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now)
    synced_at = models.DateTimeField(_("synced at"), null=True, blank=True)

    class Meta:
        verbose_name = _("product at a provider")
        verbose_name_plural = _("products at providers")
        ordering = ["alias", "kind", "product"]
        constraints = [
            models.UniqueConstraint(fields=["alias", "kind", "product"], name="dstore_item_once"),
        ]
        indexes = [models.Index(fields=["state", "changed_at"], name="dstore_item_state")]

    def __str__(self) -> str:
        return f"{self.alias}: {self.kind}:{self.product}"
