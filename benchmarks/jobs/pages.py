"""Pages that list."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from benchmarks.requests import cookie_of, request
from benchmarks.runner import Job, Limit, Way
from benchmarks.seed import Shop

__all__ = ["JOBS"]

#: Statements of every page of the host's: the session, the user, and two by which its base template
#: asks for permissions. The floors extend that template too.
FRAME = 4


def _statements(call: Any) -> int:
    call()
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


@contextmanager
def _listing(many: int) -> Iterator[None]:
    with override_settings(DIGITALSTORE_PRODUCTS_PER_PAGE=many):
        yield


def product_list(shop: Shop) -> Job:
    """The shop window of somebody who is logged in, with what is theirs marked."""
    user: Any = get_user_model()._default_manager.get(pk=shop.users[0])
    cookie = cookie_of(user)
    ours = request("/", cookie=cookie)

    def page(many: int) -> bytes:
        with _listing(many):
            return ours()

    counts = {many: _statements(lambda many=many: page(many)) for many in (1, 10, 100)}
    same = "the same" if len(set(counts.values())) == 1 else "NOT the same"
    floor = request("/floor/products/?n=100", cookie=cookie)
    return Job(
        "product-list",
        "Product list page, logged in, with ownership, 100 products",
        [
            Way("floor: cursor, a plain list", floor),
            Way("GenericProductListView", lambda: page(100)),
        ],
        [Limit("GenericProductListView", ratio=2, sql=FRAME + 4)],
        [f"Statements at 1, 10 and 100 products: {same}, {sorted(counts.values())}."],
    )


def library(shop: Shop) -> Job:
    """The first page of what somebody owns."""
    collector: Any = get_user_model()._default_manager.get(pk=shop.collector)
    small: Any = get_user_model()._default_manager.get(pk=shop.users[0])
    cookie = cookie_of(collector)
    ours = request("/library/", cookie=cookie)
    few = request("/library/", cookie=cookie_of(small))

    def page(call: Any) -> bytes:
        with override_settings(DIGITALSTORE_PURCHASES_PER_PAGE=50):
            content: bytes = call()
            return content

    counts = [_statements(lambda call=call: page(call)) for call in (few, ours)]
    same = "the same" if counts[0] == counts[1] else "NOT the same"
    return Job(
        "library",
        f"Library of {len(shop.products):,} products, a page of 50",
        [
            Way("floor: cursor, a plain list", request("/floor/library/", cookie=cookie)),
            Way("GenericMyProductListView", lambda: page(ours)),
        ],
        [],
        [f"Statements for a buyer of few and for one of all: {same}, {counts}."],
    )


#: By the name that ``./dev bench`` takes.
JOBS = {
    "product-list": product_list,
    "library": library,
}
