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


# --- what is new ---------------------------------------------------------------------------------


def item(client):
    (found,) = client.get("/library/").context["library"]
    return found


def download(client, asset) -> None:
    link = client.post(reverse(f"{STORE}:download_link", args=[asset.pk]))["Location"]
    b"".join(client.get(link).streaming_content)


def days_ago(days: int):
    return timezone.now() - timedelta(days=days)


@pytest.fixture
def book(customer, make_product):
    product = make_product("A book", released=False)
    grant(customer, product)
    return product


NEW, UPDATED = "New since your last download", "Updated"


def test_a_release_after_the_last_download_is_new(shopper, book) -> None:
    first = make_release_with_file(book, published_at=days_ago(30))
    assert not item(shopper).is_new  # nothing was downloaded: everything is
    download(shopper, first)
    assert not item(shopper).is_new
    make_release_with_file(book, published_at=days_ago(20))
    assert item(shopper).is_new
    assert NEW in shopper.get("/library/").content.decode()
    assert UPDATED not in shopper.get("/library/").content.decode()


def test_a_release_that_came_back_is_new_to_who_never_had_it(shopper, book) -> None:
    old = make_release_with_file(book, published_at=days_ago(30))
    back = make_release_with_file(book, published_at=days_ago(20), yanked_at=timezone.now())
    download(shopper, old)
    back.release.yanked_at = None
    back.release.save()
    assert item(shopper).is_new


def test_what_was_downloaded_is_not_new_after_a_later_one_is_withdrawn(shopper, book) -> None:
    make_release_with_file(book, published_at=days_ago(30))
    later = make_release_with_file(book, published_at=days_ago(20))
    download(shopper, later)
    later.release.yanked_at = timezone.now()
    later.release.save()
    assert not item(shopper).is_new


def test_a_download_of_a_file_that_is_gone_still_counts(shopper, book) -> None:
    first = make_release_with_file(book, published_at=days_ago(30))
    download(shopper, first)
    first.delete()
    make_release_with_file(book, published_at=days_ago(20))
    assert not item(shopper).is_new  # it was downloaded today
    make_release_with_file(book)
    assert item(shopper).is_new


def test_looking_at_it_and_refusals_are_no_downloads(shopper, book) -> None:
    from django_digitalstore.entitlements import get_download_model

    first = make_release_with_file(book, published_at=days_ago(30))
    download(shopper, first)
    make_release_with_file(book, published_at=days_ago(20))
    for outcome in ("refused", "missing", "previewed", "reset"):
        get_download_model().objects.update(outcome=outcome)
        assert not item(shopper).is_new


def test_an_update_has_its_badge_for_a_while(shopper, book) -> None:
    make_release_with_file(book, published_at=days_ago(2))
    assert not item(shopper).is_updated  # the first release updates nothing
    make_release_with_file(book, published_at=days_ago(1))
    assert item(shopper).is_updated
    assert f"{UPDATED}</span>" in shopper.get("/library/").content.decode()
    with override_settings(DIGITALSTORE_UPDATED_BADGE_AGE=timedelta(hours=23)):
        assert not item(shopper).is_updated


def test_an_update_that_the_owner_does_not_get_has_no_badge(shopper, book) -> None:
    book.updates, book.update_days = "limited", 0
    book.save()
    make_release_with_file(book, published_at=days_ago(9))
    type(book.purchases.get())._base_manager.update(granted_at=days_ago(5))
    make_release_with_file(book, published_at=days_ago(1))
    assert not item(shopper).is_updated


def test_samples_and_files_that_are_not_ready_are_not_in_the_library(shopper, book) -> None:
    asset = make_release_with_file(book)
    for state, visibility in (
        ("processing", "owners"),
        ("failed", "owners"),
        ("ready", "sample"),
    ):
        type(asset)._default_manager.update(state=state, visibility=visibility)
        assert item(shopper).files == []


@override_settings(DIGITALSTORE_PURCHASES_PER_PAGE=1000)
def test_the_number_of_queries_depends_on_neither_updates_nor_downloads(
    shopper, customer, make_product, django_assert_num_queries
) -> None:
    owned = 0
    for count in (1, 10, 100):
        while owned < count:
            product = make_product(
                f"Book {owned}", released=False, updates="limited", update_days=owned % 5
            )
            for days in (30, 10, 1):
                asset = make_release_with_file(product, published_at=days_ago(days))
            purchase = grant(customer, product)
            log(purchase, asset)
            owned += 1
        type(purchase)._base_manager.update(granted_at=days_ago(12))
        # session, user, purchases with products, dates of releases, newest releases, their files,
        # last downloads
        with django_assert_num_queries(7 + ATOMIC):
            answer = shopper.get("/library/")
        assert len(answer.context["library"]) == count


def test_a_library_of_a_thousand_products_is_shown_in_pages(
    shopper, customer, make_product, django_assert_num_queries
) -> None:
    make_many(customer, 1000)
    for number in (1, 2, 42):
        with django_assert_num_queries(6 + ATOMIC):
            answer = shopper.get(f"/library/?page={number}")
        assert len(answer.context["library"]) == (24 if number < 42 else 16)
        assert {entry.release.version for entry in answer.context["library"]} == {"3.0"}


def log(purchase, asset) -> None:
    from django_digitalstore.entitlements import flows

    flows.record_download(purchase, asset, address=None, agent="")


def make_many(customer, number: int) -> None:
    """Give a customer so many products with three releases of one file each, by SQL: it is many."""
    from django_digitalstore.catalog import (
        get_asset_model,
        get_product_model,
        get_release_model,
    )
    from django_digitalstore.entitlements import get_purchased_product_model

    now = timezone.now()
    products = [
        get_product_model()(title=f"Book {n}", slug=f"book-{n}", price=100, status="published")
        for n in range(number)
    ]
    products = get_product_model()._base_manager.bulk_create(products)
    releases = get_release_model()._base_manager.bulk_create(
        get_release_model()(
            product=product, version=f"{n}.0", published_at=now - timedelta(days=9 - n)
        )
        for product in products
        for n in (1, 2, 3)
    )
    get_asset_model()._base_manager.bulk_create(
        get_asset_model()(release=release, name="book.pdf", file="book.pdf", size=1)
        for release in releases
    )
    purchases = get_purchased_product_model()
    purchases._base_manager.bulk_create(
        purchases(user=customer, product=product, granted_at=now) for product in products
    )
