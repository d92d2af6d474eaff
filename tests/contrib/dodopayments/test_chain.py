"""The suite's verbs all the way to Dodo and back: selling, refunding, syncing, reconciling."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from django.utils import timezone

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import flows, get_payment_model
from django_digitalstore.payments.exceptions import CheckoutUnavailable, ProviderUnavailable
from django_digitalstore.payments.models import RefundRequest
from django_digitalstore.payments.testing import place_order, post_webhook

pytestmark = pytest.mark.django_db


@pytest.fixture
def books(make_product):
    return make_product("Emma", price=1999), make_product("Persuasion", price=999)


@pytest.fixture
def paid(peer, client, customer, books):
    """A paid order of two books."""
    attempt = place_order(customer, *books)
    paid = peer.pay(attempt.checkout_reference)
    post_webhook(client, testing.payload("payment.succeeded", paid))
    attempt.refresh_from_db()
    assert all(has_access(customer, book) for book in books)
    return attempt


def owned(customer: Any, books: Any) -> list[bool]:
    return [has_access(customer, book) for book in books]


def test_a_price_that_was_changed_behind_everybodys_back_is_pushed_before_it_is_sold(
    peer, customer, books
):
    place_order(customer, books[0])
    type(books[0])._default_manager.filter(pk=books[0].pk).update(price=2999)
    attempt = place_order(customer, books[0])
    (product, _quantity) = attempt.cart[0]
    assert peer.products[product]["price"]["price"] == attempt.amount == 2999


def test_a_checkout_that_dodo_refuses_is_polite_to_the_buyer_and_clear_to_the_seller(
    peer, customer, books
):
    peer.instead.append(
        httpx.Response(422, json={"code": "MERCHANT_NOT_LIVE", "message": "Not yet verified."})
    )
    with pytest.raises(CheckoutUnavailable) as raised:
        place_order(customer, books[0])
    assert "MERCHANT_NOT_LIVE" not in str(raised.value)
    assert "customer@example.com" not in str(raised.value)
    attempt = get_payment_model().objects.get()
    assert "422 MERCHANT_NOT_LIVE: Not yet verified." in attempt.failure


def test_one_line_is_refunded_and_the_other_stays(peer, client, customer, books, paid, staff):
    line = paid.order.lines.get(product=books[0])
    request = flows.request_refund(paid, lines=[line], actor=staff, reason="Sorry")
    flows.send_refund(request.key)
    request.refresh_from_db()
    assert (request.state, request.provider_reference) == ("sent", "ref_1")

    done = {**peer.refunds["ref_1"], "status": "succeeded"}
    post_webhook(client, testing.payload("refund.succeeded", done))
    assert owned(customer, books) == [False, True]
    paid.order.refresh_from_db()
    assert paid.order.status == "partially_refunded"


def test_a_whole_refund_whose_answer_was_lost_is_found_and_made_once(
    peer, client, customer, books, paid, staff
):
    request = flows.request_refund(paid, actor=staff, reason="Sorry")
    peer.afterwards.append(httpx.ReadTimeout("…"))
    with pytest.raises(ProviderUnavailable):
        flows.send_refund(request.key)
    flows.send_refund(request.key)
    assert list(peer.refunds) == ["ref_1"]
    found = RefundRequest.objects.get()
    assert (found.state, found.provider_reference) == ("sent", "ref_1")

    done = {**peer.refunds["ref_1"], "status": "succeeded"}
    post_webhook(client, testing.payload("refund.succeeded", done))
    assert owned(customer, books) == [False, False]


def test_a_refund_that_dodo_refuses_says_why_and_is_not_tried_again(peer, paid, staff):
    request = flows.request_refund(paid, actor=staff, reason="Late")
    body = {"code": "REFUND_WINDOW_EXPIRED", "message": "30 days are over."}
    peer.instead.append(httpx.Response(400, json=body))
    flows.send_refund(request.key)
    flows.send_refund(request.key)
    request.refresh_from_db()
    assert request.state == "refused"
    assert request.error == (
        "REFUND_WINDOW_EXPIRED: Dodo Payments refused: 400 REFUND_WINDOW_EXPIRED: 30 days are over."
    )
    assert peer.refunds == {}


def test_a_payment_whose_webhook_never_came_is_found(peer, customer, books):
    attempt = place_order(customer, *books)
    peer.pay(attempt.checkout_reference)
    order = flows.refresh_order(attempt.order)
    assert (order.status, owned(customer, books)) == ("paid", [True, True])


@pytest.mark.parametrize("since", [None, timezone.now() - timedelta(days=1)])
def test_reconciling_rebuilds_what_no_webhook_told(peer, customer, books, since):
    attempt = place_order(customer, *books)
    paid = peer.pay(attempt.checkout_reference)
    peer.refunds["ref_1"] = testing.refund(payment=paid["payment_id"], amount=2998)
    paid["refunds"] = [
        {k: v for k, v in peer.refunds["ref_1"].items() if k not in ("customer", "metadata")}
    ]
    paid["refund_status"] = "full"
    flows.reconcile(since=since, per_second=None)
    attempt.order.refresh_from_db()
    assert (attempt.order.status, owned(customer, books)) == ("refunded", [False, False])
