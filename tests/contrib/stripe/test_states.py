"""What happens to an order ends where the oracle says when Stripe tells of it."""

from __future__ import annotations

import pytest

from django_digitalstore.contrib.stripe import testing
from django_digitalstore.contrib.stripe.translation import translate
from django_digitalstore.payments import flows
from django_digitalstore.payments.testing import place_order
from tests.contrib.stripe.peer import KEY, running
from tests.payments import signed, test_states
from tests.payments.states import HAPPENINGS

pytest.importorskip(
    "stripe", reason="could not import stripe: pip install django-digitalstore[stripe]"
)
pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


class StripeStore(test_states.Store):
    """The order of the state tests, paid at Stripe."""

    def __init__(self) -> None:
        self.buyer, self.book = signed.make_customer(), signed.make_product()
        self.attempt = place_order(self.buyer, self.book, alias="stripe")

    def tell(self, what: str, second: int) -> None:
        flows.apply_events("stripe", translate(self.stripe_event(what, second)))

    def stripe_event(self, what: str, second: int) -> dict:
        money = {"amount": 1999, "currency": "EUR", "created": 1_767_225_600 + second}
        kind, _, state = what.partition(" ")
        if kind == "payment":
            event = testing.paid_session(checkout=self.attempt.checkout_reference, **money)
            if state == "processing":
                event["data"]["object"]["payment_status"] = "unpaid"
            if state == "failed":
                event["type"] = "checkout.session.async_payment_failed"
            return event
        if kind == "dispute":
            status = "needs_response" if state == "opened" else state
            return testing.dispute_event(status=status, **money)
        if state == "of a part":
            money["amount"] = 500
        status = "failed" if state == "failed" else "succeeded"
        return testing.refund_event(refund=f"re_{state}", status=status, **money)


@pytest.fixture(autouse=True)
def paid_at_stripe(settings, monkeypatch):
    with running() as peer:
        options = {
            "API_KEY": KEY,
            "WEBHOOK_SECRET": "whsec_0123456789abcdef01234567",
            "BASE_URL": peer.url,
        }
        path = "django_digitalstore.contrib.stripe.backend.StripeBackend"
        settings.DIGITALSTORE_PAYMENTS = {"stripe": {"BACKEND": path, "OPTIONS": options}}
        monkeypatch.setattr(test_states, "Store", StripeStore)
        yield


@pytest.mark.parametrize("first", HAPPENINGS)
def test_every_sequence_of_two_ends_where_the_oracle_says(first):
    assert test_states.differences(first, 2) == (12, {})


@pytest.mark.slow
@pytest.mark.parametrize("first", HAPPENINGS)
def test_every_sequence_of_three_ends_where_the_oracle_says(first):
    assert test_states.differences(first, 3) == (1 + 11 + 11**2, {})
