"""A link knows the orders it led to: by a cookie that nobody can forge, at no sale's cost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.signing import TimestampSigner
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse

from django_digitalstore.contrib.shorturls import attribution, policies
from django_digitalstore.contrib.shorturls.models import ShortLinkOrder
from django_digitalstore.contrib.shorturls.policies import OrderCount
from django_digitalstore.contrib.shorturls.testing import click
from django_digitalstore.payments import get_order_model
from django_digitalstore.payments.testing import paid_order, place_order

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


@pytest.fixture
def buyer(customer, client_of) -> Client:
    return client_of(customer)


def buy(client: Client, product) -> None:
    form = {"product": product.slug, "email": "ada@example.com", "country": "DE"}
    answer = client.post(reverse("shop:checkout"), form)
    assert answer.status_code == 303, answer.content


def noted() -> list[tuple[str, str]]:
    return list(ShortLinkOrder.objects.values_list("link__code", "order_public_id"))


def test_the_order_after_a_click_is_noted_for_its_link(buyer, link, product):
    cookie = click(link, buyer).cookies[attribution.COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert cookie["max-age"] == 30 * 24 * 60 * 60
    assert not cookie["secure"]
    buy(buyer, product)
    assert noted() == [(link.code, get_order_model().objects.get().public_id)]
    buy(buyer, product)  # a double click: the same order
    assert len(noted()) == 1


def test_the_link_that_was_clicked_last_counts(buyer, link, make_link, product):
    later = make_link()
    click(link, buyer)
    click(later, buyer)
    buy(buyer, product)
    assert [code for code, _ in noted()] == [later.code]


def test_without_a_click_nothing_is_noted(buyer, link, product):
    buy(buyer, product)
    assert noted() == []


@pytest.mark.parametrize("forged", ["{code}", "{code}:1tXyzA:AAAA", "", "\x00", "{other}"])
def test_a_forged_cookie_is_nothing(buyer, link, product, forged):
    other = TimestampSigner(salt="another").sign(link.code)
    buyer.cookies[attribution.COOKIE] = forged.format(code=link.code, other=other)
    buy(buyer, product)
    assert noted() == []


def test_a_cookie_counts_for_as_long_as_the_setting_says(buyer, link, product, settings):
    click(link, buyer)
    settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION = timedelta(microseconds=1)
    buy(buyer, product)
    assert noted() == []


def test_zero_sets_no_cookie_and_reads_none(buyer, link, product, settings):
    click(link, buyer)
    settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION = timedelta(0)
    assert not click(link).cookies
    buy(buyer, product)
    assert noted() == []


def test_the_cookie_is_for_https_where_the_site_is(link):
    browser = {"User-Agent": "Mozilla/5.0"}
    answer = Client().get(f"/store/s/{link.code}", secure=True, headers=browser)
    assert answer.cookies[attribution.COOKIE]["secure"]


def test_a_sale_goes_on_when_its_link_cannot_be_noted(buyer, link, product, caplog):
    click(link, buyer)

    def refuse(execute, sql, *rest):
        if "shortlinkorder" in sql:
            raise OperationalError("no such table")
        return execute(sql, *rest)

    with connection.execute_wrapper(refuse):
        buy(buyer, product)
    order = get_order_model().objects.get()
    assert f"The order {order.public_id} could not be noted for a short link." in caplog.messages


def test_paid_orders_are_told_from_placed_ones(link, seller, customer, other_customer, product):
    paid = paid_order(customer, product)
    placed = place_order(other_customer, product).order
    for order in (paid, placed):
        ShortLinkOrder.objects.create(link=link, order_public_id=order.public_id)
    assert policies.count_orders([link], seller=seller) == {link.pk: OrderCount(2, 1)}
    assert policies.orders_of_link(link, seller=seller) == [placed, paid]


def test_a_seller_sees_no_orders_without_products_of_theirs(
    link, seller, other_seller, customer, make_product
):
    order = paid_order(customer, make_product("Another", seller=other_seller))
    ShortLinkOrder.objects.create(link=link, order_public_id=order.public_id)
    assert policies.count_orders([link], seller=seller) == {}
    assert policies.orders_of_link(link, seller=seller) == []
    assert policies.count_orders([link]) == {link.pk: OrderCount(1, 1)}
    assert policies.orders_of_link(link) == [order]
