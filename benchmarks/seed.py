"""Fills an empty database with a shop that has sold for three years.

Rows go in by COPY on PostgreSQL, without the foreign keys being looked up for each of them, and are
what the flows would have written: every invariant holds. A million orders take a minute or two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connection, models, transaction

from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.payments import get_order_line_model, get_order_model, get_payment_model

__all__ = ["LIBRARY", "Shop", "seed"]

#: Products of the shop, and so of the library of the buyer who has them all.
LIBRARY = 1000
SELLERS = 50
#: What a buyer owns, but for that one.
EACH = 100
START = datetime(2023, 1, 1, tzinfo=UTC)
DAYS = 3 * 365
COUNTRIES = ("DE", "US", "FR", "GB", "ES")


@dataclass(frozen=True, slots=True)
class Shop:
    """What the jobs need to know of it: keys."""

    rows: int
    users: list[int]
    products: list[int]
    sellers: list[int]
    #: Owns every product.
    collector: int

    def owned_by(self, number: int) -> list[int]:
        """Return the keys of what the buyer ``users[number]`` owns."""
        many = len(self.products)
        return [self.products[(number * 7 + n) % many] for n in range(min(EACH, many))]


def seed(rows: int, say: Callable[[str], None] = print) -> Shop:
    """Write ``rows`` orders, each with a line, a payment, a grant and a purchase. Slow."""
    started = time.monotonic()
    products_wanted = min(LIBRARY, max(10, rows // 10))
    each = min(EACH, products_wanted)
    buyers = max(1, (rows - products_wanted) // each)
    say(f"seeding {buyers * each + products_wanted:,} orders …")
    sellers, users = _people(buyers)
    products = _products(products_wanted, sellers)
    shop = Shop(buyers * each + products_wanted, users[1:], products, sellers, users[0])
    with _unlooked():
        for model, columns in _TABLES.items():
            began = time.monotonic()
            _fill(model(), (columns(sale) for sale in _sales(shop)))
            say(f"  {model()._meta.db_table}: {time.monotonic() - began:.0f} s")
    _tidy()
    say(f"seeded in {time.monotonic() - started:.0f} s")
    return shop


def _people(buyers: int) -> tuple[list[int], list[int]]:
    model = get_user_model()
    sells = Permission.objects.get(codename="sell_product")
    sellers = model._default_manager.bulk_create(
        [model(username=f"seller{n}", email=f"seller{n}@example.com") for n in range(SELLERS)]
    )
    for seller in sellers:
        seller.user_permissions.add(sells)
    names = ["collector", *(f"buyer{n}" for n in range(buyers))]
    users = model._default_manager.bulk_create(
        [model(username=name, email=f"{name}@example.com") for name in names], batch_size=5000
    )
    return [seller.pk for seller in sellers], [user.pk for user in users]


def _products(many: int, sellers: list[int]) -> list[int]:
    model = get_product_model()
    made = model._base_manager.bulk_create(
        [
            model(
                title=f"Book {n}",
                slug=f"book-{n}",
                price=1000 + n,
                currency="EUR",
                status="published",
                published_at=START - timedelta(days=1),
                seller_id=sellers[n % len(sellers)],
            )
            for n in range(many)
        ]
    )
    return [product.pk for product in made]


@dataclass(frozen=True, slots=True)
class _Sale:
    number: int
    user: int
    product: int
    at: datetime


def _sales(shop: Shop) -> Iterator[_Sale]:
    step = timedelta(days=DAYS) / shop.rows
    number = 0
    for product in shop.products:
        number += 1
        yield _Sale(number, shop.collector, product, START + step * number)
    for position, user in enumerate(shop.users):
        for product in shop.owned_by(position):
            number += 1
            # Buyers buy all over the years, not one after the other.
            yield _Sale(number, user, product, START + step * (number * 7919 % shop.rows))


def _order(sale: _Sale) -> dict[str, Any]:
    return {
        "id": sale.number,
        "public_id": f"B{sale.number:011d}",
        "customer_id": sale.user,
        "email": "buyer@example.com",
        "country": COUNTRIES[sale.number % len(COUNTRIES)],
        "currency": "EUR",
        "subtotal": 1000,
        "total": 1000,
        "fingerprint": f"{sale.number:064x}",
        "status": "paid",
        "placed_at": sale.at,
        "paid_at": sale.at,
        "updated_at": sale.at,
    }


def _line(sale: _Sale) -> dict[str, Any]:
    return {
        "order_id": sale.number,
        "position": 1,
        "product_id": sale.product,
        "name": "A book",
        "unit_price": 1000,
        "total": 1000,
    }


def _payment(sale: _Sale) -> dict[str, Any]:
    return {
        "order_id": sale.number,
        "alias": "default",
        "key": f"{sale.number:032x}",
        "checkout_reference": f"seeded_{sale.number}",
        "provider_reference": f"seeded_pay_{sale.number}",
        "cart": [[f"product:{sale.product}", 1]],
        "state": "succeeded",
        "state_at": sale.at,
        "amount": 1000,
        "currency": "EUR",
        "created_at": sale.at,
    }


def _grant(sale: _Sale) -> dict[str, Any]:
    return {
        "user_id": sale.user,
        "product_id": sale.product,
        "source_kind": "payment",
        "source_reference": f"B{sale.number:011d}/1/{sale.number:032x}",
        "granted_at": sale.at,
    }


def _purchase(sale: _Sale) -> dict[str, Any]:
    return {"user_id": sale.user, "product_id": sale.product, "granted_at": sale.at}


_TABLES: dict[Callable[[], Any], Callable[[_Sale], dict[str, Any]]] = {
    get_order_model: _order,
    get_order_line_model: _line,
    get_payment_model: _payment,
    get_grant_model: _grant,
    get_purchased_product_model: _purchase,
}


def _fill(model: type[models.Model], rows: Iterator[dict[str, Any]]) -> None:
    """Write rows; a column that they don't name has the default of its field."""
    fields = [f for f in model._meta.local_concrete_fields if not f.generated]
    first = next(rows)
    fields = [f for f in fields if not f.primary_key or f.attname in first]
    ready: list[Any] = [f.get_db_prep_save(f.get_default(), connection) for f in fields]
    given = [(n, f) for n, f in enumerate(fields) if f.attname in first]

    def values() -> Iterator[list[Any]]:
        for row in chain([first], rows):
            whole = ready[:]
            for position, field in given:
                whole[position] = field.get_db_prep_save(row[field.attname], connection)
            yield whole

    columns = ", ".join(connection.ops.quote_name(f.column) for f in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in values():
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", list(values()))


@contextmanager
def _unlooked() -> Iterator[None]:
    """Leave the foreign keys out of it: every one of these rows points at one that is there."""
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def _tidy() -> None:
    """Tell the sequence of the orders where to go on, and the planner what is there."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            table = get_order_model()._meta.db_table
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT max(id) FROM "
                f"{connection.ops.quote_name(table)}))",
                [table],
            )
            cursor.execute("VACUUM ANALYZE")
        else:
            cursor.execute("ANALYZE")
