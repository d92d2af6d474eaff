"""The store's side of the sandbox: a backend like every other."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.utils.crypto import salted_hmac

from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.backends.base import (
    BasePaymentBackend,
    Checkout,
    CheckoutAttempt,
    Message,
    RefundAbility,
    RefundIntent,
)
from django_digitalstore.payments.choices import DisputeState, PaymentState, RefundState
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentEvent,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.exceptions import WebhookInvalid
from django_digitalstore.payments.reader import Reader

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
    refunds = RefundAbility.AMOUNT
    supports_fetch_refunds = True
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

    def refund(self, intent: RefundIntent) -> Sequence[PaymentEvent]:
        from . import provider

        return self._events([provider.refund_payment(self.alias, intent)])

    def fetch_refunds(self, payment: str) -> Sequence[RefundReported]:
        from . import provider

        events = self._events(provider.refunds_of(self.alias, payment))
        return [event for event in events if isinstance(event, RefundReported)]

    def _events(self, facts: Sequence[Mapping[str, Any]]) -> list[PaymentEvent]:
        return [
            event
            for fact in facts
            for event in self._translate(Reader(fact, "fact"), fact["occurred_at"])
        ]

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        verified = standard_webhooks.verify([self.secret], headers, body)
        return Message(
            id=verified.message_id,
            sent_at=datetime.fromtimestamp(verified.timestamp, UTC),
            body=body,
        )

    def normalize(self, message: Message) -> Sequence[PaymentEvent]:
        body = Reader(message.data)
        if body.text("type").split(".")[0] not in _STATES:
            return []
        return self._translate(body.object("data"), body.time("timestamp"))

    def _translate(self, read: Reader, occurred_at: datetime) -> list[PaymentEvent]:
        kind = read.text("kind")
        if kind not in _STATES:
            raise WebhookInvalid(read.at("kind"), f"must be one of {', '.join(_STATES)}.")
        state = read.text("state")
        if state not in _STATES[kind]:
            raise WebhookInvalid(read.at("state"), f"must be one of {', '.join(_STATES[kind])}.")
        if kind == "payment":
            return [
                PaymentReported(
                    payment=read.text("payment"),
                    occurred_at=occurred_at,
                    checkout=read.text("checkout"),
                    state=state,
                    amount=read.amount("amount"),
                    currency=read.currency("currency"),
                    cart=_pairs(read, "cart"),
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
                    is_full=bool(read.data.get("is_full", False)),
                    items=_pairs(read, "items") if read.data.get("items") else (),
                    key=read.text("key", default=""),
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


def _pairs(read: Reader, name: str) -> tuple[tuple[str, int], ...]:
    """Return the list of [item, number] in a field."""
    value = read.data.get(name)
    if not isinstance(value, list):
        raise WebhookInvalid(read.at(name), "must be a list of [item, number].")
    pairs = []
    for index, entry in enumerate(value):
        match entry:
            case [str() as item, int() as number] if not isinstance(number, bool):
                pairs.append((item, number))
            case _:
                raise WebhookInvalid(f"{read.at(name)}[{index}]", "must be [item, number].")
    return tuple(pairs)
