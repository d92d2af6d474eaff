"""The rules of the figures: what an order's facts are on which day. Pure, no database.

- A sale counts on the day on which the order was paid: what each payment that pays it charged,
  without tax, spread over the lines by their prices.
- A refund that succeeded counts on its own day, and takes from the lines that it names, or from
  all of them by what is left of each. A dispute that was lost takes all that is left, on its day.
- All of it in the currency of the order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from django_digitalstore.payments.facts import items_of, line_shares

from .days import day_of

__all__ = [
    "LineRow",
    "OrderBook",
    "OrderRow",
    "PaymentRow",
    "ReturnRow",
    "revenue_of",
]


class OrderRow(NamedTuple):
    """What the figures need to know of an order."""

    pk: Any
    country: str
    currency: str
    total: int
    tax: int
    placed_at: datetime
    paid_at: datetime | None


class LineRow(NamedTuple):
    """A line of an order: of which product and seller, and what it cost."""

    product: str
    seller: str
    quantity: int
    total: int


class PaymentRow(NamedTuple):
    """A payment that pays its order."""

    pk: Any
    order: Any
    cart: list[Any]
    amount: int
    tax: int
    currency: str
    settlement_amount: int | None
    settlement_currency: str


class ReturnRow(NamedTuple):
    """A refund that succeeded or, with ``is_full``, a dispute that was lost too."""

    payment: Any
    at: datetime
    amount: int | None
    currency: str
    is_full: bool
    items: list[Any]


@dataclass(slots=True)
class OrderBook:
    """An order with all that the figures read of it."""

    order: OrderRow
    lines: list[LineRow] = field(default_factory=list)
    payments: list[PaymentRow] = field(default_factory=list)
    #: Of all its payments, in the order of time.
    returns: list[ReturnRow] = field(default_factory=list)

    def sales(self) -> list[int]:
        """Return for each line what it brought, in minor units of the order's currency."""
        sold = [0] * len(self.lines)
        for payment in self.payments:
            for number, share in enumerate(self._revenue_by_line(payment)):
                sold[number] += share
        return sold

    def refunds(self) -> Iterator[tuple[date, list[int]]]:
        """Yield what went back of each line, in minor units of the order's currency, and when."""
        by_payment: dict[Any, list[ReturnRow]] = {}
        for row in self.returns:
            by_payment.setdefault(row.payment, []).append(row)
        for payment in self.payments:
            rows = by_payment.get(payment.pk)
            if rows:
                yield from self._refunds_of(payment, rows)

    def _revenue_by_line(self, payment: PaymentRow) -> list[int]:
        return line_shares(self._weights(), revenue_of(self.order, payment))

    def _refunds_of(
        self, payment: PaymentRow, rows: Sequence[ReturnRow]
    ) -> Iterator[tuple[date, list[int]]]:
        revenue = self._revenue_by_line(payment)
        charged = line_shares(self._weights(), payment.amount)
        items = items_of(payment, self.lines)
        returned, told = [0] * len(charged), [0] * len(charged)
        for row in rows:
            left = [all_of - gone for all_of, gone in zip(charged, returned, strict=True)]
            for number, amount in enumerate(_returned(row, payment, left, items)):
                returned[number] += amount
            # Of the sum so far, so that nothing is lost to rounding: all of it is all of it.
            until = [
                share * gone // all_of if all_of else 0
                for share, gone, all_of in zip(revenue, returned, charged, strict=True)
            ]
            yield day_of(row.at), [now - before for now, before in zip(until, told, strict=True)]
            told = until

    def _weights(self) -> list[int]:
        return [line.total for line in self.lines]


def revenue_of(order: OrderRow, payment: PaymentRow) -> int:
    """Return what a payment brought without tax, in minor units of the order's currency.

    What was charged in another currency counts as what it was settled for, where the provider
    settles in the order's currency; otherwise as the price that was asked.
    """
    if payment.currency == order.currency:
        return max(payment.amount - payment.tax, 0)
    if not payment.amount:
        return 0
    if payment.settlement_amount is not None and payment.settlement_currency == order.currency:
        untaxed = max(payment.amount - payment.tax, 0)
        return payment.settlement_amount * untaxed // payment.amount
    return max(order.total - order.tax, 0)


def _returned(
    row: ReturnRow, payment: PaymentRow, left: Sequence[int], items: Sequence[str]
) -> list[int]:
    """Return what of ``left`` goes back, of each line, in minor units as the payment has."""
    if row.is_full:
        return list(left)
    parts = [0] * len(left)
    # An amount in another currency says nothing about this payment's.
    if row.currency not in ("", payment.currency):
        return parts
    # Lines of one product have one reference: the first has what is said of it, then the next.
    named: dict[str, int] = {}
    for item, amount in row.items:
        named[str(item)] = named.get(str(item), 0) + int(amount)
    is_named = [bool(item) and item in named for item in items]
    for number, item in enumerate(items):
        if is_named[number]:
            parts[number] = min(left[number], named[item])
            named[item] -= parts[number]
    if row.amount is None:
        return parts
    amount = min(row.amount, sum(left))
    if sum(parts) > amount:
        return line_shares(parts, amount)
    # What is more than the items say, as tax may be, goes to them before it goes to others.
    for chosen in (is_named, [True] * len(left)):
        open_ = [
            has - gone if is_chosen else 0
            for has, gone, is_chosen in zip(left, parts, chosen, strict=True)
        ]
        more = line_shares(open_, min(amount - sum(parts), sum(open_)))
        parts = [part + other for part, other in zip(parts, more, strict=True)]
    return parts
