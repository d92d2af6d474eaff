"""Stripe as a provider: Checkout Sessions with inline prices, refunds, disputes."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from django_digitalstore.payments.backends import (
    BasePaymentBackend,
    Checkout,
    CheckoutAttempt,
    Message,
    RefundAbility,
    RefundIntent,
)
from django_digitalstore.payments.events import PaymentEvent, RefundReported
from django_digitalstore.payments.exceptions import (
    ProviderRefused,
    WebhookInvalid,
    WebhookNotOurs,
)
from django_digitalstore.payments.reader import Reader

from . import signatures
from .amounts import to_stripe
from .client import build_client, load_stripe
from .translation import (
    EVENT_TYPES,
    REFUND_KEY,
    read_dispute,
    read_refund,
    read_session,
    translate,
)

if TYPE_CHECKING:
    import stripe

__all__ = ["StripeBackend"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PAGE = 100  # what Stripe gives at most in one answer


class StripeBackend(BasePaymentBackend):
    """Takes payments by Stripe's Checkout Sessions. Needs the extra ``stripe``.

    OPTIONS: ``API_KEY`` (``sk_live_…``, ``rk_live_…``; a test key only in
    ``DIGITALSTORE_TEST_MODE``), ``WEBHOOK_SECRET`` (``whsec_…``, or a list of them while you change
    it), ``ALLOW_PROMOTION_CODES`` (False), ``AUTOMATIC_TAX`` (False), ``ADAPTIVE_PRICING`` (False:
    buyers pay in the product's currency), ``ACCOUNT`` (a connected account that sells: calls are
    made on its behalf, and its events alone are ours), ``TIMEOUT`` (10 seconds for a call),
    ``BASE_URL`` (another address than Stripe's, for tests).
    """

    required_options: ClassVar[frozenset[str]] = frozenset({"API_KEY", "WEBHOOK_SECRET"})
    known_options: ClassVar[frozenset[str]] = frozenset(
        {
            "ACCOUNT",
            "ADAPTIVE_PRICING",
            "ALLOW_PROMOTION_CODES",
            "AUTOMATIC_TAX",
            "BASE_URL",
            "TIMEOUT",
        }
    )
    refunds: ClassVar[RefundAbility] = RefundAbility.AMOUNT
    supports_fetch_refunds: ClassVar[bool] = True
    supports_fetch_since: ClassVar[bool] = True
    supports_portal: ClassVar[bool] = True
    test_reason: ClassVar[str] = "has the key of a test account"

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        key = options.get("API_KEY")
        if "API_KEY" in options and not (
            isinstance(key, str)
            and key.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_"))
        ):
            raise ImproperlyConfigured(
                "API_KEY is no secret key of Stripe. Write the one that begins with 'sk_live_', or "
                "with 'sk_test_' while you develop."
            )
        self._key = str(key or "")
        super().__init__(alias, options)
        for secret in self.webhook_secrets:
            signatures.check_secret(secret)
        if not self.webhook_secrets:
            signatures.check_secret("")
        load_stripe()

    @property
    def is_test(self) -> bool:
        return "_test_" in self._key[:8]

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        named = self.options["WEBHOOK_SECRET"]
        return tuple(named) if isinstance(named, (list, tuple)) else (named,)

    @cached_property
    def client(self) -> stripe.StripeClient:
        """Return the client of this process, built when it is first needed."""
        return build_client(
            self._key,
            timeout=float(self.options.get("TIMEOUT", 10)),
            account=str(self.options.get("ACCOUNT") or ""),
            base_url=str(self.options.get("BASE_URL", "")),
        )

    # --- Checkout -------------------------------------------------------------------------------

    def create_checkout(self, attempt: CheckoutAttempt) -> Checkout:
        wanted = self._session(attempt)
        # Stripe refuses a key that comes again with other parameters, for a whole day.
        digest = hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()
        session = self._call(
            self.client.v1.checkout.sessions.create,
            wanted,
            {"idempotency_key": f"{attempt.key}-{digest[:16]}"},
        )
        expires_at = session.expires_at
        return Checkout(
            reference=session.id,
            url=session.url or "",
            expires_at=datetime.fromtimestamp(expires_at, UTC) if expires_at else None,
        )

    def _session(self, attempt: CheckoutAttempt) -> dict[str, Any]:
        """Return what Stripe is asked for. Our names are for people: nothing is matched by them."""
        names = {"digitalstore_order": attempt.order, "digitalstore_payment": attempt.key}
        session: dict[str, Any] = {
            "mode": "payment",
            "line_items": [
                {
                    "quantity": line.quantity,
                    "price_data": {
                        "currency": attempt.currency.lower(),
                        "unit_amount": to_stripe(line.unit_price, attempt.currency),
                        "product_data": {"name": line.name},
                    },
                }
                for line in attempt.lines
            ],
            "client_reference_id": attempt.order,
            "metadata": names,
            "payment_intent_data": {"metadata": names},
            "success_url": attempt.return_url,
            "cancel_url": attempt.cancel_url,
            "adaptive_pricing": {"enabled": bool(self.options.get("ADAPTIVE_PRICING"))},
        }
        if attempt.customer:
            session["customer"] = attempt.customer
        else:
            session |= {"customer_email": attempt.email, "customer_creation": "always"}
        if self.options.get("ALLOW_PROMOTION_CODES"):
            session["allow_promotion_codes"] = True
        if self.options.get("AUTOMATIC_TAX"):
            session["automatic_tax"] = {"enabled": True}
            if attempt.customer:
                # Tax follows the address, which Stripe may not know of this customer yet: it
                # refuses the session unless it may ask for it and keep it.
                session["customer_update"] = {"address": "auto"}
        return session

    def fetch_checkout(self, reference: str) -> Sequence[PaymentEvent]:
        sessions = self.client.v1.checkout.sessions
        answer = _plain(self._call(sessions.retrieve, reference))
        now = timezone.now()
        reports = read_session(Reader(answer, "session"), now)
        payment = answer.get("payment_intent")
        if not reports or not payment:
            return reports
        return [*reports, *self.fetch_refunds(str(payment)), *self._disputes(str(payment), now)]

    def fetch_since(self, since: datetime) -> Iterator[Sequence[PaymentEvent]]:
        """List the events since ``since``; Stripe keeps them for thirty days."""
        parameters = {"created": {"gte": int(since.timestamp())}, "types": list(EVENT_TYPES)}
        for page in self._pages(self.client.v1.events.list, parameters):
            # Whose they are, we said when we asked; Stripe need not say it again.
            yield [
                event
                for entry in page
                if self._is_of_our_mode(entry)
                for event in _understood(entry)
            ]

    # --- Webhooks -------------------------------------------------------------------------------

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        timestamp = signatures.verify(self.webhook_secrets, headers, body)
        # Stripe names a message in its body, which is authentic now; one without a name is still
        # kept, under what it says.
        message = Message(id="", sent_at=datetime.fromtimestamp(timestamp, UTC), body=body)
        return Message(
            id=_event_id(body) or f"sha256-{message.digest}", sent_at=message.sent_at, body=body
        )

    def normalize(self, message: Message) -> Sequence[PaymentEvent]:
        if not self._is_ours(message.data):
            raise WebhookNotOurs(
                "The event is of another mode (test or live) or of another account than the one "
                "that this alias is configured for."
            )
        return translate(message.data)

    def _is_ours(self, event: Mapping[str, Any]) -> bool:
        account = event.get("account") or ""
        return self._is_of_our_mode(event) and account == (self.options.get("ACCOUNT") or "")

    def _is_of_our_mode(self, event: Mapping[str, Any]) -> bool:
        return event.get("livemode") is not self.is_test

    # --- Refunds --------------------------------------------------------------------------------

    def refund(self, intent: RefundIntent) -> Sequence[PaymentEvent]:
        parameters: dict[str, Any] = {
            "payment_intent": intent.payment,
            "metadata": {REFUND_KEY: intent.key, "reason": intent.reason[:500]},
        }
        if intent.amount is not None:
            parameters["amount"] = to_stripe(intent.amount, intent.currency)
        answer = self._call(
            self.client.v1.refunds.create, parameters, {"idempotency_key": intent.key}
        )
        return read_refund(Reader(_plain(answer), "refund"), timezone.now())

    def fetch_refunds(self, payment: str) -> Sequence[RefundReported]:
        now = timezone.now()
        pages = self._pages(self.client.v1.refunds.list, {"payment_intent": payment})
        return [
            report
            for page in pages
            for entry in page
            for report in read_refund(Reader(entry, "refund"), now)
        ]

    def _disputes(self, payment: str, now: datetime) -> list[PaymentEvent]:
        pages = self._pages(self.client.v1.disputes.list, {"payment_intent": payment})
        return [
            report
            for page in pages
            for entry in page
            for report in read_dispute(Reader(entry, "dispute"), now)
        ]

    # --- The buyer's own pages ------------------------------------------------------------------

    def portal_url(self, customer: str, return_url: str) -> str:
        sessions = self.client.v1.billing_portal.sessions
        return str(
            self._call(sessions.create, {"customer": customer, "return_url": return_url}).url
        )

    # --- Calls ----------------------------------------------------------------------------------

    def _pages(
        self, function: Callable[..., Any], parameters: Mapping[str, Any]
    ) -> Iterator[list[Mapping[str, Any]]]:
        """Yield the pages of a list, oldest page last."""
        after: dict[str, str] = {}
        while True:
            answer = _plain(self._call(function, {**parameters, **after, "limit": _PAGE}))
            entries = answer.get("data") or []
            yield entries
            if not answer.get("has_more") or not entries:
                return
            after = {"starting_after": entries[-1]["id"]}

    def _call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call Stripe once.

        Raises ``ProviderRefused`` where Stripe says that it did nothing: the request was wrong, or
        not allowed. Everything else (no answer, Stripe's own failure, too many requests) leaves
        open what happened and is raised as the library raises it.
        """
        errors = load_stripe()
        try:
            return function(*arguments)
        except (
            errors.AuthenticationError,
            errors.CardError,
            errors.InvalidRequestError,
            errors.PermissionError,
        ) as error:
            raise ProviderRefused(
                str(error.code or type(error).__name__),
                f"Stripe refused: {error.user_message or error}",
            ) from error


def _understood(entry: Mapping[str, Any]) -> Sequence[PaymentEvent]:
    """Return the facts of an event in a list; none of one that must not hide all others."""
    try:
        return translate(entry)
    except WebhookInvalid:
        logger.exception("Stripe: event %.50r could not be read.", entry.get("id"))
        return []


def _plain(answer: Any) -> dict[str, Any]:
    """Return an object of Stripe's library as the JSON that it was."""
    plain: dict[str, Any] = json.loads(str(answer))
    return plain


def _event_id(body: bytes) -> str:
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    name = event.get("id") if isinstance(event, dict) else None
    if not isinstance(name, str) or not name.isascii() or not name.isprintable():
        return ""
    return name if 0 < len(name) <= 200 else ""
