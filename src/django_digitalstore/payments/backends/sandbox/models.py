"""Tables of the sandbox provider: what a real provider would keep on its own machines.

The store reads them only through ``SandboxBackend.fetch_checkout``.
"""

from __future__ import annotations

import secrets

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

__all__ = ["SandboxCheckout", "SandboxDelivery", "SandboxFact", "new_token"]


def new_token() -> str:
    """Return an unguessable token. Migrations name this function: it never moves."""
    return secrets.token_urlsafe(18)


class SandboxCheckout(models.Model):
    """A checkout session at the sandbox."""

    token = models.CharField(max_length=40, primary_key=True, default=new_token)
    alias = models.CharField(max_length=50)
    order = models.CharField(max_length=40)
    email = models.EmailField()
    country = models.CharField(max_length=2, blank=True)
    amount = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    lines = models.JSONField(default=list)
    return_url = models.CharField(max_length=2000)
    cancel_url = models.CharField(max_length=2000)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        app_label = "digitalstore_payments"
        verbose_name = _("sandbox checkout")
        verbose_name_plural = _("sandbox checkouts")

    def __str__(self) -> str:
        return self.token


class SandboxFact(models.Model):
    """A payment, refund or dispute at the sandbox, in the state that it reached at ``occurred_at``.

    A state to come (a payment that settles later) is a fact whose time is in the future.
    """

    checkout = models.ForeignKey(SandboxCheckout, on_delete=models.CASCADE, related_name="facts")
    kind = models.CharField(max_length=20)
    reference = models.CharField(max_length=60)
    data = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(default=timezone.now)

    class Meta:
        app_label = "digitalstore_payments"
        verbose_name = _("sandbox fact")
        verbose_name_plural = _("sandbox facts")
        ordering = ["occurred_at", "pk"]

    def __str__(self) -> str:
        return self.reference


class SandboxDelivery(models.Model):
    """A webhook message that the sandbox has to deliver, with a provider's retries."""

    message_id = models.CharField(max_length=60)
    alias = models.CharField(max_length=50)
    body = models.TextField()
    due_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveIntegerField(default=0)
    last_answer = models.CharField(max_length=200, blank=True, default="")
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "digitalstore_payments"
        verbose_name = _("sandbox delivery")
        verbose_name_plural = _("sandbox deliveries")
        ordering = ["due_at", "pk"]
        indexes = [models.Index(fields=["delivered_at", "due_at"], name="dstore_sandbox_due")]

    def __str__(self) -> str:
        return self.message_id
