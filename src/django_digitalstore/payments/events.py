"""What a provider says, in one form for all of them.

A backend's ``normalize`` and ``fetch_checkout`` return these. They are facts about one object of
the provider, not steps: any order, any number of repetitions, ends in the same state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

__all__ = [
    "DisputeReported",
    "PaymentEvent",
    "PaymentReported",
    "RefundReported",
    "event_from_data",
    "event_to_data",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentEvent:
    """A fact that a provider reports about ``payment``, its own id of a payment.

    ``occurred_at`` is aware: the provider's time of this state of the object, or, where it sends
    the latest state with every delivery, the time of the message.
    """

    payment: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentReported(PaymentEvent):
    """The state of a payment.

    ``checkout`` is the provider's id of the session that we created, ``state`` a value of
    ``PaymentState``. ``amount`` is what the buyer was charged in all, in minor units of
    ``currency``; ``tax`` is what of it is tax, ``discount`` what was taken off before.
    ``settlement_amount`` and ``settlement_currency`` are what the seller gets. ``is_converted``
    says that the provider let the buyer pay in a currency of their own. ``customer`` is the
    provider's id of the buyer. ``cart`` is what was sold, as (item reference, quantity);
    None where the provider does not say. ``is_discounted`` says that the provider took off a
    discount of its own and does not name its amount: it follows from what was charged.
    """

    checkout: str
    state: str
    amount: int
    currency: str
    tax: int = 0
    discount: int = 0
    settlement_amount: int | None = None
    settlement_currency: str = ""
    is_converted: bool = False
    is_discounted: bool = False
    customer: str = ""
    cart: tuple[tuple[str, int], ...] | None = None
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundReported(PaymentEvent):
    """The state of a refund; ``state`` is a value of ``RefundState``.

    ``amount`` None means that the provider does not name one. ``is_full`` says that it returns all
    of the payment; ``items`` what it returns by item, as (item reference, amount in minor units).
    ``key`` is that of the ``RefundIntent`` which the provider keeps with the refund; empty for a
    refund that was made in the provider's dashboard.
    """

    refund: str
    state: str
    amount: int | None = None
    currency: str = ""
    is_full: bool = False
    items: tuple[tuple[str, int], ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeReported(PaymentEvent):
    """The state of a dispute; ``state`` is a value of ``DisputeState``."""

    dispute: str
    state: str
    amount: int | None = None
    currency: str = ""


_EVENTS: dict[str, type[PaymentEvent]] = {
    event.__name__: event for event in (PaymentReported, RefundReported, DisputeReported)
}


def event_to_data(event: PaymentEvent) -> dict[str, Any]:
    """Return an event as JSON holds it: the inbox keeps what was not sent, but fetched."""
    values = {name: value for name, value in asdict(event).items() if name != "occurred_at"}
    occurred_at = event.occurred_at.isoformat()
    return {"event": type(event).__name__, "occurred_at": occurred_at, **values}


def event_from_data(data: Mapping[str, Any]) -> PaymentEvent:
    """Return the event that ``event_to_data`` wrote."""
    values = {name: _hashable(value) for name, value in data.items() if name != "event"}
    values["occurred_at"] = datetime.fromisoformat(values["occurred_at"])
    return _EVENTS[data["event"]](**values)


def _hashable(value: Any) -> Any:
    return tuple(_hashable(part) for part in value) if isinstance(value, list) else value
