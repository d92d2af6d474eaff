"""What tests of a host's project need: orders, payments, refunds, and signed webhooks.

Everything goes the public way: through the flows, the sandbox provider and the inbox, with real
signatures. No guarded table is written past its guard, so that a passing test means what it says.
It works under Django's TestCase and TransactionTestCase, and under pytest. ::

    from django_digitalstore.payments.testing import paid_order, deliver_webhooks

    order = paid_order(customer, book)          # placed, paid at the sandbox, webhook applied

    client.post("/checkout/", {...})            # or as a buyer does, up to the sandbox's page
    deliver_webhooks(client)                    # the sandbox never posts to the test client itself

Under Django's TestCase nothing commits: wrap a call in ``captureOnCommitCallbacks(execute=True)``
where the receipt's e-mail or a signal matters.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.core.site_url import absolute_url
from django_digitalstore.payments import (
    flows,
    get_order_model,
    get_payment_model,
    inbox,
    standard_webhooks,
)
from django_digitalstore.payments.abstract_models import AbstractOrder, AbstractPayment
from django_digitalstore.payments.backends import payment_backends
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.backends.sandbox.models import (
    SandboxCheckout,
    SandboxDelivery,
    SandboxFact,
)
from django_digitalstore.payments.choices import PaymentState

__all__ = [
    "DeliveryFailed",
    "deliver",
    "deliver_webhooks",
    "dispute",
    "let_time_pass",
    "paid_order",
    "pay",
    "place_order",
    "post_webhook",
    "refund",
    "refunded_order",
    "sandbox_checkout",
    "sign_webhook",
]


class DeliveryFailed(DigitalStoreError, AssertionError):
    """The store did not take a webhook message. The inbox says why."""


def place_order(
    customer: Any,
    *products: Any,
    email: str = "",
    country: str = "DE",
    alias: str = "default",
) -> AbstractPayment:
    """Place an order and open its checkout, as a buyer does; return the attempt that is to pay it.

    For another kind of line, give a ``flows.LineRequest`` in place of the product. Raises what the
    checkout raises. An order whose total is zero is paid at once.
    """
    payment = flows.start_checkout(
        customer,
        [
            product if isinstance(product, flows.LineRequest) else flows.LineRequest(product)
            for product in products
        ],
        email=email or getattr(customer, "email", "") or "customer@example.com",
        country=country,
        alias=alias,
    )
    if payment.state != PaymentState.CREATED:
        return payment
    here = absolute_url("/")
    return flows.open_checkout(payment, return_url=here, cancel_url=here)


def sandbox_checkout(payment: AbstractPayment) -> SandboxCheckout:
    """Return the sandbox's side of an open checkout. Raises ``SandboxCheckout.DoesNotExist``."""
    return SandboxCheckout.objects.get(pk=payment.checkout_reference)


def pay(payment: AbstractPayment, outcome: str = "succeeded", *, client: Any = None) -> str:
    """Let the buyer pay at the sandbox, apply the webhooks that are due, return the payment's id.

    ``outcome``: ``succeeded``, ``failed``, ``cancelled``, or ``late``: see ``let_time_pass``.
    With a test client the webhooks are posted through it; without, they go to the inbox itself.
    """
    reference = provider.pay(sandbox_checkout(payment), outcome)
    _deliver_due(payment.alias, client)
    return reference


def paid_order(
    customer: Any,
    *products: Any,
    email: str = "",
    country: str = "DE",
    alias: str = "default",
    client: Any = None,
) -> AbstractOrder:
    """Return an order that was placed, paid at the sandbox, and settled by its webhook."""
    payment = place_order(customer, *products, email=email, country=country, alias=alias)
    if payment.state != PaymentState.SUCCEEDED:
        pay(payment, client=client)
    order = get_order_model().objects.get(pk=payment.order_id)
    if order.paid_at is None:
        raise DeliveryFailed(f"Order {order} is {order.status} after its payment, and not paid.")
    return order


def refund(
    order: AbstractOrder,
    *,
    amount: int | None = None,
    items: list[list[Any]] | None = None,
    state: str = "succeeded",
    client: Any = None,
) -> str:
    """Let the sandbox refund an order's payment, in full by default; return the refund's id.

    ``amount`` is in minor units; ``items`` are [item, amount] pairs of the payment's cart.
    """
    payment = _paid_payment(order)
    reference = provider.refund(sandbox_checkout(payment), amount=amount, items=items, state=state)
    _deliver_due(payment.alias, client)
    return reference


def refunded_order(
    customer: Any,
    *products: Any,
    email: str = "",
    country: str = "DE",
    alias: str = "default",
    client: Any = None,
) -> AbstractOrder:
    """Return an order that was paid, and refunded in full: its buyer has access no more."""
    order = paid_order(
        customer, *products, email=email, country=country, alias=alias, client=client
    )
    refund(order, client=client)
    order.refresh_from_db()
    return order


def dispute(
    order: AbstractOrder, state: str = "opened", *, reference: str = "", client: Any = None
) -> str:
    """Let the buyer's bank dispute a payment, or let the dispute ``reference`` move on.

    ``state`` is one of ``DisputeState``. Returns the dispute's id.
    """
    payment = _paid_payment(order)
    reference = provider.dispute(sandbox_checkout(payment), state, reference=reference)
    _deliver_due(payment.alias, client)
    return reference


def _paid_payment(order: AbstractOrder) -> AbstractPayment:
    payments = get_payment_model().objects.filter(order_id=order.pk, state=PaymentState.SUCCEEDED)
    payment = payments.exclude(checkout_reference="").order_by("pk").first()
    if payment is None:
        raise ValueError(f"Order {order} has no payment to give back: pay it first.")
    return payment


def let_time_pass() -> None:
    """Make what the sandbox will do later (a late payment, a retried webhook) due now."""
    now = timezone.now()
    SandboxFact.objects.filter(occurred_at__gt=now).update(occurred_at=now)
    SandboxDelivery.objects.filter(delivered_at=None, due_at__gt=now).update(due_at=now)


def sign_webhook(
    body: bytes | str | Mapping[str, Any],
    *,
    alias: str = "default",
    message_id: str = "",
    timestamp: int | None = None,
) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of ``body`` and headers that sign them, as the provider of ``alias`` does.

    For providers that speak Standard Webhooks, by the first of the backend's ``webhook_secrets``.
    """
    if isinstance(body, Mapping):
        body = json.dumps(body)
    raw = body.encode() if isinstance(body, str) else body
    secret = payment_backends[alias].webhook_secrets[0]
    message_id = message_id or f"msg_{uuid4().hex}"
    timestamp = int(time.time()) if timestamp is None else timestamp
    return raw, {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_webhooks.sign(secret, message_id, timestamp, raw),
    }


def post_webhook(
    client: Any,
    body: bytes | str | Mapping[str, Any],
    *,
    alias: str = "default",
    message_id: str = "",
    timestamp: int | None = None,
) -> Any:
    """Sign ``body`` and post it to the webhook of ``alias`` through a Django test client.

    Returns the response. With the ``message_id`` of an earlier one it is a redelivery; an old
    ``timestamp`` (seconds) is refused. As for ``sign_webhook``.
    """
    raw, headers = sign_webhook(body, alias=alias, message_id=message_id, timestamp=timestamp)
    content_type = headers.pop("Content-Type")
    path = reverse("digitalstore_payments:webhook", args=[alias])
    return client.post(path, data=raw, content_type=content_type, headers=headers)


def deliver(client: Any, delivery: SandboxDelivery) -> Any:
    """Post one of the sandbox's messages, signed now, through a Django test client.

    Returns the response. Any number of times, in any order: that is what providers do.
    """
    response = post_webhook(
        client, delivery.body, alias=delivery.alias, message_id=delivery.message_id
    )
    _mark(delivery, response.status_code)
    return response


def deliver_webhooks(client: Any, *, alias: str = "default") -> list[Any]:
    """Deliver all that the sandbox has queued and is due, oldest first; return the responses."""
    return [deliver(client, delivery) for delivery in _due(alias)]


def _due(alias: str) -> list[SandboxDelivery]:
    queued = SandboxDelivery.objects.filter(alias=alias, delivered_at=None)
    return list(queued.filter(due_at__lte=timezone.now()))


def _deliver_due(alias: str, client: Any) -> None:
    for delivery in _due(alias):
        if client is not None:
            response = deliver(client, delivery)
            status, text = response.status_code, response.content.decode()
        else:
            body, headers = sign_webhook(delivery.body, alias=alias, message_id=delivery.message_id)
            answer = inbox.receive(alias, body, headers)
            status, text = answer.status, answer.text
            _mark(delivery, status)
        if not 200 <= status < 300:
            raise DeliveryFailed(f"The webhook {delivery} was answered {status}: {text.strip()}")


def _mark(delivery: SandboxDelivery, status: int) -> None:
    SandboxDelivery.objects.filter(pk=delivery.pk).update(
        attempts=F("attempts") + 1,
        last_answer=str(status),
        delivered_at=timezone.now() if 200 <= status < 300 else None,
    )
