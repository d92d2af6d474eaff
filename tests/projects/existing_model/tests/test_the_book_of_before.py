"""The model that was there before the store is the product, and its row can be sold."""

from __future__ import annotations

from pathlib import Path

import pytest

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.roles import seller_permission
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments.testing import paid_order
from tests.projects.existing_model.library.models import Ebook
from tests.projects.made import run_in_project

pytestmark = pytest.mark.django_db

SELL = """
from django.contrib.auth.models import User
from django.test import Client
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments.testing import paid_order
from tests.projects.existing_model.library.models import Ebook

book = Ebook.objects.long().get()
print(book.title, book.slug, book.pages, book.status, book.price, book.seller)
print(Client().get(book.get_absolute_url()).status_code)
Ebook.objects.update(status="published", price=900)
print(Client().get(book.get_absolute_url()).status_code)
ada = User.objects.create_user("ada", "ada@example.com")
book.refresh_from_db()
paid_order(ada, book)
print(has_access(ada, book))
"""


def test_the_row_of_before_is_a_draft_that_can_be_published_and_sold(tmp_path: Path):
    database = tmp_path / "site.sqlite3"
    assert run_in_project("existing_model", "migrate", database=database).returncode == 0
    done = run_in_project("existing_model", "shell", "-v0", "-c", SELL, database=database)
    assert done.stdout.splitlines() == [
        "Before the store before-the-store 512 draft 0 None",
        "404",
        "200",
        "True",
    ], done.stderr


def test_the_sites_model_is_the_product(product, customer):
    assert get_product_model() is Ebook
    assert isinstance(product, Ebook)
    paid_order(customer, product)
    assert has_access(customer, product)


def test_who_sells_holds_the_permission_of_the_products_app(seller):
    assert seller_permission() == "library.sell_product"
    assert seller.has_perm("library.sell_product")
    assert not seller.has_perm("shop.sell_product")
