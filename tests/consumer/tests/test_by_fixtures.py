"""What bookstand adds, tested by the suite's fixtures for pytest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bookstand import get_licence_model
from django.urls import reverse

from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.entitlements.testing import assert_access, assert_no_access

Make = Callable[..., Any]


@pytest.fixture
def make_book(make_product: Make, make_release: Make) -> Make:
    """A book with its file, by the suite's own fixtures."""

    def make(title: str = "Emma", **fields: Any) -> Any:
        book = make_product(title, **{"isbn": "9780141439518", **fields})
        make_release(book, {"book.epub": b"words"})
        return book

    return make


def test_the_shelf_asks_the_same_for_one_book_and_for_ten(client, make_book) -> None:
    make_book()
    with assert_query_budget(8) as one:
        client.get(reverse("shop:product_list"))
    for number in range(9):
        make_book(f"Emma {number}")
    with assert_query_budget(len(one)):
        client.get(reverse("shop:product_list"))


def test_the_bookshelf_of_an_owner_names_the_file(client, make_book, customer_who_owns) -> None:
    client.force_login(customer_who_owns(make_book()))
    assert "book.epub" in client.get(reverse("shop:library")).content.decode()


def test_a_licence_is_bought_by_a_signed_webhook(
    client, make_book, make_customer, deliver_webhooks
) -> None:
    book, customer = make_book(licence_price=9900), make_customer()
    client.force_login(customer)
    form = {"product": book.slug, "email": "ada@example.com", "country": "DE"}
    pay_page = client.post(reverse("shop:licence"), form).url
    client.post(pay_page, {"action": "pay"})
    assert not get_licence_model()._default_manager.exists()
    assert [answer.status_code for answer in deliver_webhooks()] == [200]
    assert get_licence_model()._default_manager.get().owner == customer


def test_a_refunded_book_is_read_no_more(client, make_book, make_customer, refunded_order) -> None:
    book, reader = make_book(), make_customer()
    refunded_order(reader, book)
    assert_no_access(reader, book)
    client.force_login(reader)
    assert client.get(reverse("shop:reading_room", args=[book.slug])).status_code == 403


def test_a_paid_book_is_read(client, make_book, make_customer, paid_order) -> None:
    book, reader = make_book(), make_customer()
    paid_order(reader, book)
    assert_access(reader, book)
    client.force_login(reader)
    assert client.get(reverse("shop:reading_room", args=[book.slug])).status_code == 200


def test_a_message_that_nobody_signed_lately_buys_nothing(post_webhook) -> None:
    assert post_webhook({"type": "payment.succeeded"}, timestamp=1).status_code == 401


def test_the_sellers_list_shows_their_books_only(client, make_book, make_seller) -> None:
    seller = make_seller()
    make_book("Theirs", seller=seller)
    make_book("Not theirs")
    client.force_login(seller)
    rows = client.get(reverse("shop:seller_products")).context["rows"]
    assert [row["product"].title for row in rows] == ["Theirs"]
