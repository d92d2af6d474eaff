"""The interface of a payment provider, and the plain data that crosses it.

Everything that a backend is given is frozen data, everything it returns is too: it sees no models,
so it cannot write. Each method that talks to the provider is called outside any transaction.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from django.conf import settings

from django_digitalstore.core.backends import BaseBackend
from django_digitalstore.core.exceptions import DigitalStoreError, InvalidBackend
from django_digitalstore.payments.events import PaymentEvent, RefundReported

__all__ = [
    "BasePaymentBackend",
    "Checkout",
    "CheckoutAttempt",
    "CheckoutLine",
    "Item",
    "Message",
    "RefundAbility",
    "RefundIntent",
    "UnsupportedByBackend",
]


class UnsupportedByBackend(DigitalStoreError):
    """The provider cannot do what was asked; ``supports_…`` flags say so beforehand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something that is sold: ``amount`` in minor units of ``currency``; ``product`` is its key."""

    kind: str
    product: str
    name: str
    amount: int
    currency: str
    description: str = ""

    @property
    def key(self) -> str:
        """Return our name of it, which never changes: providers keep it in their metadata."""
        return f"{self.kind}:{self.product}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutLine:
    """A line of a checkout: ``item`` is what ``ensure_item`` returned for it."""

    item: str
    name: str
    unit_price: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutAttempt:
    """An attempt to pay. ``key`` is ours, fresh for each attempt: use it as idempotency key.

    ``amount`` is what the buyer owes, in minor units of ``currency``. ``customer`` is the
    provider's id of the buyer, empty for a new one. The two URLs are absolute.
    """

    key: str
    order: str
    amount: int
    currency: str
    email: str
    country: str
    customer: str = ""
    lines: tuple[CheckoutLine, ...]
    return_url: str
    cancel_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout at the provider: its id there, where to send the buyer, and until when.

    ``url`` is absolute; a provider that stands on the site itself gives a path.
    """

    reference: str
    url: str
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """An authentic webhook message. ``sent_at`` is the signed time of this delivery."""

    id: str
    sent_at: datetime
    body: bytes
    #: The parsed body, an object; filled by the inbox before ``normalize``.
    data: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """Return the SHA-256 of the body, in hex."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundIntent:
    """A refund that is to be made, of the payment with the provider's id ``payment``.

    ``amount`` None is all that is left of it, otherwise minor units of ``currency``, in which the
    buyer paid; ``items`` are (item reference, amount) and add up to ``amount``. ``key`` is ours and
    stays the same however often it is asked: send it as idempotency key where the provider knows
    one, keep it in the refund's metadata, and return it as ``RefundReported.key``.
    """

    key: str
    payment: str
    amount: int | None
    currency: str
    reason: str
    items: tuple[tuple[str, int], ...] = ()


class RefundAbility(StrEnum):
    """What a provider can refund of a payment."""

    NONE = "none"
    #: All that is left, and nothing less.
    FULL = "full"
    #: All, or named items with an amount each.
    ITEMS = "items"
    #: All, or any amount. Items are refunded as an amount; which ones we remember ourselves.
    AMOUNT = "amount"


class BasePaymentBackend(BaseBackend):
    """A payment provider. Subclass it, and name the subclass in ``DIGITALSTORE_PAYMENTS``."""

    #: What ``refund`` can do.
    refunds: ClassVar[RefundAbility] = RefundAbility.NONE
    #: True where ``fetch_refunds`` tells all refunds of a payment.
    supports_fetch_refunds: ClassVar[bool] = False
    #: True where ``fetch_since`` lists what happened.
    supports_fetch_since: ClassVar[bool] = False
    #: True for a provider that keeps products of its own: prices are pushed by ``ensure_item``.
    keeps_items: ClassVar[bool] = False
    #: Calls about products that the provider takes in a second; None: as many as one likes.
    items_per_second: float | None = None
    supports_portal: ClassVar[bool] = False
    supports_invoices: ClassVar[bool] = False

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        if self.is_test and not settings.DIGITALSTORE_TEST_MODE:
            raise InvalidBackend(
                f"{type(self).__name__} {self.test_reason}, and DIGITALSTORE_TEST_MODE is off. "
                f"Name your provider's backend with its live keys, or write "
                f"DIGITALSTORE_TEST_MODE = DEBUG in the settings file while you develop."
            )

    #: Why ``is_test`` is true, as the middle of a sentence.
    test_reason: ClassVar[str] = "takes no real money"

    @property
    def is_test(self) -> bool:
        """Tell whether no real money flows; refused outside ``DIGITALSTORE_TEST_MODE``. Pure.

        Asked by ``__init__`` once ``options`` are there.
        """
        return False

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """Return the secrets that verify webhooks; a check names two aliases that share one."""
        return ()

    @abstractmethod
    def create_checkout(self, attempt: CheckoutAttempt) -> Checkout:
        """Open a checkout at the provider. Network; outside any transaction.

        May raise anything: the attempt stays, the buyer is told to try again.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement create_checkout(attempt).")

    @abstractmethod
    def fetch_checkout(self, reference: str) -> Sequence[PaymentEvent]:
        """Ask the provider what became of a checkout. Network; outside any transaction.

        Returns the facts that its webhooks would tell; empty where nothing happened yet.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement fetch_checkout(reference)."
        )

    @abstractmethod
    def verify(self, body: bytes, headers: Mapping[str, str]) -> Message:
        """Prove that a webhook comes from the provider. Pure: no I/O, no parsing of the body.

        Raises ``WebhookNotVerified`` and nothing else for whatever the headers and body hold.
        Raises ``ImproperlyConfigured`` where no secret is configured (answered with 503).
        """
        raise NotImplementedError(f"{type(self).__name__} must implement verify(body, headers).")

    @abstractmethod
    def normalize(self, message: Message) -> Sequence[PaymentEvent]:
        """Translate an authentic message; empty for a type that we don't act on. Pure: no I/O.

        Raises ``WebhookInvalid`` with the path of a required field that is wrong, and
        ``WebhookNotOurs`` for a message of another account or environment.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement normalize(message).")

    def fetch_since(self, since: datetime) -> Iterator[Sequence[PaymentEvent]]:
        """List all that happened since ``since``, page by page. Network; outside any transaction.

        Only where ``supports_fetch_since``. Holds the facts that webhooks would tell, of refunds
        and disputes of older payments too.
        """
        raise UnsupportedByBackend(f"{type(self).__name__} cannot list what happened.")

    # --- Products at the provider ---------------------------------------------------------------

    def describe_item(self, item: Item) -> Mapping[str, Any]:
        """Return what the provider is told of ``item``, as JSON; its hash shows drift. Pure.

        Only where ``keeps_items``. Name options that change the product there, too.
        """
        raise UnsupportedByBackend(f"{type(self).__name__} keeps no products.")

    def ensure_item(self, item: Item, reference: str = "") -> str:
        """Make the provider's product what ``item`` says and return its reference.

        ``reference`` is the one that it has, archived perhaps: put it on sale again; empty, or one
        that the provider doesn't know, to make a new one. Where ``keeps_items``: network; outside
        any transaction; called only when something differs; may raise anything. Give up before
        ``DIGITALSTORE_CHECKOUT_OPENING_AGE`` has passed: others take over then.
        The default suits providers that take inline prices: a name of ours that never changes.
        """
        return item.key

    def find_item(self, item: Item) -> str:
        """Return the reference of a product that an ``ensure_item`` made whose answer was lost.

        Look for ``item.key``: the rest may have changed since, and is empty for a product that
        was deleted here. Empty where there is none. Where ``keeps_items``: network; outside any
        transaction.
        """
        return ""

    def archive_item(self, reference: str) -> None:
        """Take a product off sale at the provider. Network; outside any transaction. Idempotent."""

    # --- Refunds --------------------------------------------------------------------------------

    def refund(self, intent: RefundIntent) -> Sequence[PaymentEvent]:
        """Ask the provider for a refund, once: never retry here. Network; outside any transaction.

        Returns what the provider answers, ``RefundReported`` with ``key``. Raises
        ``ProviderRefused`` where it is certain that nothing was done, ``UnsupportedByBackend``
        beyond what ``refunds`` says; any other error leaves open what happened.
        """
        raise UnsupportedByBackend(
            f"{type(self).__name__} cannot refund. Refund in the provider's dashboard: its webhook "
            f"brings the fact back."
        )

    def fetch_refunds(self, payment: str) -> Sequence[RefundReported]:
        """Return all refunds of a payment that the provider knows, pending and failed ones too.

        Network; outside any transaction. Only where ``supports_fetch_refunds``.
        """
        raise UnsupportedByBackend(f"{type(self).__name__} cannot tell the refunds of a payment.")

    # --- The buyer's own pages ------------------------------------------------------------------

    def portal_url(self, customer: str, return_url: str) -> str:
        """Return the address of the provider's page for ``customer``. Network; no transaction.

        Only where ``supports_portal``. The address is a secret of that buyer's.
        """
        raise UnsupportedByBackend(f"{type(self).__name__} has no customer portal.")

    def fetch_invoice(self, payment: str) -> bytes:
        """Return the invoice of a payment, a PDF. Network; outside any transaction.

        Only where ``supports_invoices``.
        """
        raise UnsupportedByBackend(f"{type(self).__name__} has no invoices.")
