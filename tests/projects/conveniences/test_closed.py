"""The host itself, closed: its own middleware, and the pages that ``startstore`` wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_digitalstore.contrib.shorturls.addresses import path_of
from django_digitalstore.contrib.shorturls.testing import make_link
from django_digitalstore.contrib.underconstruction.testing import site_closed
from django_digitalstore.entitlements.testing import customer_who_owns
from django_digitalstore.payments.testing import place_order

pytestmark = pytest.mark.django_db

SHOP = ["product_list", "checkout", "seller_products", "sales_dashboard", "seller_links"]


@pytest.fixture
def closed(product: Any) -> Iterator[None]:
    with site_closed():
        yield


def statuses(client: Client, names: list[str]) -> set[int]:
    return {client.get(reverse(f"shop:{name}")).status_code for name in names}


def test_the_shop_the_panel_and_short_links_are_closed_to_all_but_staff(
    client_of, client, seller, staff, customer, closed
):
    link = path_of(make_link(path="/library/").code)
    for visitor in (client, client_of(customer), client_of(seller)):
        assert statuses(visitor, SHOP) == {503}
        assert visitor.get(link).status_code == 503
    assert client_of(staff).get(reverse("shop:product_list")).status_code == 200
    assert client_of(staff).get(link).status_code == 302


def test_owners_reach_what_they_bought(client_of, product, closed):
    owner = client_of(customer_who_owns(product))
    assert owner.get(reverse("shop:library")).status_code == 200
    asset = product.releases.get().assets.get()
    assert owner.post(reverse("shop:download_link", args=[asset.pk])).status_code == 303


def test_buyers_come_back_to_their_order(client_of, customer, product):
    order = place_order(customer, product).order.public_id
    with site_closed():
        buyer = client_of(customer)
        assert buyer.get(reverse("shop:order_return", args=[order])).status_code == 200
        assert buyer.get(reverse("shop:order_detail", args=[order])).status_code == 503


def test_everybody_may_log_in(client, closed):
    assert client.get(reverse("login")).status_code == 200
    assert client.get(reverse("admin:login")).status_code == 200
