"""Acme does what every backend must."""

from django.test import TestCase

from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.testing.conformance import BackendConformance


class AcmeConforms(BackendConformance, TestCase):
    backend = "shop.acme.AcmeBackend"
    options = {"SECRET": "whsec_" + "QWNtZSBzaWducyBpdHMgd2ViaG9va3Mu"}

    def headers(self, body, *, message_id, timestamp, secret):
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": standard_webhooks.sign(secret, message_id, timestamp, body),
        }

    def payment_body(self, *, checkout, payment, state, at, **money):
        if state == "processing":
            return None  # Acme says nothing until it is over
        state = {"succeeded": "paid", "failed": "refused"}[state]
        data = {"id": payment, "checkout": checkout, "state": state, **money}
        return {"type": "payment", "data": {"at": int(at.timestamp()), **data}}

    def refund_body(self, *, payment, refund, at, **money):
        data = {"id": refund, "payment": payment, **money}
        return {"type": "refund", "data": {"at": int(at.timestamp()), **data}}

    def ignored_body(self):
        return {"type": "payout", "data": {}}
