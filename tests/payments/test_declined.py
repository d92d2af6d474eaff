"""A declined payment grants nothing, whatever the host's settings are."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from django.test import override_settings

from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.payments import flows
from django_digitalstore.payments.backends.sandbox import SandboxBackend
from django_digitalstore.payments.events import PaymentReported
from tests.payments import signed

pytestmark = pytest.mark.django_db

NOT_PAID = ["failed", "cancelled", "expired", "processing", "open", "created"]


class Approximate(SandboxBackend):
    """A provider whose prices are converted, so that amounts are no proof."""

    def normalize(self, message):
        return [
            replace(event, is_converted=True) if isinstance(event, PaymentReported) else event
            for event in super().normalize(message)
        ]


COMBINATIONS = list(
    itertools.product(
        [True, False],  # DIGITALSTORE_DISPUTE_SUSPENDS
        ["django_digitalstore.payments.backends.sandbox.SandboxBackend", f"{__name__}.Approximate"],
        [True, False],  # DEBUG
        [None, {"product": "django_digitalstore.payments.fulfilments.ProductFulfilment"}],
    )
)


@pytest.mark.parametrize(("suspends", "backend", "debug", "fulfilments"), COMBINATIONS)
def test_a_payment_that_did_not_succeed_grants_nothing(
    client, suspends, backend, debug, fulfilments
):
    changed = {
        "DIGITALSTORE_DISPUTE_SUSPENDS": suspends,
        "DIGITALSTORE_PAYMENTS": {"default": {"BACKEND": backend}},
        "DEBUG": debug,
    }
    if fulfilments is not None:
        changed["DIGITALSTORE_FULFILMENTS"] = fulfilments
    with override_settings(**changed):
        attempt = signed.open_order(signed.make_customer(), signed.make_product())
        for number, state in enumerate(NOT_PAID):
            # The event's name is a trigger and no proof: only the state of the payment counts.
            body = {**signed.payment_event(attempt, state), "type": "payment.succeeded"}
            assert signed.post(client, body, f"msg_{number}").status_code == 200
        for number, body in enumerate(
            [signed.refund_event("failed"), signed.dispute_event("won", second=50)]
        ):
            assert signed.post(client, body, f"msg_other_{number}").status_code == 200
        order = flows.settle_order(attempt.order)

    assert order.status == "failed"
    assert order.paid_at is None
    assert not get_purchased_product_model().objects.exists()
    assert not get_grant_model().objects.exists()
