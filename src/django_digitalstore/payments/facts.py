"""The rules of money: facts are merged, states are derived. Pure functions, no database.

Merging is a join of registers, so it is idempotent and takes facts in any order. Deriving looks at
all facts of an order together. Where two facts cannot be ordered, the one against access wins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .choices import (
    Discrepancy,
    DisputeState,
    LossCause,
    OrderStatus,
    PaymentState,
    RefundState,
)
from .events import PaymentReported

__all__ = [
    "OrderFacts",
    "PaymentFacts",
    "dispute_version",
    "find_discount",
    "find_discrepancy",
    "items_of",
    "line_shares",
    "payment_version",
    "prices_in",
    "refund_version",
]

_PAYMENT_RANK = {state: rank for rank, state in enumerate(PaymentState.values)}
_REFUND_TIE = {state: rank for rank, state in enumerate(RefundState.values)}
_DISPUTE_TIE = {state: rank for rank, state in enumerate(DisputeState.values)}

_UNPAID_STATUS = {
    PaymentState.EXPIRED: OrderStatus.EXPIRED,
    PaymentState.CANCELLED: OrderStatus.CANCELLED,
    PaymentState.FAILED: OrderStatus.FAILED,
}
_DISPUTE_OPEN = {DisputeState.OPENED, DisputeState.CHALLENGED}
_DISPUTE_LOST = {DisputeState.LOST, DisputeState.ACCEPTED}


def payment_version(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what reports of one payment are compared by: its columns, the weightiest first.

    A late failure undoes no success, and a success of another amount undoes none that matched.
    """
    at, settlement = values["state_at"], values["settlement_amount"]
    return (
        _PAYMENT_RANK[PaymentState(values["state"])],
        not values["discrepancy"],
        at is not None,
        at or 0,
        values["amount"],
        values["currency"],
        values["tax"],
        values["discount"],
        -1 if settlement is None else settlement,
        values["settlement_currency"],
        values["provider_customer"],
        values["failure"],
    )


def find_discrepancy(report: PaymentReported, *, total: int, currency: str) -> str:
    """Return how a payment differs from an order's total for no reason that the provider gives.

    Its tax may be added or be part of the price, its discount comes off, and its conversion makes
    amounts incomparable. A discount without an amount explains any lower sum. Whatever else
    differs is a ``Discrepancy``; empty where nothing does.
    """
    if report.currency != currency:
        return "" if report.is_converted else Discrepancy.CURRENCY
    reduced = total - report.discount
    if report.amount in (reduced, reduced + report.tax):
        return ""
    if report.is_discounted and report.amount < total + report.tax:
        return ""
    return Discrepancy.AMOUNT


def find_discount(report: PaymentReported, *, total: int, currency: str) -> int:
    """Return what was taken off an order's total, in minor units; 0 where nobody can tell.

    Where the provider names no amount, it is what is missing; tax counts as part of the price,
    unless more was charged than the price.
    """
    if report.discount or not report.is_discounted or report.currency != currency:
        return report.discount
    return max(0, total - report.amount)


def refund_version(
    state: str, at: datetime, amount: int | None, currency: str, is_full: bool, items: Sequence[Any]
) -> tuple[Any, ...]:
    """Return what two reports of one refund are compared by: the later one wins."""
    return (
        at,
        _REFUND_TIE[RefundState(state)],
        is_full,
        -1 if amount is None else amount,
        currency,
        [list(item) for item in items],
    )


def dispute_version(state: str, at: datetime, amount: int | None, currency: str) -> tuple[Any, ...]:
    """Return what two reports of one dispute are compared by: the later one wins."""
    return (at, _DISPUTE_TIE[DisputeState(state)], -1 if amount is None else amount, currency)


def line_shares(totals: Sequence[int], amount: int) -> list[int]:
    """Return what each line has of a payment of ``amount``: by its total, and in sum ``amount``.

    So tax, discount and conversion are spread over the lines by their prices.
    """
    whole = sum(totals)
    if not whole:
        return [0 for _ in totals]
    shares, before, reached = [], 0, 0
    for total in totals:
        reached += total
        until = amount * reached // whole
        shares.append(until - before)
        before = until
    return shares


@dataclass(slots=True)
class PaymentFacts:
    """A payment with the refunds and disputes that are known of it."""

    payment: Any
    refunds: list[Any] = field(default_factory=list)
    disputes: list[Any] = field(default_factory=list)

    @property
    def counts(self) -> bool:
        """Tell whether it is a success that pays the order: what was asked was paid."""
        return self.payment.state == PaymentState.SUCCEEDED and not self.payment.discrepancy

    @property
    def is_over(self) -> bool:
        """Tell whether it ended without paying; money that did not count may have gone back."""
        if self.payment.state == PaymentState.SUCCEEDED:
            return bool(self.payment.discrepancy) and self.is_fully_returned
        return self.payment.state in _UNPAID_STATUS

    @property
    def as_of(self) -> datetime:
        """Return since when its state is as it is."""
        at: datetime = self.payment.state_at or self.payment.created_at
        return at

    @property
    def returned(self) -> int:
        """Return what went back, in minor units, as far as the provider named amounts."""
        return self._amount_in(RefundState.SUCCEEDED)

    @property
    def rest(self) -> int:
        """Return what is held and not on its way back, in minor units: what can be refunded."""
        if self.payment.state != PaymentState.SUCCEEDED or self.is_fully_returned:
            return 0
        if any(r.is_full for r in self.refunds if r.state == RefundState.PENDING):
            return 0
        gone = self._amount_in(RefundState.SUCCEEDED, RefundState.PENDING)
        return int(max(self.payment.amount - gone, 0))

    def _amount_in(self, *states: RefundState) -> int:
        # An amount in another currency says nothing about this payment's.
        return sum(
            refund.amount or 0
            for refund in self.refunds
            if refund.state in states and refund.currency in ("", self.payment.currency)
        )

    @property
    def is_fully_returned(self) -> bool:
        """Tell whether all of it went back. A lost dispute takes all, whatever its amount."""
        if any(d.state in _DISPUTE_LOST for d in self.disputes):
            return True
        succeeded = [r for r in self.refunds if r.state == RefundState.SUCCEEDED]
        if any(r.is_full for r in succeeded):
            return True
        return bool(succeeded) and 0 < self.payment.amount <= self.returned

    @property
    def is_partly_returned(self) -> bool:
        """Tell whether some of it went back."""
        return any(r.state == RefundState.SUCCEEDED for r in self.refunds)

    @property
    def is_disputed(self) -> bool:
        """Tell whether a dispute is open."""
        return any(d.state in _DISPUTE_OPEN for d in self.disputes)

    def returned_of_item(self, item: str, *, with_pending: bool = False) -> int:
        """Return what refunds by item gave back for ``item``, in minor units."""
        states = {RefundState.SUCCEEDED, *([RefundState.PENDING] if with_pending else [])}
        return sum(
            amount
            for refund in self.refunds
            if refund.state in states
            for reference, amount in refund.items
            if reference == item
        )

    def supports(self, item: str, price: int, *, dispute_suspends: bool) -> tuple[bool, str]:
        """Tell whether this payment is a basis for a line, and if not, why: a ``LossCause``.

        ``price`` is what must go back for ``item`` to end it: see ``prices_in``.
        """
        if not self.counts:
            return False, LossCause.DOES_NOT_COUNT
        if any(d.state in _DISPUTE_LOST for d in self.disputes):
            return False, LossCause.DISPUTE_LOST
        if self.is_fully_returned:
            return False, LossCause.REFUNDED
        if 0 < price <= self.returned_of_item(item):
            return False, LossCause.LINE_REFUNDED
        if dispute_suspends and self.is_disputed:
            return False, LossCause.DISPUTE_OPEN
        return True, ""


def prices_in(payment: Any, totals: Sequence[int], *, currency: str) -> list[int]:
    """Return for each line what must go back of ``payment`` so that the line is refunded.

    Its share of the payment. Of several lines, its total alone where that is less because tax was
    added: rates differ between lines, and providers name amounts with and without tax. They may
    round each line for itself too, so the last minor unit decides nothing between lines.
    """
    shares = line_shares(totals, payment.amount)
    if len(totals) == 1:
        return shares
    if payment.currency == currency:
        shares = [min(share, total) for share, total in zip(shares, totals, strict=True)]
    return [share - 1 if share > 1 else share for share in shares]


def items_of(payment: Any, lines: Sequence[Any]) -> list[str]:
    """Return the provider's references of an order's lines, by position, in a payment's cart."""
    cart = [str(entry[0]) for entry in payment.cart]
    return [*cart[: len(lines)], *[""] * (len(lines) - len(cart))]


@dataclass(slots=True)
class OrderFacts:
    """All that is known of an order's payments, oldest attempt first."""

    payments: list[PaymentFacts]

    @classmethod
    def of(
        cls, payments: Iterable[Any], refunds: Iterable[Any], disputes: Iterable[Any]
    ) -> OrderFacts:
        """Group the rows by payment."""
        grouped = {p.pk: PaymentFacts(p) for p in sorted(payments, key=lambda p: p.pk)}
        for refund in refunds:
            grouped[refund.payment_id].refunds.append(refund)
        for dispute in disputes:
            grouped[dispute.payment_id].disputes.append(dispute)
        return cls(list(grouped.values()))

    @property
    def status(self) -> OrderStatus:
        """Derive the order's status from all facts together."""
        counting = [p for p in self.payments if p.counts]
        if counting:
            if any(p.is_disputed for p in counting):
                return OrderStatus.DISPUTED
            kept = [p for p in counting if not p.is_fully_returned]
            if not kept:
                return OrderStatus.REFUNDED
            if all(p.is_partly_returned for p in kept):
                return OrderStatus.PARTIALLY_REFUNDED
            return OrderStatus.PAID
        over = [p for p in self.payments if p.is_over]
        if not over or len(over) < len(self.payments):
            return OrderStatus.PENDING  # something may still come, or came and does not count
        last = max(over, key=lambda p: (p.as_of, _PAYMENT_RANK[PaymentState(p.payment.state)]))
        return _UNPAID_STATUS.get(PaymentState(last.payment.state), OrderStatus.CANCELLED)

    @property
    def held(self) -> list[PaymentFacts]:
        """Return the payments that pay the order and whose money did not go back in full."""
        return [p for p in self.payments if p.counts and not p.is_fully_returned]

    @property
    def is_paid_twice(self) -> bool:
        """Tell whether more than one payment holds money for the same order."""
        return len(self.held) > 1

    @property
    def has_discrepancy(self) -> bool:
        """Tell whether money came that is not what was asked, and did not go back."""
        return any(
            p.payment.discrepancy
            and p.payment.state == PaymentState.SUCCEEDED
            and not p.is_fully_returned
            for p in self.payments
        )
