"""A Dodo Payments in this process: a little memory behind the official SDK's real requests.

Where Dodo's own OpenAPI document is there, every request and every answer is held against it, so
that what we script is not what we believe. The document is not part of this project: it is looked
for in ``../shared/peers`` beside the checkout, or where ``DIGITALSTORE_PEERS`` says.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import httpx

from django_digitalstore.contrib.dodopayments import DodoPaymentsBackend, testing
from tests.projects.made import ROOT

FOLDER = Path(os.environ.get("DIGITALSTORE_PEERS") or ROOT.parent / "shared" / "peers")
DOCUMENT = FOLDER / "dodo-openapi-1.113.0.json"
WEBHOOKS = FOLDER / "dodo-webhooks"
#: A run that names the folder must find it there; one that does not may do without.
_LACK = "absent" if "DIGITALSTORE_PEERS" in os.environ else "not here"
ABSENT = f"Dodo's own documents are {_LACK}: {FOLDER} (DIGITALSTORE_PEERS names another folder)"

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS1kb2RvLWFsaWFzLTAwMDE="
KEY = "test-key-0123456789"
AT = "Sun, 22 Nov 2026 12:00:00 GMT"


@cache
def document() -> dict[str, Any]:
    return json.loads(DOCUMENT.read_text("utf-8"))


@cache
def validator(pointer: str) -> Any:
    """Return what validates against the schema that stands at ``pointer`` of the document."""
    from jsonschema import Draft202012Validator, FormatChecker
    from referencing import Registry, Resource
    from referencing.jsonschema import DRAFT202012

    resource = Resource.from_contents(document(), default_specification=DRAFT202012)
    return Draft202012Validator(
        {"$ref": f"urn:dodo#{pointer}"},
        registry=Registry().with_resource("urn:dodo", resource),
        format_checker=FormatChecker(),
    )


def wrongs(pointer: str, value: Any, where: str) -> list[str]:
    return [
        f"{where} {'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
        for error in validator(pointer).iter_errors(value)
    ]


def escaped(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


class Judge:
    """Holds requests and answers against the document."""

    def operation(self, request: httpx.Request) -> tuple[str, dict[str, Any]] | None:
        method, path = request.method.lower(), request.url.path
        for template, item in document()["paths"].items():
            if method in item and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
                return f"/paths/{escaped(template)}/{method}", item[method]
        return None

    def request(self, request: httpx.Request) -> list[str]:
        where = f"{request.method} {request.url.path}"
        found = self.operation(request)
        if found is None:
            return [f"{where}: not in the document"]
        pointer, operation = found
        known = {
            parameter["name"]: (index, parameter)
            for index, parameter in enumerate(operation.get("parameters", []))
            if parameter["in"] == "query"
        }
        problems = []
        for name, text in request.url.params.multi_items():
            if name not in known:
                problems.append(f"{where}?{name}: not in the document")
                continue
            index, parameter = known[name]
            kind = parameter["schema"].get("type")
            value = json.loads(text) if kind in ("integer", "boolean") else text
            problems += wrongs(f"{pointer}/parameters/{index}/schema", value, f"{where}?{name}")
        if "requestBody" in operation:
            schema = f"{pointer}/requestBody/content/application~1json/schema"
            problems += wrongs(schema, json.loads(request.content), f"{where} body")
        elif request.content:
            problems.append(f"{where}: a body that is not in the document")
        if not request.headers.get("authorization", "").startswith("Bearer "):
            problems.append(f"{where}: no bearer token")
        return problems

    def answer(self, request: httpx.Request, response: httpx.Response) -> list[str]:
        found = self.operation(request)
        if found is None or response.status_code >= 400:
            return []  # the document says nothing about bodies of errors
        pointer, operation = found
        where = f"{request.method} {request.url.path} answer"
        told = operation["responses"].get(str(response.status_code))
        if told is None:
            return [f"{where}: {response.status_code} is not in the document"]
        content = told.get("content", {})
        if "application/json" not in content:
            return []
        schema = f"{pointer}/responses/{response.status_code}/content/application~1json/schema"
        return wrongs(schema, json.loads(response.content), where)


class Peer:
    """What Dodo remembers. Every list and dict may be looked at and changed by a test."""

    current: ClassVar[Peer]

    def __init__(self) -> None:
        self.judge = Judge() if DOCUMENT.exists() else None
        self.problems: list[str] = []
        self.requests: list[httpx.Request] = []
        self.products: dict[str, dict[str, Any]] = {}
        self.archived: set[str] = set()
        self.sessions: dict[str, dict[str, Any]] = {}
        self.payments: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.disputes: dict[str, dict[str, Any]] = {}
        #: Ids for the next objects that are made, by kind; by default they are counted.
        self.ids: dict[str, str] = {}
        #: Answers that are given instead, first come first served: a response, or an error raised.
        self.instead: list[httpx.Response | Exception] = []
        #: What happens after a request was carried out and before its answer is sent.
        self.afterwards: list[Exception] = []

    # --- HTTP -----------------------------------------------------------------------------------

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.judge:
            # Never raised in here: the SDK would take it for a broken connection.
            problems = self.judge.request(request)
            if problems:
                self.problems += problems
                return httpx.Response(400, json={"code": "BAD", "message": "; ".join(problems)})
        if self.instead:
            instead = self.instead.pop(0)
            if isinstance(instead, Exception):
                raise instead
            return instead
        response = self.route(request)
        if self.judge:
            self.problems += self.judge.answer(request, response)
        if self.afterwards:
            raise self.afterwards.pop(0)
        response.headers["date"] = AT
        return response

    def route(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) if request.content else {}
        for method, path, name in ROUTES:
            match = re.fullmatch(path, request.url.path)
            if method == request.method and match:
                answer: Callable[..., httpx.Response] = getattr(self, name)
                return answer(request, body, *match.groups())
        return httpx.Response(404, json={"code": "NOT_FOUND", "message": "No such address."})

    def said(self, index: int = -1) -> dict[str, Any]:
        """Return the body of a request."""
        return json.loads(self.requests[index].content)

    def asked(self) -> list[str]:
        return [f"{request.method} {request.url.path}" for request in self.requests]

    # --- What Dodo does -------------------------------------------------------------------------

    def open_checkout(self, request: Any, body: Any) -> httpx.Response:
        session = self.ids.pop("session", f"cks_{len(self.sessions) + 1}")
        self.sessions[session] = {**body, "payment_id": None, "payment_status": None}
        url = f"https://test.checkout.dodopayments.com/session/{session}"
        return httpx.Response(200, json={"session_id": session, "checkout_url": url})

    def show_checkout(self, request: Any, body: Any, session: str) -> httpx.Response:
        if session not in self.sessions:
            return missing()
        known = self.sessions[session]
        told = {"id": session, "created_at": "2026-11-22T11:00:00Z"}
        for name in ("payment_id", "payment_status"):
            told[name] = known[name]
        return httpx.Response(200, json=told)

    def show_payment(self, request: Any, body: Any, payment: str) -> httpx.Response:
        return shown(self.payments, payment)

    def show_refund(self, request: Any, body: Any, refund: str) -> httpx.Response:
        return shown(self.refunds, refund)

    def show_dispute(self, request: Any, body: Any, dispute: str) -> httpx.Response:
        return shown(self.disputes, dispute)

    def list_payments(self, request: Any, body: Any) -> httpx.Response:
        keys = [
            "payment_id",
            "total_amount",
            "currency",
            "customer",
            "created_at",
            "brand_id",
            "metadata",
            "status",
            "digital_products_delivered",
            "payment_provider",
            "checkout_session_id",
        ]
        short = [
            {**{key: entry[key] for key in keys}, "has_license_key": False}
            for entry in self.payments.values()
        ]
        return page(request, short)

    def list_refunds(self, request: Any, body: Any) -> httpx.Response:
        keys = [
            "refund_id",
            "payment_id",
            "business_id",
            "status",
            "created_at",
            "is_partial",
            "amount",
            "currency",
        ]
        short = [{key: entry[key] for key in keys} for entry in self.refunds.values()]
        return page(request, short)

    def list_disputes(self, request: Any, body: Any) -> httpx.Response:
        keys = [
            "dispute_id",
            "payment_id",
            "business_id",
            "amount",
            "currency",
            "dispute_status",
            "dispute_stage",
            "created_at",
        ]
        short = [{key: entry[key] for key in keys} for entry in self.disputes.values()]
        return page(request, [{**entry, "payment_provider": "dodo"} for entry in short])

    def make_product(self, request: Any, body: Any) -> httpx.Response:
        product = self.ids.pop("product", f"pdt_{len(self.products) + 1}")
        self.products[product] = body
        return httpx.Response(200, json=self.product(product))

    def product(self, product: str) -> dict[str, Any]:
        return {
            **self.products[product],
            "product_id": product,
            "business_id": testing.BUSINESS,
            "brand_id": testing.BUSINESS,
            "created_at": "2026-11-22T11:00:00Z",
            "updated_at": "2026-11-22T11:00:00Z",
            "is_recurring": False,
            "license_key_enabled": False,
            "credit_entitlements": [],
            "entitlements": [],
        }

    def change_product(self, request: Any, body: Any, product: str) -> httpx.Response:
        if product not in self.products:
            return missing()
        if product in self.archived:
            return httpx.Response(
                410, json={"code": "PRODUCT_IS_DELETED", "message": "Product is deleted"}
            )
        self.products[product] |= body
        return httpx.Response(200)

    def archive_product(self, request: Any, body: Any, product: str) -> httpx.Response:
        if product not in self.products or product in self.archived:
            return httpx.Response(
                410, json={"code": "PRODUCT_IS_DELETED", "message": "Product is deleted"}
            )
        self.archived.add(product)
        return httpx.Response(200)

    def unarchive_product(self, request: Any, body: Any, product: str) -> httpx.Response:
        if product not in self.archived:
            return httpx.Response(422, json={"code": "INVALID", "message": "It is not archived."})
        self.archived.discard(product)
        return httpx.Response(200)

    def list_products(self, request: Any, body: Any) -> httpx.Response:
        wanted = request.url.params.get("archived") == "true"
        short = []
        for product in self.products:
            if (product in self.archived) is not wanted:
                continue
            full = self.product(product)
            price = full.pop("price")
            short.append({**full, "price": price["price"], "currency": price["currency"]})
        return page(request, short)

    def make_refund(self, request: Any, body: Any) -> httpx.Response:
        payment = self.payments.get(body["payment_id"])
        if payment is None:
            return missing()
        items = body.get("items")
        amount = sum(item["amount"] for item in items) if items else payment["total_amount"]
        reference = f"ref_{len(self.refunds) + 1}"
        made = testing.refund(
            refund=reference,
            payment=body["payment_id"],
            status="pending",
            amount=amount,
            currency=payment["currency"],
            is_partial=bool(items),
            metadata=body.get("metadata", {}),
            reason=body.get("reason"),
        )
        self.refunds[reference] = made
        short = {key: made[key] for key in made if key not in ("customer", "metadata", "brand_id")}
        payment["refunds"].append(short)
        return httpx.Response(200, json=made)

    def open_portal(self, request: Any, body: Any, customer: str) -> httpx.Response:
        link = f"https://test.customer.dodopayments.com/session/{customer}"
        return httpx.Response(200, json={"link": link})

    def show_invoice(self, request: Any, body: Any, payment: str) -> httpx.Response:
        if payment not in self.payments:
            return missing()
        return httpx.Response(
            200, content=b"%PDF-1.7 invoice", headers={"content-type": "application/pdf"}
        )

    # --- What buyers do -------------------------------------------------------------------------

    def pay(self, session: str, *, payment: str = "", **fields: Any) -> dict[str, Any]:
        """Let the buyer pay a session and return the payment as Dodo's webhook holds it."""
        asked = self.sessions[session]
        payment = payment or f"pay_{len(self.payments) + 1}"
        cart = [(entry["product_id"], entry["quantity"]) for entry in asked["product_cart"]]
        prices = [self.products[product]["price"] for product, _ in cart]
        made = testing.payment(
            payment=payment,
            checkout=session,
            cart=cart,
            **{
                "amount": sum(price["price"] for price in prices),
                "currency": prices[0]["currency"],
                **fields,
            },
        )
        self.payments[payment] = made
        asked["payment_id"], asked["payment_status"] = payment, made["status"]
        return made


ROUTES = [
    ("POST", r"/checkouts", "open_checkout"),
    ("GET", r"/checkouts/([^/]+)", "show_checkout"),
    ("GET", r"/payments", "list_payments"),
    ("GET", r"/payments/([^/]+)", "show_payment"),
    ("GET", r"/refunds", "list_refunds"),
    ("POST", r"/refunds", "make_refund"),
    ("GET", r"/refunds/([^/]+)", "show_refund"),
    ("GET", r"/disputes", "list_disputes"),
    ("GET", r"/disputes/([^/]+)", "show_dispute"),
    ("GET", r"/products", "list_products"),
    ("POST", r"/products", "make_product"),
    ("PATCH", r"/products/([^/]+)", "change_product"),
    ("DELETE", r"/products/([^/]+)", "archive_product"),
    ("POST", r"/products/([^/]+)/unarchive", "unarchive_product"),
    ("POST", r"/customers/([^/]+)/customer-portal/session", "open_portal"),
    ("GET", r"/invoices/payments/([^/]+)", "show_invoice"),
]


def missing() -> httpx.Response:
    return httpx.Response(404, json={"code": "NOT_FOUND", "message": "Nothing of that id."})


def shown(table: dict[str, dict[str, Any]], key: str) -> httpx.Response:
    return httpx.Response(200, json=table[key]) if key in table else missing()


def page(request: httpx.Request, entries: list[dict[str, Any]]) -> httpx.Response:
    number = int(request.url.params["page_number"])
    size = int(request.url.params["page_size"])
    return httpx.Response(200, json={"items": entries[number * size : (number + 1) * size]})


class PeerBackend(DodoPaymentsBackend):
    """The backend as it is, whose requests go to ``Peer.current``."""

    def get_transport(self) -> httpx.BaseTransport:
        return httpx.MockTransport(lambda request: Peer.current.handle(request))
