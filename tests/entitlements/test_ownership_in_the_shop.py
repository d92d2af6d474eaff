"""The shop's own pages show what one owns, though the catalog knows nothing of ownership."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_digitalstore.entitlements.testing import grant

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

OWNED = "In your library"


def test_an_owner_is_led_to_the_library_instead_of_the_checkout(
    client_of, customer, product
) -> None:
    client = client_of(customer)
    before = client.get(product.get_absolute_url()).content.decode()
    assert "/buy/?product=a-book" in before
    assert OWNED not in before
    grant(customer, product)
    after = client.get(product.get_absolute_url()).content.decode()
    assert "/buy/" not in after
    assert OWNED in after
    assert '<a class="ds-button" href="/library/">Download</a>' in after


def test_the_list_marks_what_is_owned_without_a_query_more(
    client, client_of, customer, other_customer, make_product, django_assert_num_queries
) -> None:
    products = [make_product(f"Book {number}", released=False) for number in range(10)]
    for product in products[:4]:
        grant(customer, product)
    owner, other = client_of(customer), client_of(other_customer)
    with CaptureQueriesContext(connection) as queries:
        assert other.get("/").content.decode().count(OWNED) == 0
    with django_assert_num_queries(len(queries)):
        assert owner.get("/").content.decode().count(OWNED) == 4
    assert client.get("/").content.decode().count(OWNED) == 0
