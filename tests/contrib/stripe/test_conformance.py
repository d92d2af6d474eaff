"""Stripe does what every backend must."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from django.test import TestCase

from django_digitalstore.contrib.stripe import signatures, testing
from django_digitalstore.payments.testing.conformance import BackendConformance
from tests.contrib.stripe.peer import KEY, Peer, running

pytest.importorskip(
    "stripe", reason="could not import stripe: pip install django-digitalstore[stripe]"
)
pytestmark = pytest.mark.needs("payments")


class StripeConforms(BackendConformance, TestCase):
    backend = "django_digitalstore.contrib.stripe.backend.StripeBackend"
    peer: Peer

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        stack = ExitStack()
        cls.addClassCleanup(stack.close)
        cls.peer = stack.enter_context(running())
        cls.options = {
            "API_KEY": KEY,
            "WEBHOOK_SECRET": "whsec_conformance0123456789abcdef",
            "BASE_URL": cls.peer.url,
        }

    def headers(self, body, *, message_id, timestamp, secret):
        return {signatures.HEADER: signatures.sign(secret, timestamp, body)}

    def with_message_id(self, body, message_id):
        return {**body, "id": message_id}

    def payment_body(self, *, checkout, payment, state, amount, currency, at):
        made = testing.session(checkout=checkout, payment=payment, amount=amount, currency=currency)
        if state == "processing":
            made["payment_status"] = "unpaid"
        kind = "async_payment_failed" if state == "failed" else "completed"
        return testing.event(f"checkout.session.{kind}", made, created=int(at.timestamp()))

    def refund_body(self, *, payment, refund, amount, currency, at):
        return testing.refund_event(
            payment=payment,
            refund=refund,
            amount=amount,
            currency=currency,
            created=int(at.timestamp()),
        )

    def dispute_body(self, *, payment, dispute, state, amount, currency, at):
        return testing.dispute_event(
            payment=payment,
            dispute=dispute,
            amount=amount,
            currency=currency,
            status={"opened": "needs_response"}.get(state, state),
            created=int(at.timestamp()),
        )

    def ignored_body(self):
        return testing.event("customer.created", {"id": "cus_1", "object": "customer"})
