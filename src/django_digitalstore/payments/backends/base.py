"""The interface of a payment provider, and the plain data that crosses it.

Everything that a backend is given is frozen data, everything it returns is too: it sees no models,
so it cannot write. Each method that talks to the provider is called outside any transaction.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings

from django_digitalstore.core.backends import BaseBackend
from django_digitalstore.core.exceptions import DigitalStoreError, InvalidBackend
from django_digitalstore.payments.events import PaymentEvent

__all__ = [
    "BasePaymentBackend",
    "Checkout",
    "CheckoutAttempt",
    "CheckoutLine",
    "Item",
    "Message",
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

    ``amount`` is what the buyer owes, in minor units of ``currency``. The two URLs are absolute.
    """

    key: str
    order: str
    amount: int
    currency: str
    email: str
    country: str
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
    """A refund that is to be made: ``amount`` None is all of it; ``items`` are (item, amount)."""

    key: str
    payment: str
    amount: int | None
    currency: str
    reason: str
    items: tuple[tuple[str, int], ...] = ()


class BasePaymentBackend(BaseBackend):
    """A payment provider. Subclass it, and name the subclass in ``DIGITALSTORE_PAYMENTS``."""

    #: True where the provider charges exactly what we ask; a payment that differs never fulfils.
    #: False where it adds tax, discounts or other currencies; then session and cart are the proof.
    charges_exact_amount: ClassVar[bool] = True
    #: True for a provider that must never be used outside ``DIGITALSTORE_TEST_MODE``.
    test_mode_only: ClassVar[bool] = False
    supports_refund: ClassVar[bool] = False
    supports_partial_refund: ClassVar[bool] = False

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        if self.test_mode_only and not settings.DIGITALSTORE_TEST_MODE:
            raise InvalidBackend(
                f"{type(self).__name__} gives products away, and DIGITALSTORE_TEST_MODE is off. "
                f"Name your provider's backend, or write DIGITALSTORE_TEST_MODE = DEBUG in the "
                f"settings file while you develop."
            )

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

        Raises ``WebhookInvalid`` with the path of a required field that is wrong.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement normalize(message).")

    def ensure_item(self, item: Item) -> str:
        """Return the provider's reference of ``item``, after syncing it where that is needed.

        Network allowed; outside any transaction. The default suits providers that take inline
        prices: a name of ours that never changes.
        """
        return f"{item.kind}:{item.product}"

    def refund(self, intent: RefundIntent) -> Sequence[PaymentEvent]:
        """Ask the provider for a refund. Network; outside any transaction.

        Raises ``UnsupportedByBackend`` unless ``supports_refund``.
        """
        raise UnsupportedByBackend(
            f"{type(self).__name__} cannot refund. Refund in the provider's dashboard: its webhook "
            f"brings the fact back."
        )
