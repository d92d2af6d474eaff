"""The provider's side of the sandbox: what runs on a real provider's machines.

It keeps what happened as facts with their time, and posts a signed webhook for each to the site's
own address: never within a request, but in a thread, and again where the site does not answer 2xx.
"""

from __future__ import annotations

import http.client
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db import connections, transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.core.flow import retry_transaction
from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.backends.base import Checkout, CheckoutAttempt, RefundIntent
from django_digitalstore.payments.exceptions import ProviderRefused

from .models import SandboxCheckout, SandboxDelivery, SandboxFact

__all__ = [
    "Courier",
    "create_checkout",
    "dispute",
    "facts_of",
    "facts_since",
    "pay",
    "redeliver",
    "refund",
    "signed_request",
    "start_courier",
]

logger = logging.getLogger(__name__)

CHECKOUT_AGE = timedelta(hours=24)
LATE = timedelta(seconds=6)
#: Facts on one page of a list.
PAGE = 50
#: Pauses before a delivery is tried again, in seconds, as providers do; then it is given up.
RETRIES = (5, 30, 300, 1800)
TIMEOUT = 15  # seconds that the site may take to answer


def create_checkout(alias: str, attempt: CheckoutAttempt) -> Checkout:
    """Open a checkout session."""
    row = SandboxCheckout.objects.create(
        alias=alias,
        order=attempt.order,
        email=attempt.email,
        country=attempt.country,
        amount=attempt.amount,
        currency=attempt.currency,
        lines=[
            {
                "item": line.item,
                "name": line.name,
                "price": line.unit_price,
                "quantity": line.quantity,
            }
            for line in attempt.lines
        ],
        return_url=attempt.return_url,
        cancel_url=attempt.cancel_url,
        expires_at=timezone.now() + CHECKOUT_AGE,
    )
    # A path: the sandbox stands on the site itself, under whatever address the buyer has opened.
    url = reverse("digitalstore_payments:sandbox_pay", args=[row.token])
    return Checkout(reference=row.token, url=url, expires_at=row.expires_at)


def facts_of(token: str) -> list[dict[str, Any]]:
    """Return what happened to a checkout until now."""
    return _told(SandboxFact.objects.filter(checkout_id=token))


def _told(facts: QuerySet[SandboxFact]) -> list[dict[str, Any]]:
    happened = facts.filter(occurred_at__lte=timezone.now())
    return [{**fact.data, "occurred_at": fact.occurred_at} for fact in happened]


def refunds_of(alias: str, payment: str) -> list[dict[str, Any]]:
    """Return all refunds of a payment, each as it is now."""
    facts = SandboxFact.objects.filter(checkout__alias=alias, kind="refund", data__payment=payment)
    return list({fact["refund"]: fact for fact in _told(facts)}.values())


def facts_since(alias: str, since: datetime) -> Iterator[list[dict[str, Any]]]:
    """Yield what happened from ``since`` until now, page by page, oldest first."""
    facts = SandboxFact.objects.filter(checkout__alias=alias, occurred_at__lte=timezone.now())
    reached, seen = since, 0
    while page := list(
        facts.filter(Q(occurred_at=reached, pk__gt=seen) | Q(occurred_at__gt=reached))[:PAGE]
    ):
        yield [{**fact.data, "occurred_at": fact.occurred_at} for fact in page]
        reached, seen = page[-1].occurred_at, page[-1].pk


@transaction.atomic
def pay(checkout: SandboxCheckout, outcome: str = "succeeded") -> str:
    """Let the buyer pay and return the payment's id.

    ``outcome`` is ``succeeded``, ``failed`` (a declined card), ``cancelled`` or ``late``:
    processing now, and succeeded some seconds later. A checkout that was paid is not paid again.
    """
    locked = SandboxCheckout.objects.select_for_update().get(pk=checkout.pk)
    paid = locked.facts.filter(kind="payment", data__state__in=["succeeded", "processing"]).first()
    if paid is not None:
        return paid.reference
    payment = f"sbx_pay_{uuid4().hex[:20]}"
    base = {
        "kind": "payment",
        "payment": payment,
        "checkout": locked.token,
        "amount": locked.amount,
        "currency": locked.currency,
        "cart": [[line["item"], line["quantity"]] for line in locked.lines],
    }
    now = timezone.now()
    if outcome == "late":
        _happens(locked, payment, {**base, "state": "processing"}, now)
        _happens(locked, payment, {**base, "state": "succeeded"}, now + LATE)
    else:
        failure = "Your card was declined." if outcome == "failed" else ""
        _happens(locked, payment, {**base, "state": outcome, "failure": failure}, now)
    return payment


@transaction.atomic
def refund(
    checkout: SandboxCheckout,
    *,
    amount: int | None = None,
    items: list[list[Any]] | None = None,
    state: str = "succeeded",
    payment: str = "",
    key: str = "",
) -> str:
    """Refund the paid payment of a checkout, in full by default, and return the refund's id.

    ``payment`` says which, where a checkout was paid twice. As in a provider's dashboard: nothing
    is refused. ``key`` is kept with the refund, and the same key twice makes two refunds: not every
    provider knows idempotency keys.
    """
    paid = _paid(checkout, payment)
    reference = f"sbx_ref_{uuid4().hex[:20]}"
    full = amount is None and not items
    returned = sum(part for _, part in items) if items else amount
    data = {
        "kind": "refund",
        "refund": reference,
        "payment": paid["payment"],
        "state": state,
        "amount": paid["amount"] if full else returned,
        "currency": paid["currency"],
        "is_full": full,
        "items": items or [],
        "key": key,
    }
    _happens(checkout, reference, data, timezone.now())
    return reference


def refund_payment(alias: str, intent: RefundIntent) -> dict[str, Any]:
    """Refund a payment as the store asks, and return the fact.

    Raises ``ProviderRefused`` for a payment that is not there, and for more than is left of it.
    """
    return retry_transaction(lambda: _refund_payment(alias, intent))


def _refund_payment(alias: str, intent: RefundIntent) -> dict[str, Any]:
    paid = SandboxFact.objects.filter(
        checkout__alias=alias, kind="payment", reference=intent.payment, data__state="succeeded"
    ).first()
    if paid is None:
        raise ProviderRefused("PAYMENT_NOT_FOUND", f"There is no paid payment {intent.payment!r}.")
    checkout = SandboxCheckout.objects.select_for_update().get(pk=paid.checkout_id)
    gone = sum(
        fact["amount"] for fact in refunds_of(alias, intent.payment) if fact["state"] != "failed"
    )
    rest = paid.data["amount"] - gone
    amount = rest if intent.amount is None else intent.amount
    if intent.currency != paid.data["currency"]:
        raise ProviderRefused("WRONG_CURRENCY", f"It was paid in {paid.data['currency']}.")
    if not 0 < amount <= rest:
        raise ProviderRefused("REFUND_AMOUNT_TOO_HIGH", f"Only {rest} of it is left.")
    reference = refund(
        checkout,
        amount=None if amount == paid.data["amount"] and not intent.items else amount,
        items=[list(item) for item in intent.items],
        payment=intent.payment,
        key=intent.key,
    )
    return next(f for f in refunds_of(alias, intent.payment) if f["refund"] == reference)


@transaction.atomic
def dispute(checkout: SandboxCheckout, state: str = "opened", *, reference: str = "") -> str:
    """Let the buyer's bank dispute the payment, or let a dispute move on; return its id."""
    payment = _paid(checkout)
    reference = reference or f"sbx_dsp_{uuid4().hex[:20]}"
    data = {
        "kind": "dispute",
        "dispute": reference,
        "payment": payment["payment"],
        "state": state,
        "amount": payment["amount"],
        "currency": payment["currency"],
    }
    _happens(checkout, reference, data, timezone.now())
    return reference


def _paid(checkout: SandboxCheckout, payment: str = "") -> dict[str, Any]:
    payments = checkout.facts.filter(kind="payment", data__state="succeeded")
    paid = (payments.filter(reference=payment) if payment else payments).first()
    if paid is None:
        raise ValueError(f"The sandbox checkout {checkout.token} is not paid.")
    return dict(paid.data)


def _happens(
    checkout: SandboxCheckout, reference: str, data: dict[str, Any], at: datetime
) -> SandboxDelivery:
    SandboxFact.objects.create(
        checkout=checkout, kind=data["kind"], reference=reference, data=data, occurred_at=at
    )
    body = {"type": f"{data['kind']}.{data['state']}", "timestamp": at.isoformat(), "data": data}
    return SandboxDelivery.objects.create(
        message_id=f"msg_{uuid4().hex}", alias=checkout.alias, body=json.dumps(body), due_at=at
    )


def redeliver(delivery: SandboxDelivery) -> None:
    """Put a delivery back into the queue, as a provider's dashboard can."""
    SandboxDelivery.objects.filter(pk=delivery.pk).update(
        delivered_at=None, due_at=timezone.now(), attempts=0
    )


def signed_request(delivery: SandboxDelivery) -> tuple[str, bytes, dict[str, str]]:
    """Return path, body and signed headers of a delivery, signed now."""
    from django_digitalstore.payments.backends import payment_backends

    backend: Any = payment_backends[delivery.alias]
    body = delivery.body.encode()
    timestamp = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_webhooks.sign(
            backend.secret, delivery.message_id, timestamp, body
        ),
    }
    return reverse("digitalstore_payments:webhook", args=[delivery.alias]), body, headers


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Courier(threading.Thread):
    """Delivers what is due, until nothing more comes up soon. One for each process."""

    _running: Courier | None = None
    _lock = threading.Lock()

    def __init__(self, site: str) -> None:
        super().__init__(name="digitalstore-sandbox-courier", daemon=True)
        self.site = site
        # No proxy: the site's own address is all that is ever called.
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)

    def run(self) -> None:
        try:
            while not self._is_done():
                self._deliver_due()
                time.sleep(0.25)
        except Exception:
            logger.exception("The sandbox's courier stopped; the next payment starts it again.")
            with Courier._lock:
                Courier._running = None
        finally:
            connections.close_all()

    def _is_done(self) -> bool:
        """Say goodbye where nothing is left, under the lock: a new payment starts another one."""
        with Courier._lock:
            if self._queued().exists():
                return False
            Courier._running = None
            return True

    def _queued(self) -> QuerySet[SandboxDelivery]:
        return SandboxDelivery.objects.filter(delivered_at=None, attempts__lte=len(RETRIES))

    def _deliver_due(self) -> None:
        for delivery in self._queued().filter(due_at__lte=timezone.now())[:50]:
            self._deliver(delivery)

    def _deliver(self, delivery: SandboxDelivery) -> None:
        path, body, headers = signed_request(delivery)
        request = urllib.request.Request(  # noqa: S310  the address is the site's own
            f"{self.site}{path}", data=body, headers=headers, method="POST"
        )
        try:
            with self.opener.open(request, timeout=TIMEOUT) as response:
                answer, accepted = str(response.status), 200 <= response.status < 300
        except urllib.error.HTTPError as error:
            answer, accepted = str(error.code), False
        except (OSError, http.client.HTTPException) as error:
            answer, accepted = f"{type(error).__name__}: {error}", False
        pause = RETRIES[min(delivery.attempts, len(RETRIES) - 1)]
        SandboxDelivery.objects.filter(pk=delivery.pk).update(
            attempts=F("attempts") + 1,
            last_answer=answer[:200],
            delivered_at=timezone.now() if accepted else None,
            due_at=timezone.now() + timedelta(seconds=pause),
        )


def start_courier(site: str) -> None:
    """Deliver to ``site``, scheme and host, in a thread of this process, after the commit."""

    def start() -> None:
        with Courier._lock:
            if Courier._running is None:
                Courier._running = Courier(site)
                Courier._running.start()

    transaction.on_commit(start)
