"""Stripe's backend and its library, with a peer on the loopback that answers as Stripe does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from django_digitalstore.contrib.stripe import testing
from django_digitalstore.core.exceptions import InvalidBackend
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.testing import make_customer
from django_digitalstore.payments import flows
from django_digitalstore.payments.backends import (
    CheckoutAttempt,
    CheckoutLine,
    RefundIntent,
    payment_backends,
)
from django_digitalstore.payments.exceptions import CheckoutUnavailable, ProviderRefused
from django_digitalstore.payments.models import InboxMessage, new_refund_key
from django_digitalstore.payments.testing import place_order
from tests.contrib.stripe.peer import KEY, Peer, running
from tests.payments import signed

stripe = pytest.importorskip(
    "stripe", reason="could not import stripe: pip install django-digitalstore[stripe]"
)
pytestmark = [pytest.mark.needs("payments"), pytest.mark.django_db]

SECRET = "whsec_0123456789abcdef01234567"
URL = "/store/payments/stripe/webhook/"
PATH = "django_digitalstore.contrib.stripe.backend.StripeBackend"


@pytest.fixture
def peer() -> Iterator[Peer]:
    with running() as running_peer:
        yield running_peer


@pytest.fixture
def configured(peer, settings):
    def configure(**options):
        options = {
            "API_KEY": KEY,
            "WEBHOOK_SECRET": SECRET,
            "BASE_URL": peer.url,
            "TIMEOUT": 2,
            **options,
        }
        settings.DIGITALSTORE_PAYMENTS = {"stripe": {"BACKEND": PATH, "OPTIONS": options}}
        return payment_backends["stripe"]

    return configure


@pytest.fixture
def backend(configured):
    return configured()


def attempt(**changed) -> CheckoutAttempt:
    return CheckoutAttempt(
        **{
            "key": "key_1",
            "order": "ORDER1",
            "amount": 1999,
            "currency": "EUR",
            "email": "ada@example.com",
            "country": "DE",
            "lines": (CheckoutLine(item="product:1", name="Emma", unit_price=1999, quantity=1),),
            "return_url": "https://shop.test/return/",
            "cancel_url": "https://shop.test/cancel/",
            **changed,
        }
    )


# --- checkout -------------------------------------------------------------------------------


def test_a_session_is_asked_for_with_our_prices(backend, peer):
    checkout = backend.create_checkout(attempt())

    assert checkout.reference == "cs_test_1"
    assert checkout.url == "https://checkout.test/c/pay/cs_test_1"
    assert checkout.expires_at > datetime.now(UTC)
    assert peer.asked == [
        (
            "POST",
            "/v1/checkout/sessions",
            {
                "mode": "payment",
                "line_items[0][quantity]": "1",
                "line_items[0][price_data][currency]": "eur",
                "line_items[0][price_data][unit_amount]": "1999",
                "line_items[0][price_data][product_data][name]": "Emma",
                "client_reference_id": "ORDER1",
                "metadata[digitalstore_order]": "ORDER1",
                "metadata[digitalstore_payment]": "key_1",
                "payment_intent_data[metadata][digitalstore_order]": "ORDER1",
                "payment_intent_data[metadata][digitalstore_payment]": "key_1",
                "success_url": "https://shop.test/return/",
                "cancel_url": "https://shop.test/cancel/",
                "adaptive_pricing[enabled]": "false",
                "customer_email": "ada@example.com",
                "customer_creation": "always",
            },
        )
    ]


def test_the_same_attempt_twice_is_one_session(backend, peer):
    first, second = backend.create_checkout(attempt()), backend.create_checkout(attempt())
    assert first == second
    assert len(peer.sessions) == 1


def test_what_the_settings_turn_on_is_asked_for(configured, peer):
    backend = configured(ALLOW_PROMOTION_CODES=True, AUTOMATIC_TAX=True, ADAPTIVE_PRICING=True)
    backend.create_checkout(attempt(customer="cus_7"))
    fields = peer.asked[0][2]
    assert fields["allow_promotion_codes"] == "true"
    assert fields["automatic_tax[enabled]"] == "true"
    assert fields["adaptive_pricing[enabled]"] == "true"
    assert fields["customer"] == "cus_7"
    assert "customer_email" not in fields


def test_a_checkout_tells_its_payment_refunds_and_disputes(backend, peer):
    name = backend.create_checkout(attempt()).reference
    assert backend.fetch_checkout(name) == []
    peer.pay(name)
    peer.refunds = [
        {
            "id": f"re_{number}",
            "amount": 5,
            "currency": "eur",
            "payment_intent": "pi_1",
            "status": "succeeded",
            "metadata": {},
        }
        for number in range(5)
    ]
    peer.disputes = [
        {
            "id": "du_1",
            "amount": 1999,
            "currency": "eur",
            "payment_intent": "pi_1",
            "status": "needs_response",
        }
    ]
    peer.page = 2  # of a list, in one answer

    paid, *others = backend.fetch_checkout(name)

    assert (paid.payment, paid.state, paid.amount) == ("pi_1", "succeeded", 1999)
    assert (paid.customer, paid.checkout) == ("cus_1", name)
    assert [other.refund for other in others[:-1]] == [f"re_{number}" for number in range(5)]
    assert (others[-1].dispute, others[-1].state) == ("du_1", "opened")


def test_what_happened_since_is_what_the_webhooks_told(backend, peer):
    paid = testing.paid_session(checkout="cs_1", amount=1999, currency="EUR")
    live = {**paid, "id": "evt_live", "livemode": True}
    refunded = testing.refund_event(amount=1999, currency="EUR")
    peer.events, peer.page = [refunded, live, paid], 1

    pages = list(backend.fetch_since(datetime.now(UTC) - timedelta(days=1)))

    told = [backend.normalize(message(event)) for event in (refunded, paid)]
    assert [list(page) for page in pages if page] == [list(events) for events in told]


def test_an_event_that_nobody_understands_hides_no_other(backend, peer):
    paid = testing.paid_session(checkout="cs_1", amount=1999, currency="EUR")
    strange = testing.refund_event(amount=5, currency="EUR")
    strange["data"]["object"]["currency"] = "moon"
    peer.events = [strange, paid]

    pages = list(backend.fetch_since(datetime.now(UTC) - timedelta(days=1)))

    assert [report.payment for page in pages for report in page] == ["pi_1"]


def message(event):
    from django_digitalstore.payments.backends import Message

    return Message(id="m", sent_at=datetime.now(UTC), body=b"", data=event)


# --- errors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, {"type": "invalid_request_error", "code": "parameter_missing"}, "parameter_missing"),
        (401, {"type": "invalid_request_error"}, "AuthenticationError"),
        (402, {"type": "card_error", "code": "card_declined"}, "card_declined"),
        (403, {"type": "invalid_request_error"}, "PermissionError"),
        (404, {"type": "invalid_request_error", "code": "resource_missing"}, "resource_missing"),
    ],
)
def test_a_certain_no_is_a_refusal(backend, peer, status, error, code):
    peer.next_answers = [(status, {"error": {"message": "That is wrong.", **error}})]
    with pytest.raises(ProviderRefused) as caught:
        backend.create_checkout(attempt())
    assert caught.value.code == code
    assert "That is wrong." in str(caught.value)
    assert len(peer.asked) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (409, {"type": "idempotency_error"}),
        (429, {"type": "invalid_request_error", "code": "rate_limit"}),
        (500, {"type": "api_error"}),
        (503, {"type": "api_error"}),
    ],
)
def test_what_leaves_open_what_happened_is_no_refusal_and_not_repeated(
    backend, peer, status, error
):
    peer.next_answers = [(status, {"error": {"message": "Try later.", **error}})]
    with pytest.raises(stripe.StripeError):
        backend.create_checkout(attempt())
    assert len(peer.asked) == 1


def test_the_buyer_reads_nothing_of_it(configured, peer, caplog):
    configured()
    peer.next_answers = [(401, {"error": {"message": f"Invalid API Key: {KEY}"}})]
    book = signed.make_product()
    with pytest.raises(CheckoutUnavailable) as caught:
        place_order(make_customer(), book, alias="stripe")
    assert str(caught.value) == (
        "The payment provider does not answer. Nothing was charged; please try again."
    )


def test_a_buyer_whose_customer_is_gone_at_stripe_buys_as_a_new_one(client, configured, peer):
    configured()
    ada = make_customer()
    paid_attempt(client, peer, signed.make_product(), ada)
    peer.deleted = {"cus_1"}

    payment = place_order(ada, signed.make_product("other"), alias="stripe")

    assert payment.state == "open"
    asked = [fields for _method, path, fields in peer.asked if path == "/v1/checkout/sessions"]
    assert [fields.get("customer") for fields in asked] == [None, "cus_1", None]
    assert payment.checkout_reference in peer.sessions


# --- refunds --------------------------------------------------------------------------------


def paid_attempt(client, peer, book, customer):
    payment = place_order(customer, book, alias="stripe")
    peer.pay(payment.checkout_reference)
    post(
        client,
        testing.paid_session(
            checkout=payment.checkout_reference, amount=payment.amount, currency="EUR"
        ),
    )
    payment.refresh_from_db()
    return payment


def post(client, event):
    raw, headers = testing.signed_event(event, SECRET)
    return client.post(URL, data=raw, content_type="application/json", headers=headers)


def test_a_refund_is_asked_once_with_its_key(backend, peer):
    name = backend.create_checkout(attempt()).reference
    peer.pay(name)
    intent = RefundIntent(key="ref_1", payment="pi_1", amount=500, currency="EUR", reason="sorry")

    (first,), (second,) = backend.refund(intent), backend.refund(intent)

    assert (first.refund, first.key, first.amount, first.state) == (
        second.refund,
        "ref_1",
        500,
        "succeeded",
    )
    assert len(peer.refunds) == 1
    assert [report.key for report in backend.fetch_refunds("pi_1")] == ["ref_1"]


def test_a_refund_of_a_line_ends_its_access_at_a_provider_that_knows_amounts_only(
    client, configured, peer, django_capture_on_commit_callbacks
):
    configured()
    ada, emma, persuasion = make_customer(), signed.make_product(), signed.make_product("other")
    payment = place_order(ada, emma, persuasion, alias="stripe")
    peer.pay(payment.checkout_reference)
    post(
        client,
        testing.paid_session(
            checkout=payment.checkout_reference, amount=payment.amount, currency="EUR"
        ),
    )
    payment.refresh_from_db()
    line = payment.order.lines.get(product=emma)

    with django_capture_on_commit_callbacks(execute=True):
        flows.request_refund(payment, lines=[line], actor=None, reason="a mistake")

    assert [refund["amount"] for refund in peer.refunds] == [1999]
    assert not has_access(ada, emma)
    assert has_access(ada, persuasion)


def test_a_lost_answer_is_looked_for_and_the_buyer_refunded_once(
    client, configured, peer, django_capture_on_commit_callbacks
):
    configured()
    ada, emma = make_customer(), signed.make_product()
    payment = paid_attempt(client, peer, emma, ada)
    peer.next_answers = [None]
    with django_capture_on_commit_callbacks(execute=True):
        request = flows.request_refund(payment, actor=None, reason="a mistake")
    assert len(peer.refunds) == 1
    assert has_access(ada, emma)

    flows.send_refund(request.key)

    assert len(peer.refunds) == 1
    assert not has_access(ada, emma)


def test_a_refund_in_a_state_from_next_year_is_known_and_not_made_again(backend, peer):
    refunded = testing.refund_event(amount=500, currency="EUR", status="on_the_moon", key="ref_1")
    peer.refunds = [refunded["data"]["object"]]
    (found,) = backend.fetch_refunds("pi_1")
    assert (found.key, found.state) == ("ref_1", "pending")


def test_a_refund_ends_by_an_event_of_the_second_in_which_it_was_asked_for(
    client, configured, peer, django_capture_on_commit_callbacks
):
    configured()
    ada, emma = make_customer(), signed.make_product()
    payment = paid_attempt(client, peer, emma, ada)
    created, key = int(time.time()), new_refund_key()
    told = testing.refund_event(
        refund="re_9", amount=payment.amount, currency="EUR", created=created, key=key
    )
    asked = {**told["data"]["object"], "status": "pending", "created": created}
    peer.next_answers = [(200, asked)]
    with django_capture_on_commit_callbacks(execute=True):
        request = flows.request_refund(payment, actor=None, reason="a mistake", key=key)
    request.refresh_from_db()
    assert (request.state, request.provider_reference) == ("sent", "re_9")
    assert has_access(ada, emma)

    post(client, told)

    assert not has_access(ada, emma)


# --- whose messages -------------------------------------------------------------------------


def test_a_live_event_at_the_endpoint_of_a_test_account_is_unmatched(client, backend):
    event = testing.paid_session(checkout="cs_1", amount=1999, currency="EUR")
    assert post(client, {**event, "livemode": True}).status_code == 200
    stored = InboxMessage.objects.get()
    assert (stored.state, stored.error) == (
        "unmatched",
        (
            "The event is of another mode (test or live) or of another account than the one that "
            "this alias is configured for."
        ),
    )


def test_an_event_of_a_connected_account_is_ours_where_the_settings_say_so(client, configured):
    event = {**testing.paid_session(checkout="cs_1", amount=1, currency="EUR"), "account": "acct_1"}
    configured()
    post(client, event)
    assert InboxMessage.objects.get().error.startswith("The event is of another mode")
    configured(ACCOUNT="acct_1")
    post(client, {**event, "id": "evt_2"})
    assert InboxMessage.objects.get(message_id="evt_2").error == "No checkout 'cs_1' of ours."


def test_who_sells_by_a_connected_account_opens_its_checkouts_there(configured, peer):
    backend = configured(ACCOUNT="acct_1")
    event = testing.paid_session(checkout="cs_1", amount=1999, currency="EUR")
    peer.events = [event]

    backend.create_checkout(attempt())
    pages = list(backend.fetch_since(datetime.now(UTC) - timedelta(days=1)))

    assert peer.accounts == ["acct_1", "acct_1"]
    assert [report.payment for page in pages for report in page] == ["pi_1"]


def test_a_session_that_sells_nothing_is_no_business_of_ours(client, backend):
    kept = testing.paid_session(
        checkout="cs_1",
        amount=0,
        currency="EUR",
        mode="setup",
        payment_intent=None,
        payment_status="no_payment_required",
    )
    kept["data"]["object"] |= {"amount_total": None, "currency": None}
    assert post(client, kept).status_code == 200
    assert InboxMessage.objects.get().state == "ignored"


def test_tax_and_discount_are_reasons_for_another_amount(client, configured, peer):
    configured()
    ada, emma = make_customer(), signed.make_product()
    payment = place_order(ada, emma, alias="stripe")
    totals = {"amount_discount": 199, "amount_tax": 342, "amount_shipping": 0}
    event = testing.paid_session(
        checkout=payment.checkout_reference,
        amount=1999 - 199 + 342,
        currency="EUR",
        total_details=totals,
    )
    post(client, event)
    payment.refresh_from_db()
    assert (payment.tax, payment.discount, payment.discrepancy) == (342, 199, "")
    assert payment.provider_customer == "cus_1"
    assert has_access(ada, emma)


def test_a_session_that_costs_nothing_is_paid_by_its_own_name(backend):
    event = testing.paid_session(
        checkout="cs_1",
        amount=0,
        currency="EUR",
        payment_intent=None,
        payment_status="no_payment_required",
    )
    (report,) = backend.normalize(message(event))
    assert (report.payment, report.state, report.amount) == ("cs_1", "succeeded", 0)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("warning_needs_response", "opened"),
        ("under_review", "challenged"),
        ("warning_closed", "cancelled"),
        ("prevented", "cancelled"),
        ("WON", "won"),
        ("lost", "lost"),
    ],
)
def test_every_status_of_a_dispute_has_its_place(backend, status, state):
    event = testing.dispute_event(amount=1999, currency="EUR", status=status)
    assert [report.state for report in backend.normalize(message(event))] == [state]


def test_a_status_from_next_year_says_nothing(backend):
    event = testing.dispute_event(amount=1999, currency="EUR", status="on_the_moon")
    assert backend.normalize(message(event)) == []


# --- the buyer's page, and the settings -----------------------------------------------------


def test_the_portal_is_stripes_own_page(backend):
    assert backend.portal_url("cus_1", "https://shop.test/account/") == "https://billing.test/p/1"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"API_KEY": "pk_test_1"},
            (
                "API_KEY is no secret key of Stripe. Write the one that begins with 'sk_live_', or "
                "with 'sk_test_' while you develop."
            ),
        ),
        (
            {"WEBHOOK_SECRET": []},
            (
                "The webhook secret of Stripe does not begin with 'whsec_'. Write the signing "
                "secret of this endpoint, as Stripe's dashboard shows it."
            ),
        ),
    ],
)
def test_wrong_settings_are_named(configured, options, message):
    with pytest.raises(InvalidBackend) as caught:
        configured(**options)
    assert str(caught.value) == f"DIGITALSTORE_PAYMENTS['stripe']: {message}"


def test_a_test_key_is_refused_in_production(configured, settings):
    settings.DIGITALSTORE_TEST_MODE = False
    with pytest.raises(InvalidBackend) as caught:
        configured()
    assert str(caught.value) == (
        "DIGITALSTORE_PAYMENTS['stripe']: StripeBackend has the key of a test account, and "
        "DIGITALSTORE_TEST_MODE is off. Name your provider's backend with its live keys, or write "
        "DIGITALSTORE_TEST_MODE = DEBUG in the settings file while you develop."
    )
    assert not configured(API_KEY="rk_live_1").is_test
