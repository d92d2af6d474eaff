"""What tests of a shop with Stripe need: its events, signed as Stripe does. ::

    from django_digitalstore.contrib.stripe.testing import paid_session, signed_event

    body, headers = signed_event(paid_session(checkout="cs_…", amount=1999, currency="EUR"), secret)
    client.post("/store/payments/stripe/webhook/", body, "application/json", headers=headers)

Sessions, refunds and disputes hold the fields that the backend reads, and the few beside them that
make them what they are; amounts are in minor units.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from . import signatures
from .amounts import to_stripe
from .translation import REFUND_KEY

__all__ = ["dispute_event", "event", "paid_session", "refund_event", "session", "signed_event"]


def event(
    kind: str, value: Mapping[str, Any], *, created: int | None = None, livemode: bool = False
) -> dict[str, Any]:
    """Return an event of type ``kind`` about an object; ``created`` is in seconds since 1970."""
    return {
        "id": f"evt_{uuid4().hex[:24]}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()) if created is None else created,
        "data": {"object": dict(value)},
        "livemode": livemode,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def session(
    *, checkout: str, payment: str, amount: int, currency: str, **changed: Any
) -> dict[str, Any]:
    """Return a Checkout Session that was paid; ``amount`` is in ISO 4217's minor units."""
    total = to_stripe(amount, currency)
    return {
        "id": checkout,
        "object": "checkout.session",
        "amount_subtotal": total,
        "amount_total": total,
        "currency": currency.lower(),
        "customer": "cus_1",
        "livemode": False,
        "mode": "payment",
        "payment_intent": payment,
        "payment_status": "paid",
        "status": "complete",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        **changed,
    }


def paid_session(
    *,
    checkout: str,
    amount: int,
    currency: str,
    payment: str = "pi_1",
    created: int | None = None,
    **changed: Any,
) -> dict[str, Any]:
    """Return the event that tells of a paid session."""
    paid = session(checkout=checkout, payment=payment, amount=amount, currency=currency, **changed)
    return event("checkout.session.completed", paid, created=created)


def refund_event(
    *,
    payment: str = "pi_1",
    refund: str = "re_1",
    amount: int,
    currency: str,
    status: str = "succeeded",
    key: str = "",
    created: int | None = None,
) -> dict[str, Any]:
    """Return the event that tells of a refund; ``key`` is that of our own request."""
    value = {
        "id": refund,
        "object": "refund",
        "amount": to_stripe(amount, currency),
        "charge": "ch_1",
        "currency": currency.lower(),
        "metadata": {REFUND_KEY: key} if key else {},
        "payment_intent": payment,
        "status": status,
    }
    return event("refund.updated", value, created=created)


def dispute_event(
    *,
    payment: str = "pi_1",
    dispute: str = "du_1",
    amount: int,
    currency: str,
    status: str = "needs_response",
    created: int | None = None,
) -> dict[str, Any]:
    """Return the event that tells of a dispute."""
    value = {
        "id": dispute,
        "object": "dispute",
        "amount": to_stripe(amount, currency),
        "charge": "ch_1",
        "currency": currency.lower(),
        "payment_intent": payment,
        "reason": "fraudulent",
        "status": status,
    }
    return event("charge.dispute.updated", value, created=created)


def signed_event(
    body: Mapping[str, Any], secret: str, *, timestamp: int | None = None
) -> tuple[bytes, dict[str, str]]:
    """Return the bytes of an event and the header that signs them with ``secret``."""
    raw = json.dumps(body).encode()
    signed_at = int(time.time()) if timestamp is None else timestamp
    return raw, {signatures.HEADER: signatures.sign(secret, signed_at, raw)}
