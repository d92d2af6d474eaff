"""Who owns what."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.utils import timezone

from benchmarks import peers
from benchmarks.runner import Job, Limit, Way
from benchmarks.seed import Shop
from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import get_purchased_product_model, policies

__all__ = ["JOBS"]


def one(shop: Shop) -> Job:
    """Does this user own this product?"""
    number = len(shop.users) // 2
    user: Any = get_user_model()._default_manager.get(pk=shop.users[number])
    product: Any = get_product_model()._default_manager.get(pk=shop.owned_by(number)[0])

    def floor() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT EXISTS (SELECT 1 FROM shop_purchasedproduct WHERE user_id = %s AND "
                "product_id = %s AND (expires_at IS NULL OR expires_at > %s))",
                [user.pk, product.pk, timezone.now()],
            )
            return bool(cursor.fetchone()[0])

    def ours() -> None:
        assert policies.has_access(user, product)

    peer = peers.guardian(user, product)
    limits = [Limit("has_access", ratio=4, sql=1)]
    limits += [Limit("has_access", ratio=1, of=way.name) for way in peer]
    return Job(
        "ownership",
        "Does this user own this product?",
        [Way("floor: cursor", floor), Way("has_access", ours), *peer],
        limits,
        [] if peer else [peers.why_not("django-guardian")],
    )


def page(shop: Shop) -> Job:
    """Which of these hundred does the user own?"""
    number = len(shop.users) // 2
    user: Any = get_user_model()._default_manager.get(pk=shop.users[number])
    products: list[Any] = list(get_product_model()._default_manager.order_by("pk")[:100])
    expected = len(set(shop.owned_by(number)) & {product.pk for product in products})
    keys = [product.pk for product in products]
    postgres = connection.vendor == "postgresql"
    marks = "= ANY(%s)" if postgres else f"IN ({', '.join(['%s'] * len(keys))})"

    def floor() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT product_id FROM shop_purchasedproduct WHERE user_id = %s AND product_id "
                f"{marks} AND (expires_at IS NULL OR expires_at > %s)",
                [user.pk, *([keys] if postgres else keys), timezone.now()],
            )
            assert len({row[0] for row in cursor.fetchall()}) == expected

    def ours() -> None:
        assert len(policies.owned_product_ids(user, products)) == expected

    def one_by_one() -> None:
        live = get_purchased_product_model().objects.live()
        owned = [p for p in products if live.filter(user=user, product=p).exists()]
        assert len(owned) == expected

    return Job(
        "owned-page",
        "Ownership of 100 listed products",
        [
            Way("floor: cursor", floor),
            Way("owned_product_ids", ours),
            Way("a question for each (N+1)", one_by_one),
        ],
        [Limit("owned_product_ids", ratio=4, sql=1)],
    )


#: By the name that ``./dev bench`` takes.
JOBS = {
    "ownership": one,
    "owned-page": page,
}
