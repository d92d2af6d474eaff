"""The sandbox does what every backend must."""

from __future__ import annotations

import pytest
from django.test import TestCase

from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.testing.conformance import BackendConformance

pytestmark = pytest.mark.needs("payments")


class SandboxConforms(BackendConformance, TestCase):
    backend = "django_digitalstore.payments.backends.sandbox.SandboxBackend"

    def headers(self, body, *, message_id, timestamp, secret):
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_webhooks.sign(secret, message_id, timestamp, body),
        }

    def _body(self, kind, state, at, **facts):
        data = {"kind": kind, "state": state, **facts}
        return {"type": f"{kind}.{state}", "timestamp": at.isoformat(), "data": data}

    def payment_body(self, *, checkout, payment, state, amount, currency, at):
        facts = {"checkout": checkout, "payment": payment, "amount": amount, "currency": currency}
        cart = [[f"product:{self.product.pk}", 1]]
        return self._body("payment", state, at, **facts, cart=cart)

    def refund_body(self, *, payment, refund, amount, currency, at):
        facts = {"payment": payment, "refund": refund, "amount": amount, "currency": currency}
        return self._body("refund", "succeeded", at, **facts)

    def dispute_body(self, *, payment, dispute, state, amount, currency, at):
        facts = {"payment": payment, "dispute": dispute, "amount": amount, "currency": currency}
        return self._body("dispute", state, at, **facts)

    def ignored_body(self):
        return {"type": "customer.created", "timestamp": self.time(1).isoformat(), "data": {}}
