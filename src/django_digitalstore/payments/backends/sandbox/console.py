"""What the buttons of a paid checkout do: what else happens at a provider after the payment.

Like a provider's dashboard, it asks the store for nothing and tells it by webhooks.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from django_digitalstore.payments.choices import DisputeState

from . import provider
from .models import SandboxCheckout, SandboxDelivery, SandboxFact

__all__ = ["DeliveryTold", "NothingToDo", "Told", "act", "look_at", "page_of", "pay_out_of_order"]

_OPEN = (DisputeState.OPENED, DisputeState.CHALLENGED)
_MOST_TOLD = 30


class NothingToDo(Exception):
    """A button was pressed whose time is over: in another tab, or twice."""


@dataclass(frozen=True, slots=True)
class DeliveryTold:
    """A webhook message: its type, and what the store answered."""

    type: str
    delivery: SandboxDelivery


@dataclass(frozen=True, slots=True)
class Told:
    """What happened to a checkout. ``rest`` in minor units is held; ``dispute`` is open, or ""."""

    facts: list[SandboxFact]
    deliveries: list[DeliveryTold]
    is_paid: bool
    is_on_its_way: bool
    rest: int
    dispute: str

    @property
    def last(self) -> SandboxFact | None:
        """Return what became of the payment last."""
        return next((f for f in reversed(self.facts) if f.kind == "payment"), None)


def look_at(checkout: SandboxCheckout) -> Told:
    """Return what happened to a checkout until now. Two queries."""
    facts = list(checkout.facts.filter(occurred_at__lte=timezone.now()))
    payments = [fact for fact in facts if fact.kind == "payment"]
    paid = [fact for fact in payments if fact.data["state"] == "succeeded"]
    latest = {fact.reference: fact.data for fact in facts}
    refunds = [data for data in latest.values() if data["kind"] == "refund"]
    gone = sum(data["amount"] for data in refunds if data["state"] != "failed")
    disputes = [data for data in latest.values() if data["kind"] == "dispute"]
    lost = any(d["state"] in (DisputeState.LOST, DisputeState.ACCEPTED) for d in disputes)
    return Told(
        facts=facts,
        deliveries=_deliveries(checkout, {fact.data["payment"] for fact in payments}),
        is_paid=bool(paid),
        is_on_its_way=bool(payments) and payments[-1].data["state"] == "processing",
        rest=max(paid[0].data["amount"] - gone, 0) if paid and not lost else 0,
        dispute=next((d["dispute"] for d in disputes if d["state"] in _OPEN), ""),
    )


def _deliveries(checkout: SandboxCheckout, payments: set[str]) -> list[DeliveryTold]:
    """Return the messages about a checkout, newest first."""
    if not payments:
        return []
    found = SandboxDelivery.objects.filter(_mentions(payments), alias=checkout.alias)
    return [
        DeliveryTold(json.loads(delivery.body)["type"], delivery)
        for delivery in found.order_by("-pk")[:_MOST_TOLD]
    ]


def _mentions(payments: set[str]) -> Q:
    return reduce(or_, (Q(body__contains=payment) for payment in sorted(payments)))


@transaction.atomic
def act(checkout: SandboxCheckout, action: str) -> None:
    """Let happen what a button says. Raises ``NothingToDo``, and ``KeyError`` for no button."""
    locked = SandboxCheckout.objects.select_for_update().get(pk=checkout.pk)
    told = look_at(locked)
    _ACTIONS[action](locked, told)


def _refund(checkout: SandboxCheckout, told: Told) -> None:
    whole = told.rest == checkout.amount
    _refund_amount(checkout, told, None if whole else told.rest)


def _refund_part(checkout: SandboxCheckout, told: Told) -> None:
    _refund_amount(checkout, told, (told.rest + 1) // 2)


def _refund_amount(checkout: SandboxCheckout, told: Told, amount: int | None) -> None:
    if not told.rest:
        raise NothingToDo
    provider.refund(checkout, amount=amount)


def _open_dispute(checkout: SandboxCheckout, told: Told) -> None:
    if told.dispute or not told.rest:
        raise NothingToDo
    provider.dispute(checkout)


def _win(checkout: SandboxCheckout, told: Told) -> None:
    _decide(checkout, told, DisputeState.WON)


def _lose(checkout: SandboxCheckout, told: Told) -> None:
    _decide(checkout, told, DisputeState.LOST)


def _decide(checkout: SandboxCheckout, told: Told, state: DisputeState) -> None:
    if not told.dispute:
        raise NothingToDo
    provider.dispute(checkout, state, reference=told.dispute)


def _duplicate(checkout: SandboxCheckout, told: Told) -> None:
    if not told.deliveries:
        raise NothingToDo
    provider.redeliver(told.deliveries[0].delivery)


_ACTIONS = {
    "refund": _refund,
    "refund_part": _refund_part,
    "dispute": _open_dispute,
    "win": _win,
    "lose": _lose,
    "duplicate": _duplicate,
}


@transaction.atomic
def pay_out_of_order(checkout: SandboxCheckout) -> None:
    """Pay and refund, and let the payment's message arrive some seconds after the refund's."""
    told = look_at(SandboxCheckout.objects.select_for_update().get(pk=checkout.pk))
    if told.is_paid or told.is_on_its_way:
        raise NothingToDo
    payment = provider.pay(checkout)
    held = SandboxDelivery.objects.filter(body__contains=payment, delivered_at=None)
    held.update(due_at=timezone.now() + provider.LATE)
    provider.refund(checkout)


def page_of(payment: Any) -> str:
    """Return the path of a payment's page at the sandbox; empty elsewhere, and in production."""
    if not (settings.DIGITALSTORE_TEST_MODE and payment.checkout_reference):
        return ""
    try:
        path = reverse("digitalstore_payments:sandbox_pay", args=[payment.checkout_reference])
    except NoReverseMatch:
        return ""
    return path if path == payment.checkout_url else ""
