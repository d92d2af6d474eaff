"""Deliveries as they really come: many at once, repeated, and in any order."""

from __future__ import annotations

import http.client
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_digitalstore.payments import standard_webhooks
from tests.live.store import Store
from tests.payments.signed import URL

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("payments"),
]


def deliver(port: int, secret: str, message_id: str, body: str) -> int:
    raw, timestamp = body.encode(), int(time.time())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": standard_webhooks.sign(secret, message_id, timestamp, raw),
    }
    connection.request("POST", URL, body=raw, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("seed", [1, 2])
def test_twenty_orders_by_eight_deliveries_by_sixteen_workers_end_paid_once(tmp_path, seed):
    store = Store(tmp_path)
    seeded = store.script("seed_deliveries")
    deliveries = seeded["deliveries"]
    assert len(deliveries) == 160
    random.Random(seed).shuffle(deliveries)

    with store.gunicorn("--workers=2", "--threads=8"), ThreadPoolExecutor(16) as workers:
        answers = list(workers.map(lambda d: deliver(store.port, seeded["secret"], *d), deliveries))

    assert Counter(answers) == {200: 160}
    books = store.script("look_at_books")
    assert books["orders"] == {"paid": 20}
    assert books["payments"] == {"succeeded": 20}
    assert books["messages"] == {"processed": 80}
    assert books["purchases"] == 10  # two orders of each buyer are for the same product
    assert books["grants"] == 20
    assert books["receipts"] == 20
    assert books["broken"] == []
