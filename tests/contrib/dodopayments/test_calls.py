"""Every call of the backend, through the official SDK, to a peer that Dodo's document judges."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.payments.backends import (
    CheckoutAttempt,
    CheckoutLine,
    Item,
    RefundIntent,
    UnsupportedByBackend,
)
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.exceptions import ProviderRefused, ProviderUnavailable
from tests.contrib.dodopayments.peer import ABSENT, DOCUMENT, KEY, Peer, PeerBackend

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CREATED = NOW - timedelta(hours=1)
ITEM = Item(kind="product", product="7", name="A book", amount=1999, currency="EUR")
ATTEMPT = CheckoutAttempt(
    key="att_1",
    order="A-1",
    amount=1999,
    currency="EUR",
    email="rita@example.com",
    country="DE",
    lines=(CheckoutLine(item="pdt_1", name="A book", unit_price=1999, quantity=1),),
    return_url="https://shop.example.com/orders/A-1/return/",
    cancel_url="https://shop.example.com/orders/A-1/",
)
INTENT = RefundIntent(key="ref_key", payment="pay_1", amount=None, currency="EUR", reason="Sorry")


@pytest.fixture(autouse=True)
def _something_is_there(peer: Peer, backend: PeerBackend) -> None:
    backend.ensure_item(ITEM)
    peer.sessions["cks_0"] = {"product_cart": [{"product_id": "pdt_1", "quantity": 1}]}
    peer.pay("cks_0", created_at=CREATED)
    peer.disputes["dp_1"] = testing.dispute(created_at=CREATED)
    peer.requests.clear()


def test_dodos_document_is_what_judges_the_peer():
    """Without it the tests of this module prove that we agree with ourselves."""
    if not DOCUMENT.exists():
        pytest.skip(ABSENT)
    judge = Peer().judge
    assert judge is not None
    request = httpx.Request("POST", "https://x/checkouts?shape=1", json={"product_cart": [{}]})
    assert judge.request(request) == [
        "POST /checkouts?shape: not in the document",
        "POST /checkouts body product_cart/0: 'product_id' is a required property",
        "POST /checkouts body product_cart/0: 'quantity' is a required property",
        "POST /checkouts: no bearer token",
    ]
    asked = httpx.Request("GET", "https://x/checkouts/cks_1")
    assert judge.answer(asked, httpx.Response(200, json={"id": 5, "created_at": "2026"})) == [
        "GET /checkouts/cks_1 answer created_at: '2026' is not a 'date-time'",
        "GET /checkouts/cks_1 answer id: 5 is not of type 'string'",
    ]


# --- checkout -----------------------------------------------------------------------------------


def test_a_checkout_is_opened_for_the_cart_in_the_currency_of_the_price(peer, backend):
    checkout = backend.create_checkout(ATTEMPT)

    assert (checkout.reference, checkout.url) == (
        "cks_2",
        "https://test.checkout.dodopayments.com/session/cks_2",
    )
    assert checkout.expires_at is not None
    left = checkout.expires_at - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    assert peer.said() == {
        "product_cart": [{"product_id": "pdt_1", "quantity": 1}],
        "customer": {"email": "rita@example.com"},
        "billing_address": {"country": "DE"},
        "billing_currency": "EUR",
        "return_url": "https://shop.example.com/orders/A-1/return/",
        "cancel_url": "https://shop.example.com/orders/A-1/",
        "metadata": {"digitalstore_order": "A-1", "digitalstore_attempt": "att_1"},
        "feature_flags": {
            "allow_discount_code": False,
            "allow_currency_selection": False,
            "allow_customer_editing_email": False,
            "always_create_new_customer": True,
        },
    }
    assert peer.requests[-1].headers["authorization"] == f"Bearer {KEY}"


def test_a_known_buyer_stays_the_same_customer_and_an_unknown_country_is_not_named(peer, backend):
    backend.create_checkout(replace(ATTEMPT, customer="cus_7", country=""))
    assert peer.said()["customer"] == {"customer_id": "cus_7"}
    assert peer.said()["feature_flags"]["always_create_new_customer"] is False
    assert "billing_address" not in peer.said()


def test_discount_codes_and_currencies_are_offered_where_an_option_says_so(peer, settings):
    options = {"ENVIRONMENT": "test_mode", "API_KEY": KEY}
    options |= {"ALLOW_DISCOUNT_CODES": True, "ALLOW_CURRENCY_SELECTION": True}
    PeerBackend("default", options).create_checkout(ATTEMPT)
    flags = peer.said()["feature_flags"]
    assert (flags["allow_discount_code"], flags["allow_currency_selection"]) == (True, True)
    assert "billing_currency" not in peer.said()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (
            {"checkout_url": "https://x/"},
            "Dodo Payments answered strangely: session_id: must be a text of 1 to 200 characters.",
        ),
        (
            {"session_id": "cks_1", "checkout_url": None},
            "Dodo Payments answered without a checkout_url that is a page.",
        ),
        (
            {"session_id": "cks_1", "checkout_url": "http://pay.example.com/"},
            "Dodo Payments answered without a checkout_url that is a page.",
        ),
        ([], "Dodo Payments answered with something that is no JSON object."),
    ],
)
def test_a_checkout_that_cannot_be_used_is_none(peer, backend, answer, message):
    peer.instead.append(httpx.Response(200, json=answer))
    with pytest.raises(ProviderUnavailable) as raised:
        backend.create_checkout(ATTEMPT)
    assert str(raised.value) == message


def test_a_checkout_is_asked_about_until_there_is_a_payment(peer, backend):
    peer.sessions["cks_9"] = {"payment_id": None, "payment_status": None}
    assert backend.fetch_checkout("cks_9") == []


def test_a_payment_is_fetched_with_its_refunds_and_disputes(peer, backend):
    peer.payments["pay_1"] |= {
        "refunds": [
            {
                **{k: v for k, v in testing.refund(created_at=CREATED).items() if k != "metadata"},
                "amount": 500,
                "is_partial": True,
            }
        ],
        "refund_status": "partial",
        "disputes": [testing.dispute(created_at=CREATED, status="dispute_won")],
    }
    assert backend.fetch_checkout("cks_0") == [
        PaymentReported(
            payment="pay_1",
            occurred_at=CREATED,
            checkout="cks_0",
            state="succeeded",
            amount=1999,
            currency="EUR",
            settlement_amount=1999,
            settlement_currency="EUR",
            customer="cus_1",
            cart=(("pdt_1", 1),),
        ),
        RefundReported(
            payment="pay_1",
            occurred_at=NOW,
            refund="ref_1",
            state="succeeded",
            amount=500,
            currency="EUR",
        ),
        DisputeReported(
            payment="pay_1",
            occurred_at=NOW,
            dispute="dp_1",
            state="won",
            amount=1999,
            currency="EUR",
        ),
    ]


def test_a_payment_that_does_not_name_its_session_is_that_of_the_session(peer, backend):
    peer.payments["pay_1"]["checkout_session_id"] = None
    (payment,) = backend.fetch_checkout("cks_0")
    assert payment.checkout == "cks_0"


# --- reconciling --------------------------------------------------------------------------------


def test_all_that_happened_is_listed_page_by_page_and_no_page_is_left_out(peer, backend):
    for number in range(2, 212):
        peer.payments[f"pay_{number}"] = testing.payment(
            payment=f"pay_{number}", checkout=f"cks_{number}"
        )
    peer.refunds["ref_1"] = testing.refund(key="ours")

    found = [event for page in backend.fetch_since(NOW) for event in page]

    payments = [event.payment for event in found if isinstance(event, PaymentReported)]
    assert payments == [f"pay_{number}" for number in range(1, 212)]
    assert [e.key for e in found if isinstance(e, RefundReported)] == ["ours"]
    assert [e.dispute for e in found if isinstance(e, DisputeReported)] == ["dp_1"]
    listed = [r.url.params for r in peer.requests if r.url.path == "/payments"]
    assert [params["page_number"] for params in listed] == ["0", "1", "2", "3"]
    assert {params["page_size"] for params in listed} == {"100"}
    assert {params["created_at_gte"] for params in listed} == {"2026-11-15T12:00:00+00:00"}
    since = {r.url.path: r.url.params.get("created_at_gte") for r in peer.requests}
    assert since["/refunds"] == "2026-10-23T12:00:00+00:00"
    assert since["/disputes"] == "2026-05-26T12:00:00+00:00"


def test_a_payment_by_a_link_of_dodos_own_is_passed_over(peer, backend):
    peer.payments["pay_1"]["checkout_session_id"] = None
    assert not [e for p in backend.fetch_since(NOW) for e in p if isinstance(e, PaymentReported)]


def test_one_payment_that_cannot_be_read_does_not_hide_the_others(peer, backend, caplog):
    peer.judge = None  # the document forbids what is tried here
    peer.payments["pay_1"]["total_amount"] = "a lot"
    peer.payments["pay_2"] = testing.payment(payment="pay_2")
    found = [event.payment for page in backend.fetch_since(NOW) for event in page]
    assert found == ["pay_2", "pay_1"]  # the second one is the dispute's
    assert "Dodo Payments: pay_1 could not be read." in caplog.text


def test_one_payment_that_is_listed_and_not_given_does_not_hide_the_others(
    peer, backend, monkeypatch, caplog
):
    def listed(request: Any, body: Any) -> httpx.Response:
        items = [{"payment_id": "pay_gone"}, {"payment_id": "pay_1"}]
        return httpx.Response(200, json={"items": items})

    peer.judge = None
    monkeypatch.setattr(peer, "list_payments", listed)
    found = [event.payment for page in backend.fetch_since(NOW) for event in page]
    assert found == ["pay_1", "pay_1"]  # the second one is the dispute's
    assert "Dodo Payments: pay_gone could not be read." in caplog.text


def test_a_server_that_counts_pages_from_one_is_read_to_its_end(peer, backend, monkeypatch):
    asked = []

    def entry(payment: str) -> dict[str, Any]:
        return {"payment_id": payment}

    pages = {0: ["pay_1"], 1: ["pay_1"], 2: ["pay_2"]}

    def listed(request: Any, body: Any) -> httpx.Response:
        number = int(request.url.params["page_number"])
        asked.append(number)
        return httpx.Response(200, json={"items": [entry(p) for p in pages.get(number, [])]})

    peer.judge = None
    peer.payments["pay_2"] = testing.payment(payment="pay_2")
    monkeypatch.setattr(peer, "list_payments", listed)
    found = [e.payment for p in backend.fetch_since(NOW) for e in p]
    assert found[:2] == ["pay_1", "pay_2"]
    assert asked == [0, 1, 2, 3]


def test_a_list_without_an_end_is_no_list(peer, backend, monkeypatch):
    monkeypatch.setattr("django_digitalstore.contrib.dodopayments.backend._MOST_PAGES", 1)
    with pytest.raises(ProviderUnavailable) as raised:
        list(backend.fetch_since(NOW))
    assert str(raised.value) == "Dodo Payments answered with a list that does not end."


def test_reconciling_waits_when_dodo_says_slow_down(peer, backend):
    peer.instead.append(httpx.Response(429, headers={"retry-after": "0.01"}))
    assert [type(e) for p in backend.fetch_since(NOW) for e in p] == [
        PaymentReported,
        DisputeReported,
    ]


# --- products -----------------------------------------------------------------------------------

DESCRIBED = {
    "name": "A book",
    "description": "",
    "tax_category": "digital_products",
    "price": {
        "type": "one_time_price",
        "currency": "EUR",
        "price": 1999,
        "tax_inclusive": True,
        "pay_what_you_want": False,
        "discount": 0,
        "purchasing_power_parity": False,
    },
    "metadata": {"digitalstore_item": "product:7", "digitalstore_site": "http://testserver"},
}


def test_a_product_is_made_with_all_that_decides_its_price(peer, backend):
    assert backend.ensure_item(ITEM) == "pdt_2"
    assert peer.products["pdt_2"] == backend.describe_item(ITEM) == DESCRIBED


def test_long_texts_are_cut_to_what_dodo_takes(backend):
    told = backend.describe_item(replace(ITEM, name="n" * 101, description="d" * 1001))
    assert (len(told["name"]), len(told["description"])) == (100, 1000)


def test_a_changed_product_is_changed_there_and_put_on_sale_again(peer, backend):
    peer.archived.add("pdt_1")
    cheaper = replace(ITEM, amount=999)
    assert backend.ensure_item(cheaper, "pdt_1") == "pdt_1"
    assert peer.products["pdt_1"]["price"]["price"] == 999
    assert peer.archived == set()
    assert backend.ensure_item(replace(ITEM, amount=888), "pdt_1") == "pdt_1"
    assert peer.products["pdt_1"]["price"]["price"] == 888


def test_a_product_that_was_deleted_there_is_made_anew(peer, backend):
    assert backend.ensure_item(ITEM, "pdt_gone") == "pdt_2"
    assert peer.asked() == [
        "PATCH /products/pdt_gone",
        "POST /products/pdt_gone/unarchive",
        "POST /products",
    ]


def test_a_change_that_dodo_refuses_makes_no_second_product(peer, backend):
    peer.instead.append(httpx.Response(422, json={"code": "INVALID_PRICE", "message": "Too low"}))
    with pytest.raises(ProviderRefused) as raised:
        backend.ensure_item(ITEM, "pdt_1")
    assert str(raised.value) == "Dodo Payments refused: 422 INVALID_PRICE: Too low"
    assert peer.asked() == ["PATCH /products/pdt_1"]


def test_a_product_whose_answer_was_lost_is_found_on_sale_or_archived(peer, backend):
    unlike = replace(ITEM, product="8")
    assert backend.find_item(unlike) == ""
    peer.afterwards.append(httpx.ReadTimeout("no answer"))
    with pytest.raises(ProviderUnavailable):
        backend.ensure_item(unlike)
    gone = replace(unlike, name="", amount=0, currency="")
    assert backend.find_item(gone) == "pdt_2"
    peer.archived.add("pdt_2")
    assert backend.find_item(gone) == "pdt_2"


def test_a_product_of_another_site_of_the_same_business_is_not_found(peer, backend, settings):
    settings.DIGITALSTORE_SITE_URL = "https://staging.example.com"
    assert backend.find_item(ITEM) == ""


def test_a_product_is_not_looked_for_while_a_buyer_gives_up(peer, backend, monkeypatch):
    monkeypatch.setattr("django_digitalstore.contrib.dodopayments.backend._LOOK_FOR", -1.0)
    with pytest.raises(ProviderUnavailable) as raised:
        backend.find_item(ITEM)
    assert str(raised.value) == "Dodo Payments took too long to list its products."


def test_archiving_twice_is_archiving_once(peer, backend):
    backend.archive_item("pdt_1")
    backend.archive_item("pdt_1")
    backend.archive_item("pdt_gone")
    assert peer.archived == {"pdt_1"}


# --- refunds ------------------------------------------------------------------------------------


def test_a_whole_payment_is_refunded(peer, backend):
    (reported,) = backend.refund(INTENT)
    assert peer.said() == {
        "payment_id": "pay_1",
        "reason": "Sorry",
        "metadata": {"digitalstore_refund": "ref_key"},
    }
    assert (reported.key, reported.refund, reported.state) == ("ref_key", "ref_1", "pending")
    assert (reported.amount, reported.currency, reported.is_full) == (1999, "EUR", True)


def test_named_items_are_refunded_in_the_currency_that_was_paid(peer, backend):
    items = (("pdt_1", 500),)
    (reported,) = backend.refund(replace(INTENT, amount=500, items=items))
    assert peer.said()["currency"] == "EUR"
    assert peer.said()["items"] == [{"item_id": "pdt_1", "amount": 500, "tax_inclusive": True}]
    assert (reported.items, reported.amount, reported.is_full) == (items, 500, False)


def test_an_amount_without_items_is_beyond_what_dodo_can(peer, backend):
    with pytest.raises(UnsupportedByBackend) as raised:
        backend.refund(replace(INTENT, amount=500))
    assert str(raised.value) == (
        "Dodo Payments refunds all of a payment, or named items – name the lines that are "
        "refunded, each with its amount."
    )
    assert peer.requests == []


def test_the_refunds_of_a_payment_come_with_our_keys(peer, backend):
    backend.refund(INTENT)
    peer.refunds["ref_1"]["status"] = "succeeded"
    (found,) = backend.fetch_refunds("pay_1")
    assert (found.refund, found.key, found.state) == ("ref_1", "ref_key", "succeeded")


def test_what_ends_a_refund_is_newer_than_its_beginning(peer, backend):
    """The webhook of its success may be older than the answer that calls it pending."""
    (pending,) = backend.refund(INTENT)
    made_at = datetime.fromisoformat(peer.refunds["ref_1"]["created_at"])
    assert pending.occurred_at == made_at


# --- the buyer's own pages ----------------------------------------------------------------------


def test_the_portal_is_asked_for_a_customer_and_no_mail_is_sent(peer, backend):
    url = backend.portal_url("cus_1", "https://shop.example.com/orders/")
    assert url == "https://test.customer.dodopayments.com/session/cus_1"
    assert dict(peer.requests[-1].url.params) == {
        "return_url": "https://shop.example.com/orders/",
        "send_email": "false",
    }


def test_an_invoice_is_the_bytes_of_a_pdf(peer, backend):
    assert backend.fetch_invoice("pay_1") == b"%PDF-1.7 invoice"
    peer.instead.append(httpx.Response(200, content=b"<html>", headers={"content-type": "x/y"}))
    with pytest.raises(ProviderUnavailable) as raised:
        backend.fetch_invoice("pay_1")
    assert str(raised.value) == "Dodo Payments answered with an invoice that is no PDF."


# --- errors -------------------------------------------------------------------------------------

CALLS: dict[str, Callable[[PeerBackend], Any]] = {
    "create_checkout": lambda backend: backend.create_checkout(ATTEMPT),
    "fetch_checkout": lambda backend: backend.fetch_checkout("cks_0"),
    "ensure_item": lambda backend: backend.ensure_item(ITEM),
    "ensure_item again": lambda backend: backend.ensure_item(ITEM, "pdt_1"),
    "find_item": lambda backend: backend.find_item(ITEM),
    "archive_item": lambda backend: backend.archive_item("pdt_1"),
    "refund": lambda backend: backend.refund(INTENT),
    "fetch_refunds": lambda backend: backend.fetch_refunds("pay_1"),
    "portal_url": lambda backend: backend.portal_url("cus_1", "https://shop.example.com/"),
    "fetch_invoice": lambda backend: backend.fetch_invoice("pay_1"),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_call
@pytest.mark.parametrize("status", [400, 401, 402, 403, 405, 409, 413, 422])
def test_a_no_is_a_refusal_with_dodos_code_after_one_request(peer, backend, call, status):
    body = {"code": "UNSUPPORTED_COUNTRY", "message": "rita@example.com is not supported"}
    peer.instead.append(httpx.Response(status, json=body))
    with pytest.raises(ProviderRefused) as raised:
        call(backend)
    assert raised.value.code == "UNSUPPORTED_COUNTRY"
    assert str(raised.value) == (
        f"Dodo Payments refused: {status} UNSUPPORTED_COUNTRY: …@… is not supported"
    )
    assert len(peer.requests) == 1


@every_call
@pytest.mark.parametrize("status", [302, 408, 429, 500, 502, 503])
def test_a_failure_leaves_open_what_happened_and_is_not_tried_again(peer, backend, call, status):
    headers = {"location": "https://elsewhere.example.com/", "retry-after": "1"}
    peer.instead.append(httpx.Response(status, text="busy", headers=headers))
    with pytest.raises(ProviderUnavailable) as raised:
        call(backend)
    assert str(raised.value) == f"Dodo Payments could not do it now: {status}: busy"
    assert len(peer.requests) == 1


@every_call
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (httpx.ReadTimeout("…"), "Dodo Payments did not answer in time."),
        (httpx.ConnectError("…"), "Dodo Payments could not be reached (ConnectError)."),
        (ValueError("…"), "Dodo Payments could not be reached (ValueError)."),
    ],
)
def test_no_answer_leaves_open_what_happened_and_is_not_tried_again(
    peer, backend, call, error, message
):
    peer.instead.append(error)
    with pytest.raises(ProviderUnavailable) as raised:
        call(backend)
    assert str(raised.value) == message
    assert len(peer.requests) == 1


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize("call", ["create_checkout", "fetch_checkout", "refund", "portal_url"])
def test_what_is_not_there_is_a_refusal(peer, backend, call, status):
    peer.instead.append(httpx.Response(status))
    with pytest.raises(ProviderRefused) as raised:
        CALLS[call](backend)
    assert (raised.value.code, str(raised.value)) == (
        str(status),
        f"Dodo Payments refused: {status}.",
    )


@pytest.mark.parametrize("call", [name for name in CALLS if name != "fetch_invoice"])
@pytest.mark.parametrize("text", ["<!doctype html><h1>Maintenance</h1>", "[]", '"ok"', "null"])
def test_a_page_instead_of_an_answer_is_no_answer(peer, backend, call, text):
    headers = {"content-type": "text/html"}
    peer.instead.append(httpx.Response(200, text=text, headers=headers))
    with pytest.raises(ProviderUnavailable) as raised:
        CALLS[call](backend)
    assert str(raised.value) == "Dodo Payments answered with something that is no JSON object."


@every_call
def test_no_error_shows_the_key_or_the_buyer(peer, backend, call, caplog):
    caplog.set_level(logging.DEBUG)
    peer.instead.append(httpx.Response(422, json={"message": f"rita@example.com {ATTEMPT}"}))
    with pytest.raises(ProviderRefused) as raised:
        call(backend)
    shown = "".join(traceback.format_exception(raised.value))
    assert KEY not in shown
    assert "rita@example.com" not in shown
