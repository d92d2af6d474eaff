"""Asking the provider, for what no webhook has told yet, and giving up what nobody will pay."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.utils import timezone

from django_digitalstore.core import guard
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction
from django_digitalstore.payments import get_order_model, get_payment_model
from django_digitalstore.payments.backends import payment_backends
from django_digitalstore.payments.choices import PaymentState

from .checkout import REUSE_ORDER
from .reports import apply_events, payment_key
from .settling import lock_order, settle

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder

__all__ = ["expire_checkouts", "refresh_order"]

logger = logging.getLogger(__name__)


@flow(atomic=False)
def refresh_order(order: AbstractOrder) -> AbstractOrder:
    """Ask the providers of an order's open checkouts what became of them, and apply the answer.

    Errors of a provider are logged and change nothing. Calls providers outside any transaction.
    """
    # A buyer whose card was declined may pay within the same checkout, while that lasts.
    payable = Q(checkout_expires_at=None) | Q(checkout_expires_at__gt=timezone.now())
    # Expired is our own guess: the provider may know of a payment whose webhook was lost.
    expected = [PaymentState.OPEN, PaymentState.PROCESSING, PaymentState.EXPIRED]
    asked = Q(state__in=expected) | Q(
        payable, state__in=[PaymentState.FAILED, PaymentState.CANCELLED]
    )
    from django_digitalstore.payments.inbox import process_waiting  # the inbox builds on flows

    refuse_in_transaction("payments.flows.refresh_order()")
    open_attempts = (
        get_payment_model().objects.filter(asked, order_id=order.pk).exclude(checkout_reference="")
    )
    for alias, reference in sorted(
        set(open_attempts.order_by().values_list("alias", "checkout_reference"))
    ):
        try:
            events = call_provider(payment_backends[alias].fetch_checkout, reference)
        except Exception:
            logger.exception("Provider %r could not be asked about a checkout.", alias)
            continue
        apply_events(alias, events)
        for event in events:
            process_waiting(payment_key(alias, event.payment))
    return get_order_model().objects.get(pk=order.pk)


@flow(atomic=False)
def expire_checkouts(*, now: datetime | None = None) -> int:
    """Mark attempts whose checkout is over and return how many; a late success still wins."""
    now = now or timezone.now()
    over = Q(state=PaymentState.OPEN, checkout_expires_at__lte=now) | Q(
        state=PaymentState.CREATED, created_at__lte=now - REUSE_ORDER
    )
    found = get_payment_model().objects.filter(over).order_by("pk")
    return sum(_expire(pk, order_id, over) for pk, order_id in found.values_list("pk", "order_id"))


def _expire(pk: Any, order_id: Any, over: Q) -> int:
    def expire() -> int:
        order = lock_order(order_id)
        rows = guard.update(
            get_payment_model().objects.filter(over, pk=pk), state=PaymentState.EXPIRED
        )
        if rows:
            settle(order)
        return rows

    return retry_transaction(expire)
