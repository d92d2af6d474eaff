"""The seller's pages for what support their products come with."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_digitalstore.support import get_support_terms_model
from django_digitalstore.support.policies import support_allowance, terms_in_force
from django_digitalstore.support.testing import offer_support

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.urls")]

LIST, TERMS = "/seller/support/terms/", "/seller/support/terms/a-book/"
FORM = {"included": "requests", "included_requests": "2", "most_open": "3"}


@pytest.fixture
def counter(client_of: Callable[[Any], Client], seller: Any) -> Client:
    return client_of(seller)


def text_of(response: Any) -> str:
    return " ".join(unescape(response.content.decode()).split())


def test_a_seller_sets_what_their_product_comes_with(
    counter: Client, product: Any, seller: Any
) -> None:
    answer: Any = counter.post(
        TERMS, {**FORM, "pack_price": "9.00", "pack_size": "3", "response_hours": "24"}
    )
    assert (answer.status_code, answer.url) == (303, LIST)
    assert [str(m) for m in get_messages(answer.wsgi_request)] == [
        "The support of “A book” is saved."
    ]
    terms: Any = terms_in_force(product)
    assert (terms.included, terms.included_requests) == ("requests", 2)
    assert (terms.pack_price, terms.pack_size, terms.response_hours) == (900, 3, 24)
    assert terms.actor == seller
    page = text_of(counter.get(LIST))
    assert "2 requests are included. 3 more requests cost €9.00." in page


def test_the_form_shows_what_is_in_force(counter: Client, supported: Any) -> None:
    page = counter.get(TERMS).content.decode()
    assert 'name="pack_price" value="9.00"' in page
    assert 'name="included_requests" value="2"' in page


def test_a_product_of_which_nobody_spoke_has_none(counter: Client, product: Any) -> None:
    assert counter.get(TERMS).context["form"]["included"].value() == "none"
    assert "None" in text_of(counter.get(LIST))


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        (
            {"included_requests": ""},
            {"included_requests": ["Say how many requests are included: at least one."]},
        ),
        (
            {"included": "unlimited", "most_open": ""},
            {"most_open": ["Unlimited support needs a limit of open requests at once."]},
        ),
        (
            {"pack_price": "9"},
            {"pack_size": ["A pack has a price and a number of requests: fill in both, or none."]},
        ),
        (
            {"pack_price": "9.001", "pack_size": "1"},
            {"pack_price": ["EUR has only 2 decimal places."]},
        ),
        (
            {"included": "everything"},
            {
                "included": [
                    "Select a valid choice. everything is not one of the available choices."
                ]
            },
        ),
    ],
)
def test_what_is_not_whole_is_said_at_its_field(
    counter: Client, product: Any, fields: dict[str, str], errors: dict[str, list[str]]
) -> None:
    answer = counter.post(TERMS, {**FORM, **fields})
    assert answer.status_code == 400
    assert answer.context["form"].errors == errors
    assert not get_support_terms_model().objects.exists()


def test_who_has_bought_keeps_what_they_were_promised(
    counter: Client, owner: Any, supported: Any
) -> None:
    counter.post(TERMS, {**FORM, "included": "none"})
    assert support_allowance(owner, supported).included_left == 2


def test_saving_twice_writes_once(counter: Client, product: Any) -> None:
    for _ in range(2):
        counter.post(TERMS, FORM)
    assert get_support_terms_model().objects.count() == 1


def test_another_seller_does_not(
    client_of: Callable[[Any], Client], other_seller: Any, customer: Any, product: Any
) -> None:
    for send in (client_of(other_seller).get, client_of(other_seller).post):
        assert send(TERMS, FORM).status_code == 404
        assert send("/seller/support/terms/nothing/", FORM).status_code == 404
    assert client_of(customer).post(TERMS, FORM).status_code == 403
    assert "A book" not in text_of(client_of(other_seller).get(LIST))
    assert not get_support_terms_model().objects.exists()


def test_the_list_takes_as_many_queries_for_1_and_20_products(
    counter: Client, make_product: Callable[..., Any], seller: Any
) -> None:
    numbers = []
    for total in (1, 19):
        for number in range(total):
            product = make_product(f"Product {total}-{number}", seller=seller, released=False)
            offer_support(product)
            offer_support(product, included_requests=5)
        counter.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            rows = counter.get(LIST).context["rows"]
        numbers.append(len(queries))
    assert len(rows) == 20
    assert {row["terms"].included_requests for row in rows} == {5}
    assert numbers[0] == numbers[1]
