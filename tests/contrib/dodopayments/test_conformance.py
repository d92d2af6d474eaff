"""Dodo Payments does what every backend must."""

from __future__ import annotations

from django.test import TestCase

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.testing.conformance import BackendConformance
from tests.contrib.dodopayments.peer import KEY, SECRET, Peer, PeerBackend


class DodoPaymentsConforms(BackendConformance, TestCase):
    backend = f"{PeerBackend.__module__}.{PeerBackend.__qualname__}"
    options = {"ENVIRONMENT": "test_mode", "API_KEY": KEY, "WEBHOOK_SECRET": SECRET}

    def setUp(self):
        super().setUp()
        Peer.current = self.peer = Peer()

    def tearDown(self):
        assert self.peer.problems == []
        super().tearDown()

    def headers(self, body, *, message_id, timestamp, secret):
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_webhooks.sign(secret, message_id, timestamp, body),
        }

    def payment_body(self, *, checkout, payment, state, amount, currency, at):
        asked = self.peer.sessions.get(checkout, {}).get("product_cart", [])
        return testing.payment_payload(
            at=at,
            created_at=at,
            payment=payment,
            checkout=checkout,
            status=state,
            amount=amount,
            currency=currency,
            cart=[(entry["product_id"], entry["quantity"]) for entry in asked],
        )

    def refund_body(self, *, payment, refund, amount, currency, at):
        return testing.refund_payload(
            at=at,
            created_at=at,
            payment=payment,
            refund=refund,
            amount=amount,
            currency=currency,
            is_partial=amount < self.price,
        )

    def dispute_body(self, *, payment, dispute, state, amount, currency, at):
        return testing.dispute_payload(
            at=at,
            created_at=at,
            payment=payment,
            dispute=dispute,
            status=f"dispute_{state}",
            amount=str(amount),
            currency=currency,
        )

    def ignored_body(self):
        return testing.payload("license_key.created", {"id": "lic_1"})
