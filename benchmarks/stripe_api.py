"""What dj-stripe asks Stripe for while it handles a payment, answered on loopback and at once.

Stripe itself takes a tenth of a second or more for each answer, so what is measured with this is
the least that dj-stripe can take.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from django_digitalstore.contrib.stripe import testing

__all__ = ["checkout_session", "payment_intent", "serve"]


def checkout_session(name: str, order: str = "") -> dict[str, Any]:
    """Return a hosted checkout that was paid, by nobody that Stripe keeps."""
    payment = f"pi_{name}"
    return testing.session(
        checkout=name,
        payment=payment,
        amount=1000,
        currency="EUR",
        customer=None,
        metadata={"order": order},
    )


def payment_intent(name: str, order: str = "") -> dict[str, Any]:
    """Return a payment that succeeded, by a card."""
    return {
        "id": name,
        "object": "payment_intent",
        "amount": 1000,
        "amount_received": 1000,
        "created": int(time.time()),
        "currency": "eur",
        "customer": None,
        "latest_charge": f"ch_{name}",
        "livemode": False,
        "metadata": {"order": order},
        "payment_method": f"pm_{name}",
        "status": "succeeded",
    }


def _payment_method(name: str) -> dict[str, Any]:
    return {
        "id": name,
        "object": "payment_method",
        "billing_details": {"email": "buyer@example.com"},
        "card": {"brand": "visa", "exp_month": 12, "exp_year": 2040, "last4": "4242"},
        "created": int(time.time()),
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }


def _account(name: str) -> dict[str, Any]:
    return {"id": "acct_benchmark", "object": "account", "metadata": {}, "settings": {}}


_ANSWERS = {
    "account": _account,
    "checkout/sessions": checkout_session,
    "payment_intents": payment_intent,
    "payment_methods": _payment_method,
}


class _Stripe(BaseHTTPRequestHandler):
    # A connection is kept, and each answer sent in one piece: a second one would be waited for.
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        asked = self.path.partition("?")[0].removeprefix("/v1/")
        kind, _, name = asked.rpartition("/") if asked not in _ANSWERS else (asked, "", "")
        body = json.dumps(_ANSWERS[kind](name)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *said: Any) -> None:
        """Say nothing of each request."""


def serve() -> str:
    """Answer as Stripe for as long as this process lives; return the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Stripe)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
