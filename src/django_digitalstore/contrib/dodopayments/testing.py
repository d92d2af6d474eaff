"""What Dodo sends, for tests: the bodies of its webhooks. ::

    from django_digitalstore.contrib.dodopayments import testing as dodo
    from django_digitalstore.payments.testing import post_webhook

    body = dodo.payment_payload(checkout=attempt.checkout_reference, cart=attempt.cart)
    response = post_webhook(client, body)

The bodies hold every field that Dodo's document requires, and nothing that it does not know.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "dispute",
    "dispute_payload",
    "payload",
    "payment",
    "payment_payload",
    "refund",
    "refund_payload",
]

BUSINESS = "bus_test"


def _time(at: datetime | None) -> str:
    return (at or datetime.now(UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")


def payload(kind: str, data: Mapping[str, Any], *, at: datetime | None = None) -> dict[str, Any]:
    """Return the body of a webhook of type ``kind``, as in ``"payment.succeeded"``."""
    business = data.get("business_id", BUSINESS)
    return {"business_id": business, "type": kind, "timestamp": _time(at), "data": dict(data)}


def _customer(customer: str) -> dict[str, Any]:
    return {
        "customer_id": customer,
        "email": "reader@example.com",
        "name": "Rita Reader",
        "phone_number": None,
        "metadata": {},
    }


def payment(
    *,
    payment: str = "pay_1",
    checkout: str | None = "cks_1",
    status: str | None = "succeeded",
    amount: int = 1999,
    currency: str = "EUR",
    tax: int | None = None,
    cart: Iterable[tuple[str, int]] | None = None,
    customer: str = "cus_1",
    created_at: datetime | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a payment as Dodo's API and webhooks hold it.

    ``amount`` is what was charged in all, in minor units; ``cart`` are (product, quantity) pairs.
    ``fields`` replaces or adds others, as in ``refunds=[refund()]`` or ``settlement_amount=1900``.
    """
    return {
        "payment_id": payment,
        "business_id": BUSINESS,
        "brand_id": BUSINESS,
        "status": status,
        "currency": currency,
        "total_amount": amount,
        "tax": tax,
        "settlement_amount": amount,
        "settlement_currency": currency,
        "settlement_tax": tax,
        "created_at": _time(created_at),
        "updated_at": None,
        "customer": _customer(customer),
        "billing": {"country": "DE"},
        "metadata": {},
        "product_cart": (
            None
            if cart is None
            else [{"product_id": product, "quantity": number} for product, number in cart]
        ),
        "checkout_session_id": checkout,
        "digital_products_delivered": False,
        "disputes": [],
        "refunds": [],
        "refund_status": None,
        "is_update_payment_method": False,
        "payment_provider": "dodo",
        "retry_attempt": 0,
        "error_code": None,
        "error_message": None,
        **copy.deepcopy(fields),
    }


def refund(
    *,
    refund: str = "ref_1",
    payment: str = "pay_1",
    status: str = "succeeded",
    amount: int | None = 1999,
    currency: str | None = "EUR",
    is_partial: bool = False,
    key: str = "",
    created_at: datetime | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a refund as Dodo's API and webhooks hold it; ``key`` is ours, in its metadata."""
    return {
        "refund_id": refund,
        "payment_id": payment,
        "business_id": BUSINESS,
        "brand_id": BUSINESS,
        "status": status,
        "amount": amount,
        "currency": currency,
        "is_partial": is_partial,
        "reason": None,
        "created_at": _time(created_at),
        "customer": _customer("cus_1"),
        "metadata": {"digitalstore_refund": key} if key else {},
        **copy.deepcopy(fields),
    }


def dispute(
    *,
    dispute: str = "dp_1",
    payment: str = "pay_1",
    status: str = "dispute_opened",
    amount: str | None = "1999",
    currency: str = "EUR",
    created_at: datetime | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a dispute as Dodo's API and webhooks hold it; its amount is a text."""
    return {
        "dispute_id": dispute,
        "payment_id": payment,
        "business_id": BUSINESS,
        "amount": amount,
        "currency": currency,
        "dispute_stage": "dispute",
        "dispute_status": status,
        "created_at": _time(created_at),
        "remarks": None,
        "is_resolved_by_rdr": None,
        "brand_id": BUSINESS,
        "customer": _customer("cus_1"),
        "payment_provider": "dodo",
        "reason": None,
        **copy.deepcopy(fields),
    }


def payment_payload(*, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body of a webhook about ``payment(**fields)``."""
    data = payment(**fields)
    return payload(f"payment.{data['status'] or 'processing'}", data, at=at)


def refund_payload(*, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body of a webhook about ``refund(**fields)``."""
    data = refund(**fields)
    return payload(f"refund.{data['status']}", data, at=at)


def dispute_payload(*, at: datetime | None = None, **fields: Any) -> dict[str, Any]:
    """Return the body of a webhook about ``dispute(**fields)``."""
    data = dispute(**fields)
    kind = str(data["dispute_status"]).removeprefix("dispute_")
    return payload(f"dispute.{kind}", data, at=at)
