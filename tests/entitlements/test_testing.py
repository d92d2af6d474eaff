"""The helpers that hosts' tests use, and the queryset mixin that hosts' managers add."""

from __future__ import annotations

import pytest

from django_digitalstore.catalog import get_product_model
from django_digitalstore.catalog.abstract_models import ProductQuerySet
from django_digitalstore.entitlements.querysets import OwnershipQuerySetMixin
from django_digitalstore.entitlements.testing import (
    assert_access,
    assert_no_access,
    customer_who_owns,
    grant,
    make_customer,
    make_product,
    make_release_with_file,
    revoke,
)

pytestmark = pytest.mark.django_db


class OwnedProductQuerySet(OwnershipQuerySetMixin, ProductQuerySet):
    """What a host writes."""


def test_a_customer_can_log_in(client) -> None:
    customer = make_customer(password="open sesame")
    assert client.login(username=customer.get_username(), password="open sesame")


def test_customers_and_products_are_new_each_time() -> None:
    assert make_customer() != make_customer()
    assert make_product(title="Same") != make_product(title="Same")


def test_a_product_is_for_sale_unless_the_test_says_otherwise() -> None:
    assert make_product().is_for_sale
    draft = make_product(status="draft")
    assert (draft.is_for_sale, draft.published_at) == (False, None)


def test_a_customer_who_owns_owns_these_and_nothing_else() -> None:
    first, second, third = make_product(), make_product(), make_product()
    customer = customer_who_owns(first, second)
    assert_access(customer, first)
    assert_access(customer, second)
    assert_no_access(customer, third)
    revoke(customer, first)
    assert_no_access(customer, first)


def test_a_file_is_really_there() -> None:
    asset = make_release_with_file(make_product(), b"the words", "book.txt")
    with asset.file.open() as file:
        assert file.read() == b"the words"
    assert asset.release.is_available


def test_a_failed_assertion_says_who_and_what() -> None:
    customer, product = make_customer(), make_product(title="A book")
    with pytest.raises(AssertionError) as caught:
        assert_access(customer, product)
    assert str(caught.value) == f"{customer} has no access to “A book”."
    grant(customer, product)
    with pytest.raises(AssertionError) as caught:
        assert_no_access(customer, product)
    assert str(caught.value) == f"{customer} has access to “A book”."


def test_a_hosts_queryset_filters_and_annotates_by_owner(django_assert_num_queries) -> None:
    owned, other = make_product(), make_product()
    customer = customer_who_owns(owned)
    products = OwnedProductQuerySet(get_product_model())
    assert list(products.owned_by(customer)) == [owned]
    with django_assert_num_queries(1):
        assert set(products.with_ownership(customer)) == {owned, other}
