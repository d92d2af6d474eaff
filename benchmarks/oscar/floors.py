"""By hand, what ``benchmarks/floors.py`` and its neighbours do: the same work on oscar's tables."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

__all__ = ["is_on_order", "place_order", "product_list"]


def is_on_order(order: int, product: int) -> bool:
    """One look-up in one table, as the suite's floor: that oscar joins two is a cost of oscar's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM order_line WHERE order_id = %s AND product_id = %s)",
            [order, product],
        )
        return bool(cursor.fetchone()[0])


def product_list(request: HttpRequest) -> HttpResponse:
    """Products of a page, and which of them the user has bought: two statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, p.slug, p.title, s.price, s.price_currency FROM catalogue_product p "
            "JOIN partner_stockrecord s ON s.product_id = p.id WHERE p.is_public "
            "ORDER BY p.date_created DESC, p.id DESC LIMIT %s",
            [int(request.GET["n"])],
        )
        products = cursor.fetchall()
        marks = ", ".join(["%s"] * len(products))
        cursor.execute(
            "SELECT l.product_id FROM order_line l JOIN order_order o ON o.id = l.order_id "
            f"WHERE o.user_id = %s AND l.product_id IN ({marks})",
            [request.user.pk, *(product[0] for product in products)],
        )
        owned = {row[0] for row in cursor.fetchall()}
    page = {"title": "Shop", "products": products, "owned": owned}
    return render(request, "benchmarks/floor_list.html", page, using="floor")


def place_order(user: Any, product: int, number: str) -> None:
    """The price, and the order: two statements."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT price, price_currency FROM partner_stockrecord WHERE product_id = %s", [product]
        )
        price, currency = cursor.fetchone()
        cursor.execute(
            "INSERT INTO order_order (number, site_id, user_id, currency, total_incl_tax, "
            "total_excl_tax, shipping_incl_tax, shipping_excl_tax, shipping_method, shipping_code, "
            "status, guest_email, date_placed, analytics_tracked) VALUES (%s, 1, %s, %s, %s, %s, "
            "0, 0, '', '', '', '', %s, %s)",
            [number, user.pk, currency, price, price, timezone.now(), False],
        )
