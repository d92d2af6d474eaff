"""Support is sold through Stripe as products are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_digitalstore.contrib.stripe import testing
from django_digitalstore.payments import flows
from django_digitalstore.payments.flows import LineRequest
from django_digitalstore.payments.testing import place_order
from tests.contrib.stripe.peer import KEY, Peer, running

pytest.importorskip(
    "stripe", reason="could not import stripe: pip install django-digitalstore[stripe]"
)
pytestmark = [pytest.mark.django_db, pytest.mark.needs("support")]

SECRET = "whsec_0123456789abcdef01234567"
PATH = "django_digitalstore.contrib.stripe.backend.StripeBackend"


@pytest.fixture
def peer(settings: Any) -> Iterator[Peer]:
    with running() as peer:
        options = {"API_KEY": KEY, "WEBHOOK_SECRET": SECRET, "BASE_URL": peer.url, "TIMEOUT": 2}
        settings.DIGITALSTORE_PAYMENTS = {"stripe": {"BACKEND": PATH, "OPTIONS": options}}
        yield peer


def test_a_pack_is_bought_and_refunded_at_stripe(
    peer: Peer, client: Any, customer: Any, product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    from django_digitalstore.entitlements.testing import grant
    from django_digitalstore.support.policies import support_allowance
    from django_digitalstore.support.testing import offer_support

    offer_support(product, "none", pack_price=900, pack_size=3)
    grant(customer, product)
    payment = place_order(customer, LineRequest(product, "support"), alias="stripe")
    peer.pay(payment.checkout_reference)
    event = testing.paid_session(
        checkout=payment.checkout_reference, amount=payment.amount, currency="EUR"
    )
    raw, headers = testing.signed_event(event, SECRET)
    url = "/store/payments/stripe/webhook/"
    client.post(url, data=raw, content_type="application/json", headers=headers)
    assert support_allowance(customer, product).bought_left == 3

    payment.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        flows.request_refund(payment, actor=None, reason="a mistake")
    assert [refund["amount"] for refund in peer.refunds] == [900]
    assert support_allowance(customer, product).bought_left == 0
