"""Signed webhooks of the sandbox, with any body, for the tests of the inbox."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth import get_user_model

from django_digitalstore.catalog import get_product_model
from django_digitalstore.payments import flows, standard_webhooks
from django_digitalstore.payments.backends import payment_backends

URL = "/store/payments/default/webhook/"
START = datetime(2026, 1, 1, tzinfo=UTC)


def secret(alias: str = "default") -> str:
    """Return the secret that the site expects."""
    return payment_backends[alias].secret


def headers(
    body: bytes, message_id: str, *, alias: str = "default", key: str | None = None, age: int = 0
) -> dict[str, str]:
    """Sign ``body`` as the sandbox does, ``age`` seconds ago."""
    timestamp = int(time.time()) - age
    signature = standard_webhooks.sign(key or secret(alias), message_id, timestamp, body)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature,
    }


def post(
    client: Any, body: bytes | dict[str, Any], message_id: str, *, url: str = URL, **how: Any
) -> Any:
    """Deliver a body through the test client."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(
        url, data=raw, content_type="application/json", headers=headers(raw, message_id, **how)
    )


def make_product(slug: str = "book", price: int = 1999, **fields: Any) -> Any:
    """Put a product on sale."""
    return get_product_model()._default_manager.create(
        title=slug.title(), slug=slug, price=price, status="published", **fields
    )


def make_customer(name: str = "ada") -> Any:
    """Sign somebody up, in whatever way the host's user model wants."""
    model = get_user_model()
    email = f"{name}@example.com"
    names = (
        {"email": email} if model.USERNAME_FIELD == "email" else {"username": name, "email": email}
    )
    return model._default_manager.create_user(**names, password="a-long-password")


def open_order(customer: Any, *products: Any) -> Any:
    """Place an order and open its checkout; return the payment attempt."""
    payment = flows.start_checkout(
        customer, [flows.LineRequest(product) for product in products], email=customer.email
    )
    return flows.open_checkout(
        payment, return_url="https://shop.test/return/", cancel_url="https://shop.test/cancel/"
    )


def at(second: int) -> str:
    """Return a provider's time, ``second`` seconds into the test."""
    return (START + timedelta(seconds=second)).isoformat()


def payment_event(
    attempt: Any,
    state: str = "succeeded",
    *,
    reference: str = "pay_1",
    second: int = 10,
    **data: Any,
) -> dict[str, Any]:
    """Return the body that reports a payment of ``attempt``."""
    return {
        "type": f"payment.{state}",
        "timestamp": at(second),
        "data": {
            "kind": "payment",
            "state": state,
            "payment": reference,
            "checkout": attempt.checkout_reference,
            "amount": attempt.order.total,
            "currency": attempt.order.currency,
            "cart": attempt.cart,
            **data,
        },
    }


def refund_event(
    state: str = "succeeded",
    *,
    payment: str = "pay_1",
    reference: str = "ref_1",
    amount: int = 1999,
    second: int = 20,
    **data: Any,
) -> dict[str, Any]:
    """Return the body that reports a refund."""
    return {
        "type": f"refund.{state}",
        "timestamp": at(second),
        "data": {
            "kind": "refund",
            "state": state,
            "payment": payment,
            "refund": reference,
            "amount": amount,
            "currency": "EUR",
            **data,
        },
    }


def dispute_event(
    state: str = "opened",
    *,
    payment: str = "pay_1",
    reference: str = "dsp_1",
    amount: int = 1999,
    second: int = 30,
) -> dict[str, Any]:
    """Return the body that reports a dispute."""
    return {
        "type": f"dispute.{state}",
        "timestamp": at(second),
        "data": {
            "kind": "dispute",
            "state": state,
            "payment": payment,
            "dispute": reference,
            "amount": amount,
            "currency": "EUR",
        },
    }
