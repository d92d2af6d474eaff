"""The store's side of the sandbox: a backend like every other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, NoReturn

from django.utils.crypto import salted_hmac
from django.utils.dateparse import parse_datetime

from django_digitalstore.core.money import CURRENCIES
from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.backends.base import (
    BasePaymentBackend,
    Checkout,
    CheckoutAttempt,
    Message,
)
from django_digitalstore.payments.choices import DisputeState, PaymentState, RefundState
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentEvent,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.exceptions import WebhookInvalid

__all__ = ["SandboxBackend"]

_STATES: dict[str, list[str]] = {
    "payment": PaymentState.values,
    "refund": RefundState.values,
    "dispute": DisputeState.values,
}


class SandboxBackend(BasePaymentBackend):
    """Takes pretended money. Only in ``DIGITALSTORE_TEST_MODE``.

    OPTIONS: ``SECRET``, a Standard Webhooks secret; by default one derived from ``SECRET_KEY``.
    """

    known_options: ClassVar[frozenset[str]] = frozenset({"SECRET"})
    test_reason = "gives products away"
    supports_fetch_since = True

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        if "SECRET" in options:
            standard_webhooks.decode_secret(options["SECRET"])

    @property
    def is_test(self) -> bool:
        return True

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        return (self.secret,)

    @property
    def secret(self) -> str:
        """Return the secret that signs the sandbox's webhooks."""
        if "SECRET" in self.options:
            return str(self.options["SECRET"])
        key = salted_hmac(
            "django_digitalstore.payments.sandbox", self.alias, algorithm="sha256"
        ).digest()
        return "whsec_" + base64.b64encode(hashlib.sha256(key).digest()).decode()

    def create_checkout(self, attempt: CheckoutAttempt) -> Checkout:
        from . import provider

        return provider.create_checkout(self.alias, attempt)

    def fetch_checkout(self, reference: str) -> Sequence[PaymentEvent]:
        from . import provider

        return self._events(provider.facts_of(reference))

    def fetch_since(self, since: datetime) -> Iterator[Sequence[PaymentEvent]]:
        from . import provider

        for page in provider.facts_since(self.alias, since):
            yield self._events(page)

    def _events(self, facts: Sequence[Mapping[str, Any]]) -> list[PaymentEvent]:
        return [
            event for fact in facts for event in self._translate(fact, fact["occurred_at"], "fact")
        ]

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        verified = standard_webhooks.verify([self.secret], headers, body)
        return Message(
            id=verified.message_id,
            sent_at=datetime.fromtimestamp(verified.timestamp, UTC),
            body=body,
        )

    def normalize(self, message: Message) -> Sequence[PaymentEvent]:
        kind = message.data.get("type")
        if not isinstance(kind, str):
            raise WebhookInvalid("type", "must be a string such as 'payment.succeeded'.")
        if kind.split(".")[0] not in _STATES:
            return []
        data = message.data.get("data")
        if not isinstance(data, dict):
            raise WebhookInvalid("data", "must be an object.")
        return self._translate(data, message.data.get("timestamp"), "data")

    def _translate(self, data: Mapping[str, Any], timestamp: Any, path: str) -> list[PaymentEvent]:
        read = _Reader(data, path)
        kind = read.text("kind")
        if kind not in _STATES:
            raise WebhookInvalid(f"{path}.kind", f"must be one of {', '.join(_STATES)}.")
        state = read.text("state")
        if state not in _STATES[kind]:
            raise WebhookInvalid(f"{path}.state", f"must be one of {', '.join(_STATES[kind])}.")
        occurred_at = _time(timestamp)
        if kind == "payment":
            return [
                PaymentReported(
                    payment=read.text("payment"),
                    occurred_at=occurred_at,
                    checkout=read.text("checkout"),
                    state=state,
                    amount=read.amount("amount"),
                    currency=read.currency("currency"),
                    cart=tuple(read.cart("cart")),
                    failure=read.text("failure", default=""),
                )
            ]
        if kind == "refund":
            return [
                RefundReported(
                    payment=read.text("payment"),
                    occurred_at=occurred_at,
                    refund=read.text("refund"),
                    state=state,
                    amount=read.amount("amount"),
                    currency=read.currency("currency"),
                    is_full=bool(data.get("is_full", False)),
                    items=tuple(read.cart("items")) if data.get("items") else (),
                )
            ]
        return [
            DisputeReported(
                payment=read.text("payment"),
                occurred_at=occurred_at,
                dispute=read.text("dispute"),
                state=state,
                amount=read.amount("amount"),
                currency=read.currency("currency"),
            )
        ]


class _Reader:
    """Reads required fields and names the path of a wrong one."""

    def __init__(self, data: Mapping[str, Any], path: str) -> None:
        self.data = data
        self.path = path

    def text(self, name: str, default: str | None = None) -> str:
        value = self.data.get(name, default)
        if not isinstance(value, str) or (not value and default is None) or len(value) > 200:
            raise WebhookInvalid(f"{self.path}.{name}", "must be a text of 1 to 200 characters.")
        # No database takes a NUL, and half a surrogate pair is no text in UTF-8.
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise WebhookInvalid(f"{self.path}.{name}", "must be a text that can be stored.")
        return value

    def currency(self, name: str) -> str:
        value = self.text(name)
        if value not in CURRENCIES:
            raise WebhookInvalid(f"{self.path}.{name}", "must be an ISO 4217 code such as 'EUR'.")
        return value

    def amount(self, name: str) -> int:
        value = self.data.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
            raise WebhookInvalid(f"{self.path}.{name}", "must be an amount in minor units.")
        return value

    def cart(self, name: str) -> list[tuple[str, int]]:
        value = self.data.get(name)
        if not isinstance(value, list):
            raise WebhookInvalid(f"{self.path}.{name}", "must be a list of [item, number].")
        pairs = []
        for index, entry in enumerate(value):
            match entry:
                case [str() as item, int() as number] if not isinstance(number, bool):
                    pairs.append((item, number))
                case _:
                    raise WebhookInvalid(f"{self.path}.{name}[{index}]", "must be [item, number].")
        return pairs


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    parsed = None
    if isinstance(value, str):
        try:
            parsed = parse_datetime(value)
        except ValueError:
            parsed = None
    try:
        # A time zone can lead out of what a datetime holds.
        return parsed.astimezone(UTC) if parsed is not None and parsed.tzinfo else _no_time()
    except OverflowError:
        return _no_time()


def _no_time() -> NoReturn:
    raise WebhookInvalid("timestamp", "must be a time with a time zone (ISO 8601).")
