"""Fills a shop of oscar's, as far as a job needs it."""

from __future__ import annotations

from decimal import Decimal
from itertools import count
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from oscar.core.loading import get_model

from . import search

__all__ = ["buyers", "products_on_sale", "sell"]

PRICE = Decimal("10.00")
_numbers = count(1)


def products_on_sale(many: int) -> list[Any]:
    """Put products on sale until the shop has that many, and return them."""
    model = get_model("catalogue", "Product")
    kind, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
        name="Book", defaults={"requires_shipping": False, "track_stock": False}
    )
    partner, _ = get_model("partner", "Partner").objects.get_or_create(name="Seller")
    for number in range(model.objects.count(), many):
        product = model.objects.create(title=f"Book {number}", product_class=kind)
        product.stockrecords.create(
            partner=partner, partner_sku=f"book-{number}", price=PRICE, price_currency="EUR"
        )
    found = list(model.objects.order_by("pk"))
    search.Backend.indexed[:] = [product.pk for product in found]
    return found


def buyers(many: int) -> list[Any]:
    """Return that many new users."""
    model = get_user_model()
    names = [f"buyer{next(_numbers)}" for _ in range(many)]
    return model._default_manager.bulk_create(
        [model(username=name, email=f"{name}@example.com") for name in names]
    )


def sell(users: list[Any], products: list[Any]) -> None:
    """Write an order for each of the products by each of the users."""
    order, line = get_model("order", "Order"), get_model("order", "Line")
    paid = {"total_incl_tax": PRICE, "total_excl_tax": PRICE, "currency": "EUR", "site_id": 1}
    price = dict.fromkeys(
        [
            "line_price_incl_tax",
            "line_price_excl_tax",
            "line_price_before_discounts_incl_tax",
            "line_price_before_discounts_excl_tax",
        ],
        PRICE,
    )
    sales = [(user, product) for user in users for product in products]
    orders = order.objects.bulk_create(
        [
            order(number=f"B{next(_numbers)}", user=user, date_placed=timezone.now(), **paid)
            for user, _ in sales
        ],
        batch_size=500,
    )
    line.objects.bulk_create(
        [
            line(order=placed, product=product, title=product.title, num_allocated=0, **price)
            for placed, (_, product) in zip(orders, sales, strict=True)
        ],
        batch_size=500,
    )
