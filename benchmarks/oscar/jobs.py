"""The jobs that django-oscar does too, each with the way of the suite that it stands beside."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import override_settings
from oscar.core.loading import get_class, get_model

from benchmarks.requests import cookie_of, request
from benchmarks.runner import Job, Limit, Way

from . import floors
from .seed import buyers, products_on_sale, sell

__all__ = ["BESIDE", "JOBS", "OURS"]

#: The name of the suite's way, whose costs come from its own run.
OURS = "django-digitalstore, × its own floor"
_numbers = count(1)


def _page(many: int) -> Job:
    products = products_on_sale(many)
    [user] = buyers(1)
    sell([user], products)
    cookie = cookie_of(user)
    path = f"/products/of/{many}/"
    theirs = request(path, cookie=cookie)
    with override_settings(MIDDLEWARE=settings.PLAIN_MIDDLEWARE):
        plain = get_wsgi_application()
    floor = request(f"/floor/products/?n={many}", cookie=cookie, application=plain)
    assert theirs().count(b"product_pod") == many
    return Job(
        f"oscar-product-list-{many}",
        f"django-oscar: product list page, logged in, {many} products",
        [
            Way("floor: cursor, a plain list", floor),
            Way("django-oscar, CatalogueView", theirs),
        ],
        [Limit(OURS, ratio=1, of="django-oscar, CatalogueView")],
        ["Without pictures, and with a search server that answers at once."],
    )


def ownership() -> Job:
    """Has this user bought this product? Two hundred buyers of all of a hundred products."""
    users, products = buyers(200), products_on_sale(100)
    sell(users, products)
    user, product = users[len(users) // 2], products[0]
    lines = get_model("order", "Line").objects
    bought = lines.get(order__user=user, product=product)

    def theirs() -> None:
        assert lines.filter(order__user=user, product=product).exists()

    def floor() -> None:
        assert floors.is_on_order(bought.order_id, product.pk)

    name = "django-oscar, its order lines"
    return Job(
        "oscar-ownership",
        "django-oscar: has this user bought this product? Among 20,000 orders",
        [Way("floor: cursor, one table", floor), Way(name, theirs)],
        [Limit(OURS, ratio=1, of=name)],
        ["The floor looks into one table, as the suite's does; oscar joins lines and orders."],
    )


def order() -> Job:
    """Placing an order for one product: of a basket that is filled already, and filling it too."""
    [user] = buyers(1)
    product = products_on_sale(10)[0]
    orders = get_model("order", "Order").objects
    baskets = get_model("basket", "Basket").objects
    strategy = get_class("partner.strategy", "Selector")().strategy(user=user)
    shipping = get_class("shipping.methods", "NoShippingRequired")()
    creator = get_class("order.utils", "OrderCreator")()
    totals = get_class("checkout.calculators", "OrderTotalCalculator")()
    offers = get_class("offer.applicator", "Applicator")()

    def filled() -> Any:
        basket = baskets.create(owner=user)
        basket.strategy = strategy
        basket.add_product(product)
        offers.apply(basket, user)
        return basket

    def place(basket: Any) -> Any:
        charge = shipping.calculate(basket)
        total = totals.calculate(basket, charge)
        placed = creator.place_order(basket, total, shipping, charge, user=user)
        basket.submit()
        return placed

    assert place(filled()).lines.get().product == product
    assert orders.filter(user=user).count() == 1
    name = "django-oscar, OrderCreator"
    return Job(
        "oscar-order",
        "django-oscar: placing an order for one product",
        [
            Way(
                "floor: SELECT price, INSERT",
                lambda: floors.place_order(user, product.pk, f"F{next(_numbers)}"),
            ),
            Way(name, place, before=filled),
            Way("django-oscar, with its basket", lambda: place(filled())),
        ],
        [Limit(OURS, ratio=1, of=name)],
    )


#: By the name that ``./dev bench --peers`` takes; in this order, as the shop grows.
JOBS = {
    "oscar-product-list-10": partial(_page, 10),
    "oscar-product-list-100": partial(_page, 100),
    "oscar-ownership": ownership,
    "oscar-order": order,
}
#: The job and the way of the suite that one of them stands beside.
BESIDE = {
    "oscar-product-list-100": ("product-list", "GenericProductListView"),
    "oscar-ownership": ("ownership", "has_access"),
    "oscar-order": ("order", "start_checkout"),
}
