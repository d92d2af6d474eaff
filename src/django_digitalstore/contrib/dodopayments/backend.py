"""Dodo Payments as a backend: what the suite asks for, in Dodo's words, and back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from django_digitalstore.core.site_url import site_url
from django_digitalstore.payments import standard_webhooks
from django_digitalstore.payments.backends import (
    BasePaymentBackend,
    Checkout,
    CheckoutAttempt,
    Item,
    Message,
    RefundAbility,
    RefundIntent,
    UnsupportedByBackend,
)
from django_digitalstore.payments.events import PaymentEvent, RefundReported
from django_digitalstore.payments.exceptions import (
    WebhookInvalid,
    WebhookNotOurs,
)

from .client import (
    BASE_URLS,
    Answer,
    Failed,
    Refused,
    StrangeAnswer,
    ask,
    ask_for_bytes,
    make_client,
)
from .reading import DodoReader
from .translation import REFUND_KEY, dispute_event, payment_events, refund_event

if TYPE_CHECKING:
    import httpx
    from dodopayments import DodoPayments

__all__ = ["DodoPaymentsBackend"]

logger = logging.getLogger(__name__)

#: How long a checkout can be paid, by Dodo's docs.
_CHECKOUT_LASTS = timedelta(hours=24)
#: Lists can be asked for what was made since a time, not for what changed: so much earlier it may
#: have been made.
_MADE_BEFORE = {
    "payments": timedelta(days=7),
    "refunds": timedelta(days=30),
    "disputes": timedelta(days=180),
}
_PAGE_SIZE = 100
#: More pages than this is a list that never ends.
_MOST_PAGES = 10_000
#: Seconds after which a product is not looked for any longer: a buyer may be waiting.
_LOOK_FOR = 30.0
_ITEM_KEY = "digitalstore_item"
_SITE = "digitalstore_site"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FAMILIES = frozenset({"payment", "refund", "dispute"})


class DodoPaymentsBackend(BasePaymentBackend):
    """Sells through Dodo Payments, the merchant of record.

    OPTIONS:

    - ``ENVIRONMENT``: ``"test_mode"`` or ``"live_mode"``; there is no default.
    - ``API_KEY``: of that environment.
    - ``WEBHOOK_SECRET``: ``"whsec_…"`` of this alias's webhook; a list of them while it rotates.
    - ``BUSINESS_ID``: messages of another business are kept as unmatched; by default not compared.
    - ``TAX_INCLUSIVE``: True (default): the price holds the tax; False: it comes on top.
    - ``TAX_CATEGORY``: of every product; default ``"digital_products"``.
    - ``ALLOW_DISCOUNT_CODES``: False (default): Dodo's page takes no codes.
    - ``ALLOW_CURRENCY_SELECTION``: False (default): the buyer pays in the price's currency; True:
      Dodo offers the buyer's own (adaptive pricing), and the amount cannot be compared any more.
    - ``TIMEOUT``: seconds for one call, default 10.
    - ``BASE_URL``: a peer for tests, on a loopback address; then no real money flows.
    """

    required_options: ClassVar[frozenset[str]] = frozenset({"ENVIRONMENT"})
    known_options: ClassVar[frozenset[str]] = frozenset(
        {
            "ALLOW_CURRENCY_SELECTION",
            "ALLOW_DISCOUNT_CODES",
            "API_KEY",
            "BASE_URL",
            "BUSINESS_ID",
            "TAX_CATEGORY",
            "TAX_INCLUSIVE",
            "TIMEOUT",
            "WEBHOOK_SECRET",
        }
    )
    test_reason = "is in test mode (ENVIRONMENT or BASE_URL)"
    refunds = RefundAbility.ITEMS
    supports_fetch_refunds = True
    supports_fetch_since = True
    keeps_items = True
    #: Dodo takes 240 calls in a minute from one business; a push takes two.
    items_per_second = 1.5
    supports_portal = True
    supports_invoices = True

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self.environment = self._one_of("ENVIRONMENT", "test_mode", str)
        if self.environment not in BASE_URLS:
            raise ImproperlyConfigured(
                f"ENVIRONMENT is {options['ENVIRONMENT']!r}. Write 'test_mode' or 'live_mode': "
                f"each has keys, products and webhooks of its own."
            )
        self.business = self._one_of("BUSINESS_ID", "", str)
        self.tax_category = self._one_of("TAX_CATEGORY", "digital_products", str)
        self.tax_inclusive = self._one_of("TAX_INCLUSIVE", True, bool)
        self.allow_discount_codes = self._one_of("ALLOW_DISCOUNT_CODES", False, bool)
        self.allow_currency_selection = self._one_of("ALLOW_CURRENCY_SELECTION", False, bool)
        self.base_url = self._one_of("BASE_URL", "", str) or BASE_URLS[self.environment]
        if options.get("BASE_URL") and urlsplit(self.base_url).hostname not in _LOOPBACK:
            raise ImproperlyConfigured(
                f"BASE_URL is {self.base_url!r}, which would be sent your API key. Leave it out: "
                f"ENVIRONMENT says where Dodo Payments is. It is for a peer on 127.0.0.1 in tests."
            )
        given = options.get("WEBHOOK_SECRET")
        if not isinstance(given, str | list | tuple | None):
            raise ImproperlyConfigured(
                f"WEBHOOK_SECRET is of type {type(given).__name__}. Write 'whsec_…', or a list of "
                f"them while it rotates."
            )
        self.timeout = self._one_of("TIMEOUT", 10, int | float)
        if not 0 < self.timeout <= 60:
            raise ImproperlyConfigured(
                f"TIMEOUT is {self.timeout!r}. Write seconds, more than 0 and at most 60."
            )

    def _one_of(self, name: str, default: Any, kind: Any) -> Any:
        value = self.options.get(name, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ImproperlyConfigured(
                f"{name} is of type {type(value).__name__}. Write it as in {name!r}: {default!r}."
            )
        return value

    @property
    def is_test(self) -> bool:
        return self.options["ENVIRONMENT"] == "test_mode" or bool(self.options.get("BASE_URL"))

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        given = self.options.get("WEBHOOK_SECRET") or ()
        secrets = [given] if isinstance(given, str) else list(given)
        # A file or a variable often brings a line's end along.
        return tuple(str(secret).strip() for secret in secrets)

    def check(self) -> list[checks.CheckMessage]:
        return [*super().check(), *self._check_key(), *self._check_secrets()]

    def _check_key(self) -> Iterator[checks.CheckMessage]:
        key = self.options.get("API_KEY")
        if not isinstance(key, str) or not key.strip():
            yield checks.Error(
                f"DIGITALSTORE_PAYMENTS[{self.alias!r}] has no API_KEY: no checkout can be opened.",
                hint=(
                    f"Make one in Dodo's dashboard, under Developer → API Keys, in "
                    f"{self.environment}, and write 'API_KEY': os.environ['DODO_API_KEY']."
                ),
                id="digitalstore.E501",
            )

    def _check_secrets(self) -> Iterator[checks.CheckMessage]:
        where = f"DIGITALSTORE_PAYMENTS[{self.alias!r}]"
        if not self.webhook_secrets:
            yield checks.Error(
                f"{where} has no WEBHOOK_SECRET: every webhook is answered 503, and nobody who "
                f"pays gets access.",
                hint=(
                    f"Add the webhook <site>/…/payments/{self.alias}/webhook/ in Dodo's dashboard, "
                    f"and write 'WEBHOOK_SECRET': os.environ['DODO_WEBHOOK_SECRET']."
                ),
                id="digitalstore.E502",
            )
        for secret in self.webhook_secrets:
            try:
                standard_webhooks.decode_secret(secret)
            except ImproperlyConfigured as error:
                yield checks.Error(f"{where}: {error}", id="digitalstore.E503")

    # --- The client -----------------------------------------------------------------------------

    def get_transport(self) -> httpx.BaseTransport | None:
        """Return what carries the requests; None for the network. Hook for tests and proxies."""
        return None

    @cached_property
    def client(self) -> DodoPayments:
        """The SDK's client, made with the first call. Raises ``ImproperlyConfigured``."""
        key = self.options.get("API_KEY")
        if not isinstance(key, str) or not key.strip():
            raise ImproperlyConfigured(
                f"DIGITALSTORE_PAYMENTS[{self.alias!r}] has no API_KEY. Write one into its OPTIONS."
            )
        return make_client(
            api_key=key.strip(),
            base_url=self.base_url,
            timeout=self.timeout,
            transport=self.get_transport(),
        )

    # --- Checkout -------------------------------------------------------------------------------

    def create_checkout(self, attempt: CheckoutAttempt) -> Checkout:
        expires_at = datetime.now(UTC) + _CHECKOUT_LASTS
        wanted: dict[str, Any] = {
            "product_cart": [
                {"product_id": line.item, "quantity": line.quantity} for line in attempt.lines
            ],
            "return_url": attempt.return_url,
            "cancel_url": attempt.cancel_url,
            # Texts only: Dodo gives numbers back as something else.
            "metadata": {
                "digitalstore_order": attempt.order,
                "digitalstore_attempt": attempt.key,
            },
            "feature_flags": {
                "allow_discount_code": self.allow_discount_codes,
                "allow_currency_selection": self.allow_currency_selection,
                "allow_customer_editing_email": False,
                # By default Dodo finds a customer by e-mail, which anybody may type: the buyer
                # would come into somebody else's portal.
                "always_create_new_customer": not attempt.customer,
            },
        }
        if attempt.customer:
            wanted["customer"] = {"customer_id": attempt.customer}
        else:
            wanted["customer"] = {"email": attempt.email}
        if attempt.country:
            wanted["billing_address"] = {"country": attempt.country}
        if not self.allow_currency_selection:
            wanted["billing_currency"] = attempt.currency
        answer = ask(self.client.checkout_sessions.with_raw_response.create, **wanted)
        reference = self._required_text(answer, "session_id")
        return Checkout(
            reference=reference,
            url=self._page(answer, "checkout_url"),
            expires_at=expires_at,
        )

    def fetch_checkout(self, reference: str) -> Sequence[PaymentEvent]:
        session = ask(self.client.checkout_sessions.with_raw_response.retrieve, reference)
        payment = session.data.get("payment_id")
        if not isinstance(payment, str) or not payment:
            return []
        return self._payment(self.client, payment, checkout=reference)

    def _payment(
        self, client: DodoPayments, payment: str, *, checkout: str = ""
    ) -> list[PaymentEvent]:
        answer = ask(client.payments.with_raw_response.retrieve, payment)

        def translate() -> list[PaymentEvent]:
            read = DodoReader(answer.data, "payment")
            events = payment_events(
                read, answer.at, any_currency=self.allow_currency_selection, checkout=checkout
            )
            # Of the payment itself its own time is known; of what belongs to it, that it is so now.
            changed = read.when("updated_at") or read.when("created_at") or answer.at
            return [replace(events[0], occurred_at=min(changed, answer.at)), *events[1:]]

        return _understood(translate)

    def fetch_since(self, since: datetime) -> Iterator[Sequence[PaymentEvent]]:
        # Nobody waits for it, so it may obey Dodo's "slow down".
        client = self.client.with_options(max_retries=3)
        since = since.astimezone(UTC)
        fetches: dict[str, tuple[str, Callable[[DodoPayments, str], list[PaymentEvent]]]] = {
            "payments": ("payment_id", self._payment),
            "refunds": ("refund_id", lambda *asked: [self._refund(*asked)]),
            "disputes": ("dispute_id", lambda *asked: [self._dispute(*asked)]),
        }
        for name, (key, fetch) in fetches.items():
            listed = getattr(client, name).with_raw_response.list
            for page in _pages(listed, key, created_at_gte=since - _MADE_BEFORE[name]):
                for reference, entry in page.items():
                    if entry.get("checkout_session_id", "unknown") is None:
                        continue  # paid by a link of Dodo's own: nothing of ours
                    try:
                        yield fetch(client, reference)
                    except (StrangeAnswer, Refused):
                        # One that nobody understands, or that is gone, must not hide all others.
                        logger.exception("Dodo Payments: %s could not be read.", reference)

    # --- Webhooks -------------------------------------------------------------------------------

    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        verified = standard_webhooks.verify(self.webhook_secrets, headers, body)
        return Message(
            id=verified.message_id,
            sent_at=datetime.fromtimestamp(verified.timestamp, UTC),
            body=body,
        )

    def normalize(self, message: Message) -> Sequence[PaymentEvent]:
        read = DodoReader(message.data)
        self._refuse_others(read)
        kind = read.word("type")
        if not kind:
            raise WebhookInvalid("type", "must be a word such as 'payment.succeeded'.")
        family = kind.partition(".")[0]
        if family not in _FAMILIES:
            return []
        data = read.object("data")
        at = read.when("timestamp") or message.sent_at
        if family == "payment":
            return payment_events(data, at, any_currency=self.allow_currency_selection)
        return [refund_event(data, at) if family == "refund" else dispute_event(data, at)]

    def _refuse_others(self, read: DodoReader) -> None:
        if not self.business:
            return
        data = read.data.get("data")
        inner = data.get("business_id") if isinstance(data, Mapping) else None
        for said in (read.data.get("business_id"), inner):
            if said is not None and said != self.business:
                raise WebhookNotOurs(
                    f"The message is of business {str(said)[:100]!r}, and BUSINESS_ID of "
                    f"{self.alias!r} is {self.business!r}."
                )

    # --- Products -------------------------------------------------------------------------------

    def describe_item(self, item: Item) -> Mapping[str, Any]:
        return {
            "name": item.name[:100],
            "description": item.description[:1000],
            "tax_category": self.tax_category,
            "price": {
                "type": "one_time_price",
                "currency": item.currency,
                "price": item.amount,
                "tax_inclusive": self.tax_inclusive,
                "pay_what_you_want": False,
                # Named because they are the two by which Dodo itself would sell for less.
                "discount": 0,
                "purchasing_power_parity": False,
            },
            # Several sites may share one business.
            "metadata": {_ITEM_KEY: item.key, _SITE: site_url()},
        }

    def ensure_item(self, item: Item, reference: str = "") -> str:
        products = self.client.products.with_raw_response
        described = self.describe_item(item)
        if reference:
            try:
                ask(products.update, reference, **described)
                self._unarchive(reference)
                return reference
            except Refused as error:
                if not error.is_gone:
                    raise
            if self._unarchive(reference):
                ask(products.update, reference, **described)
                return reference
        return self._required_text(ask(products.create, **described), "product_id")

    def _unarchive(self, reference: str) -> bool:
        """Put a product on sale again, and tell whether Dodo says so.

        Whether it was off sale, nothing tells, and Dodo may refuse for one that is on sale.
        """
        try:
            ask(self.client.products.with_raw_response.unarchive, reference)
        except (Refused, Failed):
            return False
        return True

    def find_item(self, item: Item) -> str:
        products = self.client.products.with_raw_response
        give_up_at = monotonic() + _LOOK_FOR
        for archived in (False, True):
            for page in _pages(products.list, "product_id", archived=archived):
                if monotonic() > give_up_at:
                    raise Failed("Dodo Payments took too long to list its products.")
                for reference, entry in page.items():
                    told = entry.get("metadata")
                    if isinstance(told, Mapping) and (
                        told.get(_ITEM_KEY) == item.key and told.get(_SITE) == site_url()
                    ):
                        return reference
        return ""

    def archive_item(self, reference: str) -> None:
        try:
            ask(self.client.products.with_raw_response.archive, reference)
        except Refused as error:
            if not error.is_gone:
                raise

    # --- Refunds --------------------------------------------------------------------------------

    def refund(self, intent: RefundIntent) -> Sequence[PaymentEvent]:
        wanted: dict[str, Any] = {
            "payment_id": intent.payment,
            "metadata": {REFUND_KEY: intent.key},
        }
        if intent.reason:
            wanted["reason"] = intent.reason[:3000]
        if intent.items:
            wanted["items"] = [
                {"item_id": item, "amount": amount, "tax_inclusive": True}
                for item, amount in intent.items
            ]
            # Without it the amounts are taken for ones of the currency that the seller is paid in.
            wanted["currency"] = intent.currency
        elif intent.amount is not None:
            raise UnsupportedByBackend(
                "Dodo Payments refunds all of a payment, or named items – name the lines that are "
                "refunded, each with its amount."
            )
        answer = ask(self.client.refunds.with_raw_response.create, **wanted)
        reported = _understood(lambda: refund_event(DodoReader(answer.data, "refund"), answer.at))
        return [replace(reported, key=intent.key, items=intent.items)]

    def fetch_refunds(self, payment: str) -> Sequence[RefundReported]:
        answer = ask(self.client.payments.with_raw_response.retrieve, payment)
        read = DodoReader(answer.data, "payment")
        references = _understood(
            lambda: [entry.text("refund_id") for entry in read.objects("refunds")]
        )
        # Within a payment they come without the metadata that holds our key.
        return [self._refund(self.client, reference) for reference in references]

    def _refund(self, client: DodoPayments, reference: str) -> RefundReported:
        answer = ask(client.refunds.with_raw_response.retrieve, reference)
        return _understood(lambda: refund_event(DodoReader(answer.data, "refund"), answer.at))

    def _dispute(self, client: DodoPayments, reference: str) -> PaymentEvent:
        answer = ask(client.disputes.with_raw_response.retrieve, reference)
        return _understood(lambda: dispute_event(DodoReader(answer.data, "dispute"), answer.at))

    # --- The buyer's own pages ------------------------------------------------------------------

    def portal_url(self, customer: str, return_url: str) -> str:
        answer = ask(
            self.client.customers.customer_portal.with_raw_response.create,
            customer,
            return_url=return_url,
            send_email=False,
        )
        return self._page(answer, "link")

    def fetch_invoice(self, payment: str) -> bytes:
        invoice = ask_for_bytes(self.client.invoices.payments.retrieve, payment)
        if not invoice.startswith(b"%PDF-"):
            raise StrangeAnswer("Dodo Payments answered with an invoice that is no PDF.")
        return invoice

    # --- Answers --------------------------------------------------------------------------------

    def _required_text(self, answer: Answer, name: str) -> str:
        return _understood(lambda: DodoReader(answer.data).text(name))

    def _page(self, answer: Answer, name: str) -> str:
        """Return the address of a page of Dodo's: HTTPS, or the peer's own."""
        url = answer.data.get(name)
        parts = urlsplit(url) if isinstance(url, str) else None
        is_test_peer = bool(self.options.get("BASE_URL"))
        if parts is None or not parts.hostname or (parts.scheme != "https" and not is_test_peer):
            raise StrangeAnswer(f"Dodo Payments answered without a {name} that is a page.")
        return str(url)


def _understood(translate: Callable[[], Any]) -> Any:
    """Return what ``translate`` makes of an answer; an answer that is wrong is none."""
    try:
        return translate()
    except WebhookInvalid as error:
        raise StrangeAnswer(f"Dodo Payments answered strangely: {error}") from None


def _entries(read: DodoReader, key: str) -> dict[str, Mapping[str, Any]]:
    return {entry.text(key): entry.data for entry in read.objects("items")}


def _pages(
    list_page: Callable[..., Any], key: str, **filters: Any
) -> Iterator[dict[str, Mapping[str, Any]]]:
    """Yield the pages of a list, as entries by their id, until one holds nothing new.

    By hand: the SDK's own iteration never asks for page 1. Ids seen are remembered, because the
    list grows while it is read, and because of a server that would count its pages from 1.
    """
    seen: set[str] = set()
    for number in range(_MOST_PAGES):
        answer = ask(list_page, page_number=number, page_size=_PAGE_SIZE, **filters)
        entries = _understood(partial(_entries, DodoReader(answer.data), key))
        new = {reference: entry for reference, entry in entries.items() if reference not in seen}
        if not entries or (not new and number > 1):
            return
        if new:
            yield new
        seen |= new.keys()
    raise StrangeAnswer("Dodo Payments answered with a list that does not end.")
