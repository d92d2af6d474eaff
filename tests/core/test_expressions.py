"""Conditions of our own answer what Django's would."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.expressions import OneOf
from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.testing import grant

pytestmark = [pytest.mark.django_db, pytest.mark.needs("entitlements")]


@pytest.fixture
def products(make_product: Any) -> list[Any]:
    return [make_product(f"Book {number}", released=False) for number in range(3)]


def test_one_of_finds_what_in_finds(products: list[Any]) -> None:
    model = get_product_model()
    first, second, third = products

    assert set(model.objects.filter(OneOf("pk", [first.pk, third.pk]))) == {first, third}
    assert set(model.objects.filter(OneOf("pk", iter([second.pk])))) == {second}
    assert set(model.objects.exclude(OneOf("pk", [first.pk, third.pk]))) == {second}
    assert not model.objects.filter(OneOf("pk", [])).exists()
    assert not model.objects.filter(OneOf("pk", [first.pk]), pk=second.pk).exists()


def test_one_of_looks_at_foreign_keys_and_joins(customer: Any, products: list[Any]) -> None:
    grant(customer, products[0])
    grant(customer, products[1])
    purchases = get_purchased_product_model().objects

    of_column = purchases.filter(OneOf("product_id", [products[0].pk, products[2].pk]))
    of_field = purchases.filter(OneOf("product", [products[0].pk, products[2].pk]))
    of_join = purchases.filter(OneOf("product__slug", [products[1].slug]))

    assert [row.product for row in of_column] == [products[0]]
    assert [row.product for row in of_field] == [products[0]]
    assert [row.product for row in of_join] == [products[1]]


def test_no_key_is_none_and_a_longer_one_is_another(products: list[Any]) -> None:
    model = get_product_model()

    assert model.objects.exclude(OneOf("pk", [None])).count() == 3
    product = products[0]
    model.objects.filter(pk=product.pk).update(currency="EUR")
    assert not model.objects.filter(OneOf("currency", ["EURO"])).exists()
    assert product in model.objects.filter(OneOf("currency", ["EUR"]))


def test_one_of_without_keys_asks_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert list(get_product_model().objects.filter(OneOf("pk", []))) == []

    assert len(queries) == 0


@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="an array is one parameter on PostgreSQL only: "
    "python tests/servers.py --postgres -- pytest tests/core/test_expressions.py",
)
def test_any_number_of_keys_is_the_same_statement_on_postgresql(products: list[Any]) -> None:
    texts = set()
    for keys in ([products[0].pk], [product.pk for product in products]):
        query = get_product_model().objects.filter(OneOf("pk", keys)).query
        texts.add(query.get_compiler(connection=connection).as_sql()[0])

    assert len(texts) == 1
