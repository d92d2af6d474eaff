"""The SDK over a real socket to a mock that others wrote: ``steady`` serves Dodo's document.

It is what Dodo's own CI uses. It judges requests strictly and answers at random, so whether we make
sense of an answer is not what counts here. ``.ci/run`` installs it; by hand::

    npm install --prefix steady @stdy/cli@0.22.2
    DIGITALSTORE_STEADY=steady/node_modules/.bin/steady ./dev test tests/contrib/dodopayments
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from django_digitalstore.contrib.dodopayments import DodoPaymentsBackend
from django_digitalstore.contrib.dodopayments import backend as module
from django_digitalstore.contrib.dodopayments.client import StrangeAnswer
from django_digitalstore.payments.exceptions import ProviderRefused
from tests.contrib.dodopayments.peer import ABSENT, DOCUMENT, KEY
from tests.contrib.dodopayments.test_calls import ATTEMPT, INTENT, ITEM, NOW, replace

STEADY = os.environ.get("DIGITALSTORE_STEADY", "")

pytestmark = [
    pytest.mark.skipif(not DOCUMENT.exists(), reason=ABSENT),
    pytest.mark.skipif(
        not Path(STEADY).is_file(),
        reason=f"steady is {'absent' if STEADY else 'not here'}: see the top of the file",
    ),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [STEADY, "--host", "127.0.0.1", "-p", str(port), "--quiet", str(DOCUMENT)]
    for part, style in (("array", "comma"), ("object", "brackets")):
        command[-1:-1] = [f"--validator-query-{part}-format={style}"]
    # What npm installs is a wrapper: the server is its child, and ends with their group.
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(command, start_new_session=True, **quiet)
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{base}/_x-steady/health", trust_env=False).raise_for_status()
                break
            assert time.monotonic() < deadline, "steady does not start."
            time.sleep(0.1)
        yield base
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


class Recording(httpx.HTTPTransport):
    """Remembers how the mock judged each request."""

    def __init__(self) -> None:
        super().__init__()
        self.judged: list[tuple[str, int, str]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        verdict = response.headers.get("x-steady-request-valid", "")
        matched = response.headers.get("x-steady-matched-path", "")
        self.judged.append((f"{request.method} {matched}", response.status_code, verdict))
        return response


@pytest.fixture
def recording(monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setattr(module, "_MOST_PAGES", 2)  # every page is a new one: it never ends
    return Recording()


@pytest.fixture
def backend(address: str, recording: Recording) -> DodoPaymentsBackend:
    class Recorded(DodoPaymentsBackend):
        def get_transport(self) -> httpx.BaseTransport:
            return recording

    return Recorded("default", {"ENVIRONMENT": "test_mode", "API_KEY": KEY, "BASE_URL": address})


ITEMS = (("pdt_1", 500),)
CALLS: dict[str, tuple[Any, set[str]]] = {
    "create_checkout": (lambda b: b.create_checkout(ATTEMPT), {"POST /checkouts"}),
    "create_checkout again": (
        lambda b: b.create_checkout(replace(ATTEMPT, customer="cus_1")),
        {"POST /checkouts"},
    ),
    "fetch_checkout": (lambda b: b.fetch_checkout("cks_1"), {"GET /checkouts/{id}"}),
    "fetch payment": (lambda b: b._payment(b.client, "pay_1"), {"GET /payments/{payment_id}"}),
    "fetch_since": (lambda b: list(b.fetch_since(NOW)), {"GET /payments"}),
    "ensure_item": (lambda b: b.ensure_item(ITEM), {"POST /products"}),
    "ensure_item again": (
        lambda b: b.ensure_item(ITEM, "pdt_1"),
        {"PATCH /products/{id}", "POST /products/{id}/unarchive"},
    ),
    "find_item": (lambda b: b.find_item(ITEM), {"GET /products"}),
    "archive_item": (lambda b: b.archive_item("pdt_1"), {"DELETE /products/{id}"}),
    "refund": (lambda b: b.refund(INTENT), {"POST /refunds"}),
    "refund items": (
        lambda b: b.refund(replace(INTENT, amount=500, items=ITEMS)),
        {"POST /refunds"},
    ),
    "fetch_refunds": (lambda b: b.fetch_refunds("pay_1"), {"GET /payments/{payment_id}"}),
    "fetch refund": (lambda b: b._refund(b.client, "ref_1"), {"GET /refunds/{refund_id}"}),
    "fetch dispute": (lambda b: b._dispute(b.client, "dp_1"), {"GET /disputes/{dispute_id}"}),
    "list refunds": (
        lambda b: list(module._pages(b.client.refunds.with_raw_response.list, "refund_id")),
        {"GET /refunds"},
    ),
    "list disputes": (
        lambda b: list(module._pages(b.client.disputes.with_raw_response.list, "dispute_id")),
        {"GET /disputes"},
    ),
    "portal_url": (
        lambda b: b.portal_url("cus_1", "https://shop.example.com/"),
        {"POST /customers/{customer_id}/customer-portal/session"},
    ),
    "fetch_invoice": (
        lambda b: b.fetch_invoice("pay_1"),
        {"GET /invoices/payments/{payment_id}"},
    ),
}


@pytest.mark.parametrize(("call", "expected"), CALLS.values(), ids=CALLS)
def test_every_request_is_one_that_dodos_document_allows(backend, recording, call, expected):
    with contextlib.suppress(StrangeAnswer):
        call(backend)
    assert expected <= {request for request, _, _ in recording.judged}
    assert {(status, verdict) for _, status, verdict in recording.judged} == {(200, "true")}


@pytest.mark.parametrize(
    "call",
    [
        lambda b: b.create_checkout(replace(ATTEMPT, currency="XXX")),
        lambda b: b.ensure_item(replace(ITEM, amount=19.99)),
        lambda b: b.refund(replace(INTENT, payment=5)),
    ],
    ids=["currency", "amount", "payment"],
)
def test_what_the_document_forbids_is_refused_and_said(backend, recording, call):
    with pytest.raises(ProviderRefused) as raised:
        call(backend)
    assert raised.value.code == "400"
    assert len(recording.judged) == 1
