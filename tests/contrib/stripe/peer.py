"""A small Stripe on the loopback: what its API answers, as its documentation says.

Written by us, so it proves that the library, our calls and our reading fit together, and not that
Stripe does. It is strict where mistakes are likely: unknown parameters and other keys are refused.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "sk_test_51conformance"

_KNOWN = {
    "/v1/checkout/sessions": re.compile(
        r"mode|success_url|cancel_url|client_reference_id|customer|customer_email|customer_creation"
        r"|line_items\[\d+\]\[(quantity|price_data\]\[(currency|unit_amount|product_data\]\[name))\]"
        r"|(payment_intent_data\[metadata\]|metadata)\[\w+\]|adaptive_pricing\[enabled\]"
        r"|allow_promotion_codes|automatic_tax\[enabled\]|customer_update\[address\]"
    ),
    "/v1/refunds": re.compile(r"payment_intent|amount|metadata\[\w+\]"),
    "/v1/billing_portal/sessions": re.compile(r"customer|return_url"),
}


class Peer:
    """What a Stripe account holds, and what was asked of it."""

    def __init__(self) -> None:
        self.sessions: dict[str, dict[str, Any]] = {}
        self.refunds: list[dict[str, Any]] = []
        self.disputes: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        #: (method, path, parameters) of every request.
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        #: Customers that are gone.
        self.deleted: set[str] = set()
        #: The connected account of each request; empty for the account of the key.
        self.accounts: list[str] = []
        self.answered: dict[str, tuple[int, dict[str, Any]]] = {}
        #: Answers (status, body) that come first, whatever is asked; None drops the connection
        #: after the work was done.
        self.next_answers: list[tuple[int, dict[str, Any]] | None] = []
        self.numbers = count(1)
        self.page = 100
        self.url = ""

    def answer(
        self, method: str, path: str, fields: dict[str, str], key: str
    ) -> tuple[int, dict[str, Any]] | None:
        """Do what is asked and say so; the same idempotency key twice is done once."""
        self.asked.append((method, path, fields))
        prepared = self.next_answers.pop(0) if self.next_answers else ()
        if prepared:
            return prepared
        if key and key in self.answered:
            return self.answered[key]
        done = self._do(method, path, fields)
        if key:
            self.answered[key] = done
        return None if prepared is None else done

    def _do(self, method: str, path: str, fields: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if method == "POST":
            for name in fields:
                if not _KNOWN[path].fullmatch(name):
                    return 400, _error("parameter_unknown", f"Received unknown parameter: {name}")
        match method, path.split("/")[2:]:
            case "POST", ["checkout", "sessions"]:
                if fields.get("customer") in self.deleted:
                    name = fields["customer"]
                    return 400, _error("resource_missing", f"No such customer: '{name}'")
                if (
                    fields.get("automatic_tax[enabled]") == "true"
                    and "customer" in fields
                    and fields.get("customer_update[address]") != "auto"
                ):
                    text = "Automatic tax calculation in Checkout requires a valid address."
                    return 400, _error("customer_tax_location_invalid", text)
                return 200, self._new_session(fields)
            case "GET", ["checkout", "sessions", name]:
                if name not in self.sessions:
                    return 404, _error("resource_missing", f"No such checkout.session: '{name}'")
                return 200, self.sessions[name]
            case "POST", ["refunds"]:
                return 200, self._new_refund(fields)
            case "GET", ["refunds"]:
                return 200, self._list(self.refunds, fields)
            case "GET", ["disputes"]:
                return 200, self._list(self.disputes, fields)
            case "GET", ["events"]:
                return 200, self._list(self.events, {**fields, "payment_intent": ""})
            case "POST", ["billing_portal", "sessions"]:
                return 200, {"object": "billing_portal.session", "url": "https://billing.test/p/1"}
        return 404, _error("resource_missing", f"Unrecognized request URL ({method}: {path}).")

    def _new_session(self, fields: dict[str, str]) -> dict[str, Any]:
        name = f"cs_test_{next(self.numbers)}"
        amounts = {n: v for n, v in fields.items() if n.endswith("[unit_amount]")}
        total = sum(
            int(value) * int(fields[f"line_items[{name.split('[')[1][:-1]}][quantity]"])
            for name, value in amounts.items()
        )
        self.sessions[name] = {
            "id": name,
            "object": "checkout.session",
            "amount_total": total,
            "currency": fields["line_items[0][price_data][currency]"],
            "customer": None,
            "expires_at": int(time.time()) + 86_400,
            "livemode": False,
            "payment_intent": None,
            "payment_status": "unpaid",
            "status": "open",
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "url": f"https://checkout.test/c/pay/{name}",
        }
        return self.sessions[name]

    def _new_refund(self, fields: dict[str, str]) -> dict[str, Any]:
        paid = next(
            s for s in self.sessions.values() if s["payment_intent"] == fields["payment_intent"]
        )
        refund = {
            "id": f"re_{next(self.numbers)}",
            "object": "refund",
            "amount": int(fields.get("amount", paid["amount_total"])),
            "currency": paid["currency"],
            "metadata": {n[9:-1]: v for n, v in fields.items() if n.startswith("metadata[")},
            "payment_intent": fields["payment_intent"],
            "status": "succeeded",
        }
        self.refunds.insert(0, refund)
        return refund

    def _list(self, entries: list[dict[str, Any]], fields: dict[str, str]) -> dict[str, Any]:
        if wanted := fields.get("payment_intent"):
            entries = [entry for entry in entries if entry["payment_intent"] == wanted]
        if after := fields.get("starting_after"):
            names = [entry["id"] for entry in entries]
            entries = entries[names.index(after) + 1 :]
        return {
            "object": "list",
            "data": entries[: self.page],
            "has_more": len(entries) > self.page,
            "url": "/v1/list",
        }

    def pay(self, session: str, payment: str = "pi_1") -> None:
        """Let the buyer pay a session."""
        self.sessions[session] |= {
            "payment_intent": payment,
            "payment_status": "paid",
            "status": "complete",
            "customer": "cus_1",
        }


def _error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"type": "invalid_request_error", "code": code, "message": message}}


@contextmanager
def running() -> Iterator[Peer]:
    """Serve a peer on a free port of the loopback."""
    peer = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond("GET", dict(parse_qsl(urlsplit(self.path).query)))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            self._respond("POST", dict(parse_qsl(body, keep_blank_values=True)))

        def _respond(self, method: str, fields: dict[str, str]) -> None:
            answer: tuple[int, dict[str, Any]] | None = (401, _error("api_key", "Invalid API Key"))
            if self.headers.get("Authorization") == f"Bearer {KEY}":
                peer.accounts.append(self.headers.get("Stripe-Account", ""))
                key = self.headers.get("Idempotency-Key", "") if method == "POST" else ""
                answer = peer.answer(method, urlsplit(self.path).path, fields, key)
            if answer is None:
                self.close_connection = True
                return
            raw = json.dumps(answer[1]).encode()
            self.send_response(answer[0])
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    peer.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
