"""What nobody gets access by, and what every genuine buyer does."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from django.test import override_settings

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import place_order, post_webhook
from tests.contrib.dodopayments.conftest import entry
from tests.contrib.dodopayments.peer import SECRET

OTHER_SECRET = "whsec_" + "b3RoZXItc2VjcmV0LW9mLWFub3RoZXItYWxpYXM="


@pytest.fixture
def book(make_product):
    return make_product("A book", price=1999)


@pytest.fixture
def attempt(peer, customer, book):
    return place_order(customer, book)


def post(client: Any, message: dict[str, Any], *, alias: str, secret: str, age: int = 0) -> Any:
    """Deliver what was signed by ``secret``, ``age`` seconds ago, to ``alias``."""
    raw, at = json.dumps(message).encode(), int(time.time()) - age
    return client.post(
        f"/store/payments/{alias}/webhook/",
        data=raw,
        content_type="application/json",
        headers={
            "webhook-id": "msg_1",
            "webhook-timestamp": str(at),
            "webhook-signature": standard_webhooks.sign(secret, "msg_1", at, raw),
        },
    )


def kept() -> list[tuple[str, str]]:
    return list(InboxMessage.objects.values_list("state", "error"))


def nobody_owns_anything() -> bool:
    return not get_purchased_product_model().objects.exists()


def test_the_genuine_message_grants(peer, client, attempt, customer, book):
    """The measure of all others here: each differs from it in one thing."""
    message = testing.payload("payment.succeeded", peer.pay(attempt.checkout_reference))
    assert post(client, message, alias="default", secret=SECRET).status_code == 200
    assert kept() == [("processed", "")]
    assert has_access(customer, book)


@pytest.mark.parametrize(
    ("secret", "age"),
    [(OTHER_SECRET, 0), (SECRET, 301), (SECRET, -301), (SECRET, 86_400)],
    ids=["forged", "replayed", "from the future", "replayed a day later"],
)
def test_what_is_not_signed_by_dodo_now_is_refused(peer, client, attempt, caplog, secret, age):
    message = testing.payload("payment.succeeded", peer.pay(attempt.checkout_reference))
    response = post(client, message, alias="default", secret=secret, age=age)
    assert (response.status_code, kept(), nobody_owns_anything()) == (401, [], True)
    assert "A webhook of 'default' was refused" in caplog.text


@pytest.mark.parametrize("header", ["webhook-signature", "webhook-id", "webhook-timestamp"])
@pytest.mark.parametrize("value", ["", "garbage", "v1,a,b", "v1,abc", "v1,é", "nan", "\x00"])
def test_headers_of_any_shape_are_refused_and_never_an_error(peer, client, db, header, value):
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(time.time())),
        "webhook-signature": "v1,AAAA",
        header: value,
    }
    response = client.post(
        "/store/payments/default/webhook/", b"{}", "application/json", headers=headers
    )
    assert (response.status_code, kept()) == (401, [])


def test_a_test_event_is_nothing_to_the_live_endpoint(peer, client, attempt, customer, book):
    """Dodo's bodies do not say test or live: only the secret does."""
    both = {"default": entry(), "live": entry(WEBHOOK_SECRET=OTHER_SECRET)}
    message = testing.payload("payment.succeeded", peer.pay(attempt.checkout_reference))
    with override_settings(DIGITALSTORE_PAYMENTS=both):
        assert post(client, message, alias="live", secret=SECRET).status_code == 401
        # Signed by live, for a checkout that was opened in test: another alias's checkout.
        assert post(client, message, alias="live", secret=OTHER_SECRET).status_code == 200
    assert kept() == [("unmatched", f"No checkout '{attempt.checkout_reference}' of ours.")]
    assert nobody_owns_anything()


def test_both_secrets_verify_while_one_replaces_the_other(peer, client, attempt, customer, book):
    message = testing.payload("payment.succeeded", peer.pay(attempt.checkout_reference))
    rotating = {"default": entry(WEBHOOK_SECRET=[OTHER_SECRET, f" {SECRET}\n"])}
    with override_settings(DIGITALSTORE_PAYMENTS=rotating):
        assert post(client, message, alias="default", secret=SECRET).status_code == 200
        assert post(client, message, alias="default", secret=OTHER_SECRET).status_code == 200
    assert has_access(customer, book)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"checkout_session_id": None}, "No checkout '' of ours."),
        ({"checkout_session_id": "cks_theirs"}, "No checkout 'cks_theirs' of ours."),
        (
            {"product_cart": [{"product_id": "pdt_cheap", "quantity": 1}]},
            "The cart of payment 'pay_1' is not what was sold.",
        ),
        (
            {"product_cart": [{"product_id": "pdt_1", "quantity": 2}]},
            "The cart of payment 'pay_1' is not what was sold.",
        ),
        ({"product_cart": []}, "The cart of payment 'pay_1' is not what was sold."),
    ],
    ids=["a link with our metadata", "another checkout", "a cheaper product", "more", "nothing"],
)
def test_our_metadata_proves_nothing(peer, client, attempt, change, reason):
    paid = peer.pay(attempt.checkout_reference)
    ours = {"digitalstore_order": attempt.order.public_id, "digitalstore_attempt": attempt.key}
    message = testing.payload("payment.succeeded", {**paid, "metadata": ours, **change})
    assert post_webhook(client, message).status_code == 200
    assert kept() == [("unmatched", reason)]
    assert nobody_owns_anything()


def test_a_checkout_of_another_order_pays_that_order_only(
    peer, client, attempt, book, other_customer, make_product
):
    cheap = make_product("A leaflet", price=100)
    theirs = place_order(other_customer, cheap)
    paid = peer.pay(theirs.checkout_reference)
    paid["metadata"] = {"digitalstore_order": attempt.order.public_id}
    post_webhook(client, testing.payload("payment.succeeded", paid))
    assert has_access(other_customer, cheap)
    assert not has_access(other_customer, book)
    assert not has_access(attempt.order.customer, book)


@pytest.mark.parametrize("where", ["outside", "inside"])
def test_a_message_of_another_merchant_is_kept_as_not_ours(peer, client, attempt, where):
    message = testing.payload("payment.succeeded", peer.pay(attempt.checkout_reference))
    (message if where == "outside" else message["data"])["business_id"] = "bus_other"
    named = {"default": entry(BUSINESS_ID=testing.BUSINESS)}
    with override_settings(DIGITALSTORE_PAYMENTS=named):
        assert post_webhook(client, message).status_code == 200
    reason = "The message is of business 'bus_other', and BUSINESS_ID of 'default' is 'bus_test'."
    assert kept() == [("unmatched", reason)]
    assert nobody_owns_anything()


# --- genuine buyers -------------------------------------------------------------------------------

#: Of an order of 19.99 euros.
GENUINE = {
    "tax on top": {"amount": 2379, "tax": 380},
    "tax in the price": {"amount": 1999, "tax": 319},
    "a discount": {"amount": 1499, "discounts": [{"discount_id": "dsc_1"}]},
    "an old discount": {"amount": 1499, "discount_id": "dsc_1"},
    "a discount and tax": {"amount": 1784, "tax": 285, "discounts": [{"discount_id": "dsc_1"}]},
    "all of it a discount": {"amount": 0, "discounts": [{"discount_id": "dsc_1"}]},
    "paid in another currency": {
        "amount": 2199,
        "currency": "USD",
        "settlement_amount": 1950,
        "settlement_currency": "EUR",
    },
    "paid out in another currency": {"settlement_amount": 2150, "settlement_currency": "USD"},
    "fees above the price": {"settlement_amount": -20},
}


@pytest.mark.parametrize("facts", GENUINE.values(), ids=GENUINE)
def test_what_dodo_adds_takes_off_or_converts_is_kept_and_grants(
    peer, client, attempt, customer, book, facts
):
    peer.judge = None  # the document knows more of a discount than we look at
    paid = peer.pay(attempt.checkout_reference, **facts)
    assert post_webhook(client, testing.payload("payment.succeeded", paid)).status_code == 200
    attempt.refresh_from_db()
    assert (attempt.discrepancy, attempt.order.attention) == ("", "")
    assert has_access(customer, book)
    known = (attempt.amount, attempt.currency, attempt.tax, attempt.settlement_currency)
    assert known == (
        facts.get("amount", 1999),
        facts.get("currency", "EUR"),
        facts.get("tax", 0),
        facts.get("settlement_currency", facts.get("currency", "EUR")),
    )


def test_a_currency_that_our_checkout_offered_grants(peer, client, attempt, customer, book):
    paid = peer.pay(attempt.checkout_reference, amount=2199, currency="USD")
    message = testing.payload("payment.succeeded", paid)
    with override_settings(DIGITALSTORE_PAYMENTS={"default": entry(ALLOW_CURRENCY_SELECTION=True)}):
        post_webhook(client, message)
    assert has_access(customer, book)


@pytest.mark.parametrize(
    ("facts", "discrepancy"),
    [
        ({"amount": 1}, "amount"),
        ({"amount": 1998}, "amount"),
        ({"amount": 3000}, "amount"),
        ({"amount": 2379, "tax": 379}, "amount"),
        ({"amount": 3000, "discount_id": "dsc_1"}, "amount"),
        ({"amount": 1999, "currency": "USD"}, "currency"),
        ({"amount": 1999, "currency": "JPY"}, "currency"),
    ],
)
def test_a_total_or_currency_that_differs_for_no_reason_is_flagged(
    peer, client, attempt, facts, discrepancy
):
    paid = peer.pay(attempt.checkout_reference, **facts)
    assert post_webhook(client, testing.payload("payment.succeeded", paid)).status_code == 200
    attempt.refresh_from_db()
    attempt.order.refresh_from_db()
    assert (attempt.discrepancy, attempt.order.attention) == (discrepancy, "discrepancy")
    assert (attempt.state, attempt.order.status) == ("succeeded", "pending")
    assert nobody_owns_anything()
