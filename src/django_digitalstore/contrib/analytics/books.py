"""Reads orders with their facts, and counts what they are on each day."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar

from django.db.models import QuerySet

from django_digitalstore.payments import (
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
)
from django_digitalstore.payments.choices import (
    DisputeState,
    OrderStatus,
    PaymentState,
    RefundState,
)

from .days import Range, day_of, spans_of
from .revenue import LineRow, OrderBook, OrderRow, PaymentRow, ReturnRow

__all__ = [
    "COUNTED",
    "Counts",
    "batched",
    "count",
    "days_of_orders",
    "order_keys_of_days",
    "orders_changed_after",
    "read_books",
]

#: Orders that are read together: few queries, and no more parameters than SQLite takes.
_CHUNK = 900
#: Days of a run: a century, so none is cut.
_LONGEST = 36500

_LOST = [DisputeState.LOST, DisputeState.ACCEPTED]


@dataclass(slots=True)
class Counts:
    """What is counted; amounts in minor units of one currency."""

    orders: int = 0
    units: int = 0
    gross: int = 0
    refunded: int = 0
    checkouts: int = 0
    paid_checkouts: int = 0

    def add(self, other: Counts) -> None:
        """Add counts of the same currency."""
        self.orders += other.orders
        self.units += other.units
        self.gross += other.gross
        self.refunded += other.refunded
        self.checkouts += other.checkouts
        self.paid_checkouts += other.paid_checkouts

    def as_tuple(self) -> tuple[int, int, int, int, int, int]:
        """Return the numbers in the order of the fields."""
        return (
            self.orders,
            self.units,
            self.gross,
            self.refunded,
            self.checkouts,
            self.paid_checkouts,
        )


#: The names of what is counted.
COUNTED: Final = tuple(field.name for field in fields(Counts))

T = TypeVar("T")
Group: TypeAlias = Hashable
#: Which groups a line of an order counts in. An order counts once in each group of its lines.
GroupsOf: TypeAlias = Callable[[OrderRow, LineRow], Iterable[Group]]


def _returns(model: Any) -> QuerySet[Any]:
    """Return the refunds that succeeded, or the disputes that were lost, of known payments."""
    is_refund = model is get_refund_model()
    states = [RefundState.SUCCEEDED] if is_refund else _LOST
    rows: QuerySet[Any] = model.objects.filter(state__in=states).exclude(payment=None).order_by()
    return rows


def batched(keys: Iterable[T]) -> Iterator[list[T]]:
    """Yield ``keys`` in lists that are not too long for one query."""
    rest = iter(keys)
    while some := list(islice(rest, _CHUNK)):
        yield some


def order_keys_of_days(
    days: Iterable[date], orders: QuerySet[Any] | None = None
) -> Collection[Any]:
    """Return the keys of the orders that count on any of ``days``; of ``orders`` alone, if given.

    One query for each run of days: where an old order was refunded today, what lies between is not
    read.
    """
    found = (get_order_model().objects.all() if orders is None else orders).order_by()
    keys: dict[Any, None] = {}
    for span in spans_of(days, longest=_LONGEST):
        keys.update(dict.fromkeys(_order_keys(found, span, has_all=orders is None)))
    return keys


def _order_keys(orders: QuerySet[Any], span: Range, *, has_all: bool) -> Iterator[Any]:
    since, until = span.moments()
    # With all states, the index on (status, placed_at) finds the days.
    placed = orders.filter(
        status__in=OrderStatus.values, placed_at__gte=since, placed_at__lt=until
    ).values_list("pk")
    paid = orders.filter(paid_at__gte=since, paid_at__lt=until).values_list("pk")
    returned = []
    for fact in (get_refund_model(), get_dispute_model()):
        rows = _returns(fact).filter(state_at__gte=since, state_at__lt=until)
        if not has_all:
            rows = rows.filter(payment__order__in=orders.values("pk"))
        returned.append(rows.values_list("payment__order_id"))
    for (pk,) in placed.union(paid, *returned).order_by():
        yield pk


def read_books(keys: Iterable[Any]) -> Iterator[OrderBook]:
    """Yield the orders of ``keys`` with their facts: four queries for every 900."""
    for some in batched(keys):
        yield from _read(some)


def _read(keys: list[Any]) -> Iterable[OrderBook]:
    books: dict[Any, OrderBook] = {}
    lines = get_order_line_model().objects.filter(order__in=keys).order_by("order_id", "position")
    for product, seller, quantity, total, *of_order in lines.values_list(
        "product_id",
        "product__seller_id",
        "quantity",
        "total",
        "order_id",
        "order__country",
        "order__currency",
        "order__total",
        "order__tax",
        "order__placed_at",
        "order__paid_at",
    ):
        book = books.get(of_order[0])
        if book is None:
            book = books[of_order[0]] = OrderBook(OrderRow._make(of_order))
        book.lines.append(
            LineRow(str(product), "" if seller is None else str(seller), quantity, total)
        )
    payments = get_payment_model().objects.filter(
        order__in=keys, state=PaymentState.SUCCEEDED, discrepancy=""
    )
    by_payment: dict[Any, OrderBook] = {}
    for values in payments.order_by("order_id", "pk").values_list(
        "pk",
        "order_id",
        "cart",
        "amount",
        "tax",
        "currency",
        "settlement_amount",
        "settlement_currency",
    ):
        payment = PaymentRow._make(values)
        # Nobody knows what an order without lines sold; the doctor names it (payments.order_total).
        if book := books.get(payment.order):
            by_payment[payment.pk] = book
            book.payments.append(payment)
    for payment_key, row in _read_returns(keys):
        if payment_key in by_payment:
            by_payment[payment_key].returns.append(row)
    return books.values()


def _read_returns(keys: list[Any]) -> Iterator[tuple[Any, ReturnRow]]:
    """Yield refunds and lost disputes in the order of time; what is of one time, always alike."""
    refunds = _returns(get_refund_model()).filter(payment__order__in=keys)
    disputes = _returns(get_dispute_model()).filter(payment__order__in=keys)
    found = [
        (at, 0, pk, ReturnRow(payment, at, amount, currency, is_full, items))
        for pk, payment, at, amount, currency, is_full, items in refunds.values_list(
            "pk", "payment_id", "state_at", "amount", "currency", "is_full", "items"
        )
    ]
    found += [
        (at, 1, pk, ReturnRow(payment, at, None, "", True, []))
        for pk, payment, at in disputes.values_list("pk", "payment_id", "state_at")
    ]
    for *_, row in sorted(found, key=lambda entry: entry[:3]):
        yield row.payment, row


def count(
    books: Iterable[OrderBook], *, days: Iterable[date], groups_of: GroupsOf
) -> dict[tuple[Group, str, date], Counts]:
    """Count what the orders are on ``days``, by (group, currency, day)."""
    wanted = frozenset(days)
    counts: dict[tuple[Group, str, date], Counts] = {}

    def at(group: Group, currency: str, day: date) -> Counts:
        key = (group, currency, day)
        found = counts.get(key)
        if found is None:
            found = counts[key] = Counts()
        return found

    for book in books:
        order = book.order
        by_line = [tuple(groups_of(order, line)) for line in book.lines]
        groups = {group for of_line in by_line for group in of_line}
        if not groups:
            continue
        placed = day_of(order.placed_at)
        if placed in wanted:
            for group in groups:
                found = at(group, order.currency, placed)
                found.checkouts += 1
                found.paid_checkouts += order.paid_at is not None
        if order.paid_at is None:
            continue
        paid = day_of(order.paid_at)
        if paid in wanted:
            for group in groups:
                at(group, order.currency, paid).orders += 1
            for line, of_line, sold in zip(book.lines, by_line, book.sales(), strict=True):
                for group in of_line:
                    found = at(group, order.currency, paid)
                    found.units += line.quantity
                    found.gross += sold
        for day, parts in book.refunds() if book.returns else ():
            if day not in wanted:
                continue
            for of_line, part in zip(by_line, parts, strict=True):
                if part:
                    for group in of_line:
                        at(group, order.currency, day).refunded += part
    return counts


def days_of_orders(orders: QuerySet[Any]) -> set[date]:
    """Return the days on which ``orders`` count. One query, and two where there are any."""
    rows = list(orders.order_by().values_list("pk", "placed_at", "paid_at"))
    if not rows:
        return set()
    moments = {at for _pk, *times in rows for at in times if at is not None}
    keys = [pk for pk, *_ in rows]
    for model in (get_refund_model(), get_dispute_model()):
        for some in batched(keys):
            facts = model.objects.filter(payment__order__in=some)
            moments.update(facts.order_by().values_list("state_at", flat=True))
    return {day_of(at) for at in moments}


def orders_changed_after(moment: Any) -> QuerySet[Any]:
    """Return the orders of which something changed after ``moment``."""
    return get_order_model().objects.filter(updated_at__gt=moment)
