"""Support is sold through Dodo as products are: a product of its own there, one for each pack."""

from __future__ import annotations

from typing import Any

import pytest

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.payments import flows, get_order_model
from django_digitalstore.payments.flows import LineRequest
from django_digitalstore.payments.testing import place_order, post_webhook

pytestmark = [pytest.mark.django_db, pytest.mark.needs("support")]


def test_a_pack_is_bought_used_and_refunded_at_dodo(
    peer: Any, client: Any, customer: Any, make_product: Any, staff: Any
) -> None:
    from django_digitalstore.entitlements.testing import grant
    from django_digitalstore.support.policies import support_allowance
    from django_digitalstore.support.testing import offer_support, open_request

    book = make_product("Emma", price=1999)
    offer_support(book, "none", pack_price=900, pack_size=3)
    grant(customer, book)

    attempt = place_order(customer, LineRequest(book, "support"))
    ((product, _quantity),) = attempt.cart
    assert peer.products[product]["price"]["price"] == 900
    assert peer.products[product]["name"] == "Support: 3 requests – Emma"
    paid = peer.pay(attempt.checkout_reference)
    post_webhook(client, testing.payload("payment.succeeded", paid))
    assert support_allowance(customer, book).bought_left == 3

    open_request(customer, book)
    attempt.refresh_from_db()
    request = flows.request_refund(attempt, actor=staff, reason="Sorry")
    flows.send_refund(request.key)
    done = {**peer.refunds["ref_1"], "status": "succeeded"}
    post_webhook(client, testing.payload("refund.succeeded", done))
    assert support_allowance(customer, book).bought_left == 0
    assert get_order_model().objects.get().status == "refunded"


def test_a_product_and_its_support_are_two_products_there(
    peer: Any, customer: Any, make_product: Any, make_user: Any
) -> None:
    from django_digitalstore.entitlements.testing import grant
    from django_digitalstore.support.testing import offer_support

    book = make_product("Emma", price=1999)
    offer_support(book, "none", pack_price=900, pack_size=3)
    ((as_product, _quantity),) = place_order(make_user("buyer"), book).cart
    grant(customer, book)
    ((as_support, _quantity),) = place_order(customer, LineRequest(book, "support")).cart
    assert as_product != as_support
    assert peer.products[as_product]["price"]["price"] == 1999
