"""The sandbox's buttons: what happens after a payment reaches the shop as signed webhooks."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from tests.live.buyer import Buyer, Page
from tests.live.store import Store
from tests.live.test_one_sale import wait_for_webhooks

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("accounts", "payments"),
]


class Visit:
    """A buyer on the sandbox's page of one checkout."""

    def __init__(self, store: Store) -> None:
        self.store = store
        sale = store.script("seed_sale")
        self.buyer = Buyer(store.url, sale["session"])
        checkout = reverse("shop:checkout")
        form = self.buyer.get(f"{checkout}?product={sale['slug']}")
        self.page = self.buyer.post(
            checkout, form, product=sale["slug"], email="ada@example.com", country="DE"
        )
        self.sandbox = self.page.url

    def press(self, action: str) -> Page:
        page = self.buyer.get(self.sandbox)
        assert f'value="{action}"' in page.text, page.text
        return self.buyer.post(self.sandbox, page, action=action)

    def books(self) -> dict:
        return wait_for_webhooks(self.store)

    def owns(self) -> bool:
        return "book.txt" in self.buyer.get(reverse("shop:library")).text


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    store = Store(tmp_path)
    with store.gunicorn("--workers=1", "--threads=2"):
        visit = Visit(store)
        yield visit
    books = store.script("look_at_books")
    assert books["broken"] == []
    assert set(books["messages"]) == {"processed"}


def test_a_refund_a_duplicate_and_a_dispute_arrive(visit: Visit) -> None:
    visit.press("pay")
    assert visit.books()["orders"] == {"paid": 1}
    visit.press("refund_part")
    assert visit.books()["orders"] == {"partially_refunded": 1}
    assert visit.owns()

    visit.press("duplicate")
    books = visit.books()
    assert books["orders"] == {"partially_refunded": 1}
    assert books["messages"] == {"processed": 2}

    visit.press("dispute")
    assert visit.books()["orders"] == {"disputed": 1}
    assert not visit.owns()
    visit.press("win")
    assert visit.books()["orders"] == {"partially_refunded": 1}
    assert visit.owns()

    visit.press("refund")
    assert visit.books()["orders"] == {"refunded": 1}
    assert not visit.owns()
    assert 'value="refund"' not in visit.buyer.get(visit.sandbox).text


def test_a_lost_dispute_takes_access(visit: Visit) -> None:
    visit.press("pay")
    visit.books()
    visit.press("dispute")
    visit.press("lose")
    assert visit.books()["orders"] == {"refunded": 1}
    assert not visit.owns()


def test_a_refund_that_arrives_before_its_payment_grants_nothing(visit: Visit) -> None:
    page = visit.press("out_of_order")
    assert page.url == visit.sandbox
    deadline = time.monotonic() + 20
    while "waiting" not in (messages := visit.store.script("look_at_books")["messages"]):
        assert time.monotonic() < deadline, messages
    books = visit.books()
    assert books["orders"] == {"refunded": 1}
    assert books["purchases"] == 0
    assert not visit.owns()
