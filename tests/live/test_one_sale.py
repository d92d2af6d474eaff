"""The sandbox never waits on its own site: one sale, whatever the site is served by."""

from __future__ import annotations

import re
import time

import pytest
from django.urls import reverse

from tests.live.buyer import Buyer
from tests.live.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("accounts", "payments"),
]


def buy_and_download(store: Store, *, action: str = "pay") -> None:
    """Buy as a person would, and compare the bytes."""
    sale = store.script("seed_sale")
    buyer = Buyer(store.url, sale["session"])
    form = buyer.get(f"{reverse('shop:checkout')}?product={sale['slug']}")
    pay_page = buyer.post(
        reverse("shop:checkout"), form, product=sale["slug"], email="ada@example.com", country="DE"
    )
    assert "/store/payments/sandbox/" in pay_page.url

    order_page = buyer.post(pay_page.url, pay_page, action=action)

    deadline = time.monotonic() + 20
    while 'data-state="paid"' not in order_page.text and time.monotonic() < deadline:
        time.sleep(0.5)
        order_page = buyer.get(order_page.url)
    assert 'data-state="paid"' in order_page.text
    library = buyer.get(reverse("shop:library"))
    download = re.search(r'action="([^"]*/assets/[^"]*)"', library.text)
    assert download
    file = buyer.post(download.group(1), library)
    assert file.body == sale["content"].encode()
    assert file.headers["Content-Disposition"] == 'attachment; filename="book.txt"'


def wait_for_webhooks(store: Store) -> dict:
    """Wait until the sandbox has delivered, and return the books."""
    deadline = time.monotonic() + 30
    while (books := store.script("look_at_books"))["sandbox_deliveries_left"]:
        assert time.monotonic() < deadline, books
    return books


def check(books: dict) -> None:
    assert books["orders"] == {"paid": 1}
    assert books["purchases"] == 1
    assert books["broken"] == []


@pytest.mark.parametrize("action", ["pay", "late"])
def test_a_sale_under_gunicorn_with_one_sync_worker(tmp_path, action):
    store = Store(tmp_path)
    with store.gunicorn("--workers=1"):
        buy_and_download(store, action=action)
        books = wait_for_webhooks(store)
    check(books)
    assert books["messages"] == {"processed": 1 if action == "pay" else 2}


def test_a_sale_under_runserver_without_threads(tmp_path):
    store = Store(tmp_path)
    with store.runserver("--nothreading"):
        buy_and_download(store)
        books = wait_for_webhooks(store)
    check(books)


def test_a_sale_with_atomic_requests(tmp_path):
    store = Store(tmp_path)
    store.env["ATOMIC_REQUESTS"] = "1"
    with store.gunicorn("--workers=1", "--threads=4"):
        buy_and_download(store)
        books = wait_for_webhooks(store)
    check(books)
