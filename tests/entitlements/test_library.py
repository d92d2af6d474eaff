"""The library: what a customer owns, in a constant number of queries."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.entitlements.testing import grant, make_release_with_file, revoke

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP


@pytest.fixture
def shopper(client_of, customer):
    return client_of(customer)


def titles(response) -> list[str]:
    return [item.product.title for item in response.context["library"]]


def files(response) -> list[list[str]]:
    return [[file.asset.name for file in item.files] for item in response.context["library"]]


def test_an_empty_library_says_so(shopper) -> None:
    answer = shopper.get("/library/")
    assert answer.status_code == 200
    assert "Nothing here yet" in answer.content.decode()


def test_an_anonymous_visitor_logs_in_and_comes_back(client) -> None:
    assert client.get("/library/?page=2")["Location"] == (
        "/accounts/login/?next=/library/%3Fpage%3D2"
    )


def test_a_product_is_shown_with_a_button_for_each_file(shopper, customer, product, asset) -> None:
    grant(customer, product)
    answer = shopper.get("/library/")
    page = answer.content.decode()
    assert titles(answer) == ["A book"]
    assert "version 1.0" in page
    assert f'action="{reverse(f"{STORE}:download_link", args=[asset.pk])}"' in page
    assert f'<a href="{product.get_absolute_url()}">A book</a>' in page
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"


def test_no_page_has_the_address_of_a_file(shopper, customer, product, asset) -> None:
    grant(customer, product)
    page = shopper.get("/library/").content.decode()
    assert asset.file.name not in page
    assert "/downloads/" in page
    assert ":" not in page.split("/downloads/", 1)[1].split('"')[0]


def test_only_the_newest_release_that_is_available_is_shown(shopper, customer, product) -> None:
    now = timezone.now()
    grant(customer, product)
    make_release_with_file(product, name="older.txt", published_at=now - timedelta(days=9))
    make_release_with_file(product, name="draft.txt", published=False)
    make_release_with_file(product, name="coming.txt", published_at=now + timedelta(days=1))
    make_release_with_file(product, name="withdrawn.txt", yanked_at=now)
    assert files(shopper.get("/library/")) == [["a-book.pdf"]]
    make_release_with_file(product, name="newer.txt")
    assert files(shopper.get("/library/")) == [["newer.txt"]]


def test_a_product_without_a_release_says_that_files_will_come(
    shopper, customer, make_product
) -> None:
    grant(customer, make_product("Early bird", released=False))
    assert "No files yet." in shopper.get("/library/").content.decode()


def test_others_products_and_what_has_ended_are_not_shown(
    shopper, customer, other_customer, make_product
) -> None:
    kept, others, revoked, expired = map(make_product, ["Kept", "Others", "Revoked", "Expired"])
    grant(customer, kept)
    grant(other_customer, others)
    grant(customer, revoked)
    revoke(customer, revoked)
    row = grant(customer, expired, expires_at=timezone.now() + timedelta(days=1))
    type(row)._base_manager.filter(pk=row.pk).update(expires_at=timezone.now())
    assert titles(shopper.get("/library/")) == ["Kept"]


def test_an_archived_product_stays_in_the_library_without_a_link_to_the_shop(
    shopper, customer, make_product
) -> None:
    product = make_product("Gone from the shop", status="archived")
    grant(customer, product)
    answer = shopper.get("/library/")
    assert titles(answer) == ["Gone from the shop"]
    assert product.get_absolute_url() not in answer.content.decode()


def test_a_title_is_text_and_never_markup(shopper, customer, make_product) -> None:
    grant(customer, make_product("<script>alert(1)</script>", slug="evil"))
    assert "<script>" not in shopper.get("/library/").content.decode()


def test_the_library_has_pages(shopper, customer, make_product) -> None:
    for number in range(5):
        grant(customer, make_product(f"Book {number}", released=False))
    with override_settings(DIGITALSTORE_PURCHASES_PER_PAGE=2):
        pages = [shopper.get(f"/library/?page={number}") for number in (1, 2, 3)]
        assert [titles(page) for page in pages] == [
            ["Book 4", "Book 3"],
            ["Book 2", "Book 1"],
            ["Book 0"],
        ]
        assert 'rel="next"' in pages[0].content.decode()
        assert 'rel="next"' not in pages[2].content.decode()
        for nonsense in ("4", "0", "-1", "abc", "9" * 40):
            assert shopper.get(f"/library/?page={nonsense}").status_code == 404


@override_settings(DIGITALSTORE_PURCHASES_PER_PAGE=1000)
def test_the_number_of_queries_does_not_depend_on_the_number_of_rows(
    shopper, customer, make_product, django_assert_num_queries
) -> None:
    owned = 0
    for count in (1, 10, 100):
        while owned < count:
            product = make_product(f"Book {owned}")
            make_release_with_file(product)
            grant(customer, product)
            owned += 1
        # session, user, purchases with products, newest releases, their files, last downloads
        with django_assert_num_queries(6 + ATOMIC):
            answer = shopper.get("/library/")
        assert len(answer.context["library"]) == count


#: A request in a transaction has a savepoint in a test: two statements more.
ATOMIC = 2 if settings.DATABASES["default"].get("ATOMIC_REQUESTS") else 0
