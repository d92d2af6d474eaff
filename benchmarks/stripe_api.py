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

__all__ = ["ACCOUNT", "payment_intent", "serve"]

ACCOUNT = "acct_benchmark"


def payment_intent(name: str, order: str = "", amount: int = 1000) -> dict[str, Any]:
    """Return a payment that succeeded: paid by a card, and by nobody that Stripe keeps."""
    return {
        "id": name,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "capture_method": "automatic",
        "confirmation_method": "automatic",
        "created": int(time.time()),
        "currency": "eur",
        "customer": None,
        "latest_charge": f"ch_{name}",
        "livemode": False,
        "metadata": {"order": order},
        "payment_method": f"pm_{name}",
        "payment_method_types": ["card"],
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
    return {"id": ACCOUNT, "object": "account", "country": "DE", "metadata": {}, "settings": {}}


_ANSWERS = {
    "account": _account,
    "payment_intents": payment_intent,
    "payment_methods": _payment_method,
}


class _Stripe(BaseHTTPRequestHandler):
    # A connection is kept, and each answer sent in one piece: a second one would be waited for.
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self) -> None:
        _, kind, *name = self.path.partition("?")[0].strip("/").split("/")
        body = json.dumps(_ANSWERS[kind](*name or [""])).encode()
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
