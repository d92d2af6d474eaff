"""Money in: orders and webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.test import override_settings
from django.utils import timezone

from benchmarks import floors, peers
from benchmarks.requests import request
from benchmarks.runner import Job, Limit, Way
from benchmarks.seed import Shop
from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import policies
from django_digitalstore.payments import flows, get_order_model
from django_digitalstore.payments.testing import place_order, sign_webhook

__all__ = ["JOBS"]

WEBHOOK = "/store/payments/default/webhook/"
_numbers = count(1)
Call = Callable[[], Any]


class _Buyers:
    """Somebody new for each call: who has bought something does not buy it again."""

    def __init__(self, shop: Shop) -> None:
        self.product: Any = get_product_model()._default_manager.get(pk=shop.products[0])
        self._model = get_user_model()

    def next(self) -> Any:
        name = f"new{next(_numbers)}"
        return self._model._default_manager.create(username=name, email=f"{name}@example.com")

    def payment(self) -> Any:
        """Return the payment of a new order, for which the money has not come."""
        return place_order(self.next(), self.product)

    def body(self) -> bytes:
        """Return what reports the payment of a new order."""
        payment = self.payment()
        return json.dumps(
            {
                "type": "payment.succeeded",
                "timestamp": timezone.now().isoformat(),
                "data": {
                    "kind": "payment",
                    "state": "succeeded",
                    "payment": f"pay_{next(_numbers)}",
                    "checkout": payment.checkout_reference,
                    "amount": payment.amount,
                    "currency": payment.currency,
                    "cart": payment.cart,
                },
            }
        ).encode()

    def prove(self, way: Way) -> None:
        """Have a new order paid in this way, and look whether it was, and handed over."""
        assert way.before is not None
        way.run(way.before())
        order = get_order_model()._default_manager.latest("pk")
        assert order.status == "paid", way.name
        assert policies.has_access(order.customer, self.product), way.name

    def to_us(self) -> Call:
        raw, headers = sign_webhook(self.body(), message_id=f"msg_{next(_numbers)}")
        return _post(WEBHOOK, raw, headers)

    def to_floor(self) -> Call:
        raw, name, now = self.body(), f"floor_{next(_numbers)}", str(int(time.time()))
        signed = b".".join([name.encode(), now.encode(), raw])
        right = base64.b64encode(hmac.new(floors.SECRET, signed, hashlib.sha256).digest())
        headers = {
            "webhook-id": name,
            "webhook-timestamp": now,
            "webhook-signature": f"v1,{right.decode()}",
        }
        return _post("/floor/webhook/", raw, headers)


def _post(path: str, raw: bytes, headers: dict[str, str], expected: int = 200) -> Call:
    named = {name: value for name, value in headers.items() if name != "Content-Type"}
    return request(path, method="POST", body=raw, headers=named, expected=expected)


def _call(prepared: Call) -> None:
    prepared()


def _by_queue(prepared: Call) -> None:
    """The receipt is left to a queue of Django's tasks, which does it elsewhere."""
    with override_settings(DIGITALSTORE_TASKS="later"):
        prepared()


def _has_queues() -> bool:
    try:
        import django.tasks  # noqa: F401
    except ImportError:
        return False
    return True


_LOOPBACK = (
    "dj-stripe's calls to Stripe are answered by a server on loopback, at once: over the internet "
    "they take it far longer."
)


def webhook(shop: Shop) -> Job:
    """A payment is reported: signature, inbox, order, ledger, purchase, outbox."""
    buyers = _Buyers(shop)
    ways = [Way("floor: cursor, 5 statements", _call, before=buyers.to_floor)]
    limits = []
    notes = []
    if _has_queues():
        ways.append(Way("webhook, receipt by a queue", _by_queue, before=buyers.to_us))
        limits.append(Limit("webhook, receipt by a queue", ratio=3))
    else:
        notes.append("Django's tasks are not there before 6.0: no way with a queue.")
    ways.append(Way("webhook, receipt sent at once", _call, before=buyers.to_us))
    ours = ways[1].name
    reports = peers.dj_stripe(buyers.payment)
    for kind, report in reports.items():
        name = f"dj-stripe, {kind}"
        ways.append(Way(name, _call, before=report))
        # It sends no receipt either.
        limits.append(Limit(ours, ratio=0.25, of=name))
    for way in ways:
        buyers.prove(way)
    notes.append(_LOOPBACK if reports else peers.why_not("dj-stripe"))
    notes.append("The contract of 20 statements is tests/payments/test_statement_budgets.py.")
    return Job("webhook", "Webhook → order paid → purchase, end to end", ways, limits, notes)


def duplicate(shop: Shop) -> Job:
    """The same message again."""
    buyers = _Buyers(shop)
    again = buyers.to_us()
    again()
    return Job(
        "webhook-duplicate",
        "The same, a duplicate delivery",
        [
            Way("first delivery", _call, before=buyers.to_us),
            Way("duplicate", again),
        ],
        [Limit("duplicate", ratio=0.5, sql=3)],
    )


def forged(shop: Shop) -> Job:
    """A message that nobody signed."""
    raw = _Buyers(shop).body()
    _, headers = sign_webhook(b"another body", message_id="msg_forged")
    empty = request("/deep/floor/code/empty/", method="POST", body=raw)
    return Job(
        "webhook-forged",
        "A forged webhook",
        [
            Way("floor: an empty view, as deep in the URLs", empty),
            Way("forged", _post(WEBHOOK, raw, headers, expected=401)),
        ],
        [Limit("forged", ratio=1.5, sql=0)],
    )


def order(shop: Shop) -> Job:
    """Placing an order for one product, up to the attempt that is to pay it."""
    buyers = _Buyers(shop)

    def floor(user: Any) -> None:
        now = timezone.now()
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT price, currency FROM shop_product WHERE id = %s", [buyers.product.pk]
            )
            price, currency = cursor.fetchone()
            cursor.execute(
                "INSERT INTO shop_order (public_id, customer_id, email, country, currency, "
                "subtotal, discount, tax, total, fingerprint, status, attention, placed_at, "
                "updated_at) VALUES (%s, %s, %s, 'DE', %s, %s, 0, 0, %s, '', "
                "'pending', '', %s, %s)",
                [f"F{next(_numbers)}", user.pk, user.email, currency, price, price, now, now],
            )

    def ours(user: Any) -> None:
        flows.start_checkout(
            user, [flows.LineRequest(buyers.product)], email=user.email, country="DE"
        )

    return Job(
        "order",
        "Placing an order for one product",
        [
            Way("floor: SELECT price, INSERT", floor, before=buyers.next),
            Way("start_checkout", ours, before=buyers.next),
        ],
        [Limit("start_checkout", ratio=4)],
    )


#: By the name that ``./dev bench`` takes.
JOBS = {
    "order": order,
    "webhook": webhook,
    "webhook-duplicate": duplicate,
    "webhook-forged": forged,
}
