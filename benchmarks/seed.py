"""Fills an empty database with a shop that has sold for three years.

The sales go in once, and each table is filled from them by one statement, on PostgreSQL without the
foreign keys being looked up for each row. The rows are what the flows would have written: every
invariant holds. A million orders take a few minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
        _note_sales(shop)
        for model, said in _TABLES.items():
            began = time.monotonic()
            _fill(model(), said)
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


def _sales(shop: Shop) -> Iterator[tuple[int, int, int, datetime]]:
    """Yield number, buyer, product and time of each sale."""
    step = timedelta(days=DAYS) / shop.rows
    number = 0
    for product in shop.products:
        number += 1
        yield number, shop.collector, product, START + step * number
    for position, user in enumerate(shop.users):
        for product in shop.owned_by(position):
            number += 1
            # Buyers buy all over the years, not one after the other.
            yield number, user, product, START + step * (number * 7919 % shop.rows)


def _note_sales(shop: Shop) -> None:
    """Write them into a table of this session, from which all others are filled."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "CREATE TEMPORARY TABLE sale (n int, buyer int, product int, at timestamptz)"
            )
            with cursor.copy("COPY sale FROM STDIN") as copy:
                for sale in _sales(shop):
                    copy.write_row(sale)
        else:
            cursor.execute(
                "CREATE TEMPORARY TABLE sale (n int, buyer int, product int, at datetime)"
            )
            rows = [(n, u, p, at.replace(tzinfo=None)) for n, u, p, at in _sales(shop)]
            cursor.executemany("INSERT INTO sale VALUES (%s, %s, %s, %s)", rows)


#: Columns by what SQL says of a sale; a column that is not named has the default of its field.
_TABLES: dict[Callable[[], Any], dict[str, str]] = {
    get_order_model: {
        "id": "n",
        "public_id": "'B' || n",
        "customer_id": "buyer",
        "email": "'buyer@example.com'",
        "country": "CASE n %% 4 WHEN 0 THEN 'DE' WHEN 1 THEN 'US' WHEN 2 THEN 'FR' ELSE 'GB' END",
        "currency": "'EUR'",
        "subtotal": "1000",
        "total": "1000",
        "fingerprint": "'seeded ' || n",
        "status": "'paid'",
        "placed_at": "at",
        "paid_at": "at",
        "updated_at": "at",
    },
    get_order_line_model: {
        "order_id": "n",
        "position": "1",
        "product_id": "product",
        "name": "'A book'",
        "unit_price": "1000",
        "total": "1000",
    },
    get_payment_model: {
        "order_id": "n",
        "alias": "'default'",
        "key": "'K' || n",
        "checkout_reference": "'seeded_' || n",
        "provider_reference": "'seeded_pay_' || n",
        "cart": """CAST('[["product:' || product || '", 1]]' AS {json})""",
        "state": "'succeeded'",
        "state_at": "at",
        "amount": "1000",
        "currency": "'EUR'",
        "created_at": "at",
    },
    get_grant_model: {
        "user_id": "buyer",
        "product_id": "product",
        "source_kind": "'payment'",
        "source_reference": "'B' || n || '/1/K' || n",
        "granted_at": "at",
    },
    get_purchased_product_model: {
        "user_id": "buyer",
        "product_id": "product",
        "granted_at": "at",
    },
}


def _fill(model: type[models.Model], said: dict[str, str]) -> None:
    fields = {f.attname: f for f in model._meta.local_concrete_fields if not f.generated}
    usual = [f for name, f in fields.items() if name not in said and not f.primary_key]
    json = "jsonb" if connection.vendor == "postgresql" else "text"
    values = [words.replace("{json}", json) for words in said.values()] + ["%s"] * len(usual)
    columns = [str(f.column) for f in [*(fields[name] for name in said), *usual]]
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(map(quote, columns))}) "
            f"SELECT {', '.join(values)} FROM sale ORDER BY n",
            [f.get_db_prep_save(f.get_default(), connection) for f in usual],
        )


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
