"""Views by hand: the least that Django and the database need for a page of the suite.

They are no pattern for a site: they check what their job needs checked, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time

from django.core.cache import cache
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

__all__ = ["SECRET", "download", "empty", "library", "product_list", "short_link", "webhook"]

SECRET = b"only-for-benchmarks"


@csrf_exempt
def empty(request: HttpRequest, code: str = "") -> HttpResponse:
    return HttpResponse("")


def product_list(request: HttpRequest) -> HttpResponse:
    """Products of a page, and which of them the user owns: two statements."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, slug, title, price, currency FROM shop_product WHERE status = 'published' "
            "ORDER BY featured DESC, published_at DESC, id DESC LIMIT %s",
            [int(request.GET["n"])],
        )
        products = cursor.fetchall()
        marks = ", ".join(["%s"] * len(products))
        cursor.execute(
            f"SELECT product_id FROM shop_purchasedproduct WHERE user_id = %s AND product_id IN "
            f"({marks}) AND (expires_at IS NULL OR expires_at > %s)",
            [request.user.pk, *(product[0] for product in products), timezone.now()],
        )
        owned = {row[0] for row in cursor.fetchall()}
    page = {"title": "Shop", "products": products, "owned": owned}
    return render(request, "benchmarks/floor_list.html", page)


def library(request: HttpRequest) -> HttpResponse:
    """The first 50 of what the user owns, by key and not by number: one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, p.slug, p.title, p.price, p.currency FROM shop_purchasedproduct o JOIN "
            "shop_product p ON p.id = o.product_id WHERE o.user_id = %s AND (o.expires_at IS NULL "
            "OR o.expires_at > %s) ORDER BY o.granted_at DESC, o.id DESC LIMIT 50",
            [request.user.pk, timezone.now()],
        )
        products = cursor.fetchall()
    page = {"title": "Library", "products": products, "owned": set()}
    return render(request, "benchmarks/floor_list.html", page)


def download(request: HttpRequest, asset: int) -> HttpResponse:
    """Ownership and path in one statement, and nginx sends it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT a.file, a.name FROM shop_asset a JOIN shop_release r ON r.id = a.release_id "
            "JOIN shop_purchasedproduct o ON o.product_id = r.product_id WHERE a.id = %s AND "
            "o.user_id = %s AND r.published_at IS NOT NULL AND (o.expires_at IS NULL OR "
            "o.expires_at > %s)",
            [asset, request.user.pk, timezone.now()],
        )
        row = cursor.fetchone()
    if row is None:
        return HttpResponse(status=404)
    response = HttpResponse(content_type="application/octet-stream")
    response["X-Accel-Redirect"] = f"/protected/{row[0]}"
    response["Content-Disposition"] = f'attachment; filename="{row[1]}"'
    return response


def short_link(request: HttpRequest, code: str) -> HttpResponse:
    """A target out of the cache."""
    return HttpResponseRedirect(cache.get(f"benchmark:{code}"))


@csrf_exempt
def webhook(request: HttpRequest) -> HttpResponse:
    """A signature, and five statements in one transaction."""
    message_id, sent = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    signed = b".".join([message_id.encode(), sent.encode(), request.body])
    right = base64.b64encode(hmac.new(SECRET, signed, hashlib.sha256).digest()).decode()
    given = request.headers["webhook-signature"].removeprefix("v1,")
    if not hmac.compare_digest(right, given) or abs(time.time() - int(sent)) > 300:
        return HttpResponse(status=401)
    data = json.loads(request.body)["data"]
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO digitalstore_payments_inboxmessage (alias, message_id, source, sent_at, "
            "received_at, body, digest, state, waits_for, order_reference, attempts, error, "
            "traceback) VALUES ('floor', %s, 'webhook', %s, %s, %s, '', 'processed', '', '', 1, "
            "'', '') ON CONFLICT DO NOTHING",
            [message_id, now, now, request.body],
        )
        if not cursor.rowcount:
            return HttpResponse("Processed already.")
        cursor.execute(
            "SELECT p.id, p.order_id, o.customer_id, l.product_id FROM shop_payment p JOIN "
            "shop_order o ON o.id = p.order_id JOIN shop_orderline l ON l.order_id = o.id WHERE "
            "p.alias = 'default' AND p.checkout_reference = %s",
            [data["checkout"]],
        )
        payment, order, customer, product = cursor.fetchone()
        cursor.execute(
            "UPDATE shop_payment SET state = 'succeeded', state_at = %s, provider_reference = %s "
            "WHERE id = %s",
            [now, data["payment"], payment],
        )
        cursor.execute(
            "UPDATE shop_order SET status = 'paid', paid_at = %s, updated_at = %s WHERE id = %s",
            [now, now, order],
        )
        cursor.execute(
            "INSERT INTO shop_purchasedproduct (user_id, product_id, granted_at) "
            "VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [customer, product, now],
        )
    return HttpResponse("processed")
