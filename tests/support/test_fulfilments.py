"""Buying support: an ordinary line of kind ``support``, with the rules of its own kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from django.test import Client, override_settings
from django.utils import translation

from django_digitalstore.core.invariants import violations
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.payments import flows as payments
from django_digitalstore.payments import get_order_line_model, get_order_model
from django_digitalstore.payments.exceptions import CheckoutRefused
from django_digitalstore.payments.flows import LineRequest
from django_digitalstore.payments.testing import dispute, pay, place_order, refund
from django_digitalstore.support import flows, get_support_allowance_model
from django_digitalstore.support.exceptions import NoSupport
from django_digitalstore.support.fulfilments import KIND, SupportFulfilment
from django_digitalstore.support.policies import can_open, support_allowance
from django_digitalstore.support.testing import offer_support, open_request, paid_support

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.urls")]

NOT_BOUGHT = "Support for “A book” is for those who own it: buy “A book” first."
LOST = "“A book” is not yours any more, and its support ended with it."


def bought_left(user: Any, product: Any) -> int:
    return support_allowance(user, product).bought_left


def refused(user: Any, product: Any) -> CheckoutRefused:
    with pytest.raises(CheckoutRefused) as stopped:
        place_order(user, LineRequest(product, KIND))
    assert not get_order_line_model().objects.filter(kind=KIND).exists()
    return stopped.value


def fresh(order: Any) -> Any:
    return get_order_model().objects.get(pk=order.pk)


# --- paid -------------------------------------------------------------------------------------


def test_a_paid_pack_gives_its_requests(owner: Any, supported: Any) -> None:
    order = paid_support(owner, supported)
    line = order.lines.get()
    assert (line.kind, line.name, line.total) == ("support", "Support: 3 requests – A book", 900)
    assert (order.status, order.attention) == ("paid", "")
    allowance = get_support_allowance_model().objects.get()
    assert (allowance.requests, allowance.source_kind) == (3, "payment")
    assert allowance.source_reference.startswith(f"{order.public_id}/1/")
    assert bought_left(owner, supported) == 3


def test_a_second_pack_is_bought_as_well(owner: Any, supported: Any) -> None:
    first, second = paid_support(owner, supported), paid_support(owner, supported)
    assert first != second
    assert (first.attention, fresh(second).attention) == ("", "")
    assert bought_left(owner, supported) == 6


def test_settling_again_gives_nothing_again(owner: Any, supported: Any) -> None:
    order = paid_support(owner, supported)
    payments.settle_order(order)
    assert bought_left(owner, supported) == 3


def test_support_is_no_access(owner: Any, supported: Any, other_customer: Any) -> None:
    paid_support(owner, supported)
    access.revoke_product(owner, supported, source=Source("test"), reason="refund")
    assert not has_access(owner, supported)


def test_a_pack_has_the_size_it_had_when_it_was_ordered(owner: Any, supported: Any) -> None:
    payment = place_order(owner, LineRequest(supported, KIND))
    offer_support(supported, pack_price=900, pack_size=1)
    pay(payment)
    assert bought_left(owner, supported) == 3


def test_a_pack_of_another_size_at_the_same_price_is_another_order(
    owner: Any, supported: Any
) -> None:
    first = place_order(owner, LineRequest(supported, KIND))
    offer_support(supported, pack_price=900, pack_size=5)
    second = place_order(owner, LineRequest(supported, KIND))
    assert first.order != second.order
    pay(second)
    assert bought_left(owner, supported) == 5


def test_the_same_pack_twice_unpaid_is_one_order(owner: Any, supported: Any) -> None:
    first = place_order(owner, LineRequest(supported, KIND))
    assert place_order(owner, LineRequest(supported, KIND)).order == first.order


def test_providers_hear_one_name_whatever_the_buyer_speaks(supported: Any, tmp_path: Path) -> None:
    name = ("Support: %(size)d request – %(product)s", "Support: %(size)d requests – %(product)s")
    german = Catalog(locale="de")
    german.add(name, ("Hilfe", "Hilfe"))
    (tmp_path / "de" / "LC_MESSAGES").mkdir(parents=True)
    with (tmp_path / "de" / "LC_MESSAGES" / "django.mo").open("wb") as file:
        write_mo(file, german)
    with override_settings(LOCALE_PATHS=[tmp_path]), translation.override("de"):
        assert translation.ngettext(*name, 3) == "Hilfe"
        quote = SupportFulfilment().list_quote(supported)
    assert quote is not None
    assert (quote.name, quote.unit_price, quote.currency) == (
        "Support: 3 requests – A book",
        900,
        "EUR",
    )


def test_where_no_pack_is_sold_nobody_has_a_price(product: Any) -> None:
    assert SupportFulfilment().list_quote(product) is None


def test_the_packs_of_many_products_are_found_by_one_query(
    supported: Any, make_product: Any
) -> None:
    fulfilment, without = SupportFulfilment(), make_product("Without support")
    with assert_query_budget(1):
        found = fulfilment.list_quotes([supported, without])
    assert found == {supported.pk: fulfilment.list_quote(supported), without.pk: None}


# --- who may buy ------------------------------------------------------------------------------


def test_without_a_purchase_no_support_is_sold(customer: Any, supported: Any) -> None:
    refusal = refused(customer, supported)
    assert (refusal.code, str(refusal)) == ("no_purchase", NOT_BOUGHT)


def test_who_lost_access_is_sold_none(owner: Any, supported: Any) -> None:
    revoke(owner, supported)
    refusal = refused(owner, supported)
    assert (refusal.code, str(refusal)) == ("access_lost", LOST)


def test_where_no_pack_is_sold_none_is_bought(owner: Any, product: Any) -> None:
    offer_support(product)
    refusal = refused(owner, product)
    assert (refusal.code, str(refusal)) == ("no_packs", "No support is sold for “A book”.")


def test_sellers_do_not_buy_their_own_support(seller: Any, supported: Any) -> None:
    grant(seller, supported)
    refusal = refused(seller, supported)
    assert (refusal.code, str(refusal)) == (
        "own_product",
        "“A book” is your own product: you answer its questions.",
    )


def test_who_has_unlimited_support_needs_none(owner: Any, product: Any) -> None:
    offer_support(product, "unlimited", pack_price=900, pack_size=3)
    refusal = refused(owner, product)
    assert (refusal.code, str(refusal)) == (
        "unlimited",
        "Your support for “A book” is unlimited: there is nothing to buy.",
    )


def test_who_has_support_for_some_days_may_buy_more(owner: Any, product: Any) -> None:
    offer_support(product, "window", included_days=30, pack_price=900, pack_size=3)
    paid_support(owner, product)
    assert bought_left(owner, product) == 3


def test_a_product_and_its_support_are_not_bought_in_one_order(
    customer: Any, supported: Any
) -> None:
    with pytest.raises(CheckoutRefused) as stopped:
        place_order(customer, LineRequest(supported), LineRequest(supported, KIND))
    assert str(stopped.value) == NOT_BOUGHT


# --- one pending order, by the line's kind ----------------------------------------------------


def on_its_way(payment: Any) -> None:
    """Let a payment be processing, as its provider says."""
    type(payment)._base_manager.filter(pk=payment.pk).update(state="processing")


def test_while_a_pack_is_being_paid_no_other_is_sold(owner: Any, supported: Any) -> None:
    payment = place_order(owner, LineRequest(supported, KIND))
    on_its_way(payment)
    with pytest.raises(CheckoutRefused) as stopped:
        place_order(owner, LineRequest(supported, KIND), country="FR")
    assert str(stopped.value) == (
        f"A payment for this is on its way: order {payment.order.public_id}. Please wait for it."
    )


def test_a_product_that_is_being_paid_keeps_no_support_waiting(
    customer: Any, supported: Any
) -> None:
    on_its_way(place_order(customer, supported))
    grant(customer, supported, source=Source("gift", "meanwhile"))
    paid_support(customer, supported)
    assert bought_left(customer, supported) == 3


# --- given back -------------------------------------------------------------------------------


def test_a_refund_takes_what_was_not_used(owner: Any, supported: Any) -> None:
    order = paid_support(owner, supported)
    refund(order)
    allowance = get_support_allowance_model().objects.get()
    assert allowance.ended_at is not None
    assert allowance.ended_reason
    assert bought_left(owner, supported) == 0
    assert fresh(order).status == "refunded"


def test_a_refund_leaves_what_was_used(owner: Any, product: Any) -> None:
    flows.save_terms(product, pack_price=900, pack_size=3)
    order = paid_support(owner, product)
    request = open_request(owner, product)
    refund(order)
    request.refresh_from_db()
    assert request.allowance == get_support_allowance_model().objects.get()
    assert request.state == "open"
    with pytest.raises(NoSupport) as stopped:
        open_request(owner, product)
    assert stopped.value.code == "not_included"
    paid_support(owner, product)
    assert bought_left(owner, product) == 3


def test_a_dispute_that_is_won_gives_back_what_was_not_used(owner: Any, product: Any) -> None:
    flows.save_terms(product, pack_price=900, pack_size=3)
    order = paid_support(owner, product)
    open_request(owner, product)
    reference = dispute(order)
    assert bought_left(owner, product) == 0
    dispute(order, "won", reference=reference)
    assert bought_left(owner, product) == 2
    assert list(violations()) == []


def test_the_refund_of_the_product_leaves_a_pack_unusable(owner: Any, supported: Any) -> None:
    order = paid_support(owner, supported)
    access.revoke_product(owner, supported, source=Source("test"), reason="refund")
    assert bought_left(owner, supported) == 3
    assert not can_open(owner, supported)
    # Whoever took the access away knew: it is no news of the other order.
    assert payments.settle_order(order).attention == ""
    grant(owner, supported, source=Source("payment", "again"))
    assert can_open(owner, supported)


def test_access_that_is_lost_before_the_payment_lands_flags_the_order(
    owner: Any, supported: Any
) -> None:
    payment = place_order(owner, LineRequest(supported, KIND))
    revoke(owner, supported)
    pay(payment)
    order = fresh(payment.order)
    assert (order.status, order.attention) == ("paid", "withheld")
    assert bought_left(owner, supported) == 3
    assert not can_open(owner, supported)
    access.restore_product(owner, supported, reason="a mistake")
    assert payments.settle_order(order).attention == ""
    assert can_open(owner, supported)


# --- the checkout page ------------------------------------------------------------------------


def form(product: Any) -> dict[str, str]:
    return {"product": product.slug, "email": "ada@example.com", "country": "DE"}


def test_the_checkout_page_sells_support(
    owner: Any, supported: Any, client_of: Callable[[Any], Client]
) -> None:
    client = client_of(owner)
    page = client.get("/support/buy/a-book/").content.decode()
    assert "Support: 3 requests – A book" in page
    assert "€9.00" in page
    # What a line costs, and of what kind it is, is never what the request says.
    answer = client.post(
        "/support/buy/a-book/", {**form(supported), "kind": "product", "price": "1"}
    )
    assert answer.status_code == 303
    order = get_order_model().objects.get()
    assert (order.total, order.lines.get().kind) == (900, "support")


@pytest.mark.parametrize("method", ["get", "post"])
def test_where_nothing_is_sold_the_page_says_so(
    owner: Any, product: Any, client_of: Callable[[Any], Client], method: str
) -> None:
    answer = getattr(client_of(owner), method)("/support/buy/a-book/", form(product))
    assert answer.status_code == 400
    assert "No support is sold for “A book”." in answer.content.decode()


def test_the_page_asks_for_the_product_first(
    customer: Any, supported: Any, client_of: Callable[[Any], Client]
) -> None:
    answer = client_of(customer).post("/support/buy/a-book/", form(supported))
    assert answer.status_code == 400
    assert NOT_BOUGHT in answer.content.decode()


def test_without_its_fulfilment_support_is_not_sold(owner: Any, supported: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    product_only = {
        "product": "django_digitalstore.payments.fulfilments.ProductFulfilment",
    }
    with (
        override_settings(DIGITALSTORE_FULFILMENTS=product_only),
        pytest.raises(ImproperlyConfigured) as stopped,
    ):
        paid_support(owner, supported)
    assert str(stopped.value) == (
        "DIGITALSTORE_FULFILMENTS has no fulfilment for lines of kind 'support'; it knows "
        "'product'. Write DIGITALSTORE_FULFILMENTS = {'support': 'dotted.path.Fulfilment'}."
    )
