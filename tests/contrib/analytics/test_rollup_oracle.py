"""Whatever happened, in whatever order it was told: the rollup is what the oracle says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from django_digitalstore.contrib.analytics import figures, flows
from django_digitalstore.contrib.analytics.figures import Range, Scope
from django_digitalstore.contrib.analytics.models import DailyFigures
from tests.contrib.analytics import sales
from tests.contrib.analytics.oracle import NAMES, expected

pytestmark = pytest.mark.django_db

#: The night in which the clocks of Berlin go back is in the middle.
FIRST = datetime(2026, 10, 22, 12, tzinfo=UTC)
SPAN = Range(datetime(2026, 10, 20).date(), datetime(2026, 11, 1).date())  # noqa: DTZ001

hours = st.integers(0, 6 * 24)
amounts = st.integers(0, 3000)
happening = st.one_of(
    st.tuples(
        st.just("place"),
        hours,
        st.lists(st.tuples(st.integers(0, 3), amounts, st.integers(1, 3)), min_size=1, max_size=3),
        st.sampled_from(["EUR", "USD"]),
        st.sampled_from(["DE", "US", ""]),
    ),
    st.tuples(st.just("pay"), hours, st.integers(0, 9), st.integers(0, 50), st.booleans()),
    st.tuples(
        st.just("refund"),
        hours,
        st.integers(0, 9),
        st.one_of(st.none(), amounts),
        st.sampled_from(["succeeded", "pending", "failed"]),
        st.booleans(),
    ),
    st.tuples(
        st.just("dispute"),
        hours,
        st.integers(0, 9),
        st.sampled_from(["opened", "lost", "accepted"]),
    ),
    st.tuples(st.just("change"), st.integers(1, 48), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 3), st.integers(0, 2)),
    st.tuples(st.just("roll up")),
)


class World:
    """What there is so far; a number that nothing has is another one's."""

    def __init__(self, customer: Any, sellers: list[Any], products: list[Any]) -> None:
        self.customer, self.sellers, self.products = customer, sellers, products
        self.orders: list[Any] = []
        self.payments: list[Any] = []
        self.facts: list[Any] = []

    def let(self, what: str, *said: Any) -> None:
        getattr(self, what.replace(" ", "_"))(*said)

    def place(self, hour: int, lines: Any, currency: str, country: str) -> None:
        chosen = {number: (self.products[number], price, n) for number, price, n in lines}
        at = FIRST + timedelta(hours=hour)
        self.orders.append(
            sales.place(self.customer, *chosen.values(), at=at, currency=currency, country=country)
        )

    def pay(self, hour: int, number: int, percent: int, is_wrong: bool) -> None:
        if self.orders:
            order = self.orders[number % len(self.orders)]
            self.payments.append(
                sales.pay(
                    order,
                    at=order.placed_at + timedelta(hours=hour),
                    tax=order.total * percent // 100,
                    discrepancy="amount" if is_wrong else "",
                )
            )

    def refund(self, hour: int, number: int, amount: int | None, state: str, by_line: bool) -> None:
        if self.payments:
            payment = self.payments[number % len(self.payments)]
            is_item = by_line and amount is not None
            self.facts.append(
                sales.give_back(
                    payment,
                    at=payment.state_at + timedelta(hours=hour),
                    amount=None if is_item else amount,
                    lines=[(1, amount)] if is_item and amount is not None else (),
                    is_full=amount is None,
                    state=state,
                )
            )

    def dispute(self, hour: int, number: int, state: str) -> None:
        if self.payments:
            payment = self.payments[number % len(self.payments)]
            at = payment.state_at + timedelta(hours=hour)
            self.facts.append(sales.dispute(payment, at=at, state=state))

    def change(self, hours: int, number: int) -> None:
        """Let the provider say something newer of a refund or a dispute."""
        if self.facts:
            fact = self.facts[number % len(self.facts)]
            states = {"succeeded": "failed", "failed": "succeeded", "pending": "succeeded"}
            states |= {"opened": "lost", "lost": "won", "accepted": "won", "won": "lost"}
            at = fact.state_at + timedelta(hours=hours)
            sales.change(fact, state=states[fact.state], state_at=at)

    def move(self, number: int, seller: int) -> None:
        product = self.products[number]
        product.seller = [*self.sellers, None][seller]
        product.save()

    def roll_up(self) -> None:
        flows.roll_up()
        sales.let_time_pass()


def stored() -> dict[Any, tuple[int, ...]]:
    rows = DailyFigures.objects.values_list(
        "seller_key", "product_key", "country", "currency", "day", *NAMES
    )
    return {row[:5]: row[5:] for row in rows}


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(happenings=st.lists(happening, max_size=14))
def test_the_rollup_is_what_the_facts_say(
    happenings, settings, customer, seller, other_seller, make_product
):
    settings.TIME_ZONE = "Europe/Berlin"
    with transaction.atomic():
        products = [
            make_product(f"Product {number}", seller=whose, released=False)
            for number, whose in enumerate([seller, seller, other_seller, None])
        ]
        world = World(customer, [seller, other_seller], products)
        for what in happenings:
            world.let(*what)
        says = expected()
        before = dict(of_days(says, seller))
        mine = {
            point.start: tuple(getattr(point.figures, name) for name in NAMES)
            for point in figures.series(Scope(currency="EUR", seller=seller), SPAN)
        }
        assert {day: counts for day, counts in mine.items() if any(counts)} == {
            day: counts for day, counts in before.items() if day in SPAN
        } or not _is_settled(happenings)
        flows.roll_up()
        assert stored() == says
        assert list(flows.find_differences()) == []
        transaction.set_rollback(True)


def of_days(says: Any, seller: Any) -> list[tuple[Any, tuple[int, ...]]]:
    """Return what the oracle says of a seller's euros by day."""
    key = (str(seller.pk), "*", "*", "EUR")
    return [(parts[4], counts) for parts, counts in says.items() if parts[:4] == key]


def _is_settled(happenings: Any) -> bool:
    """Tell whether a reader must be exact: what left its day is taken from it by the rollup."""
    return not {"change", "move"} & {what for what, *_ in happenings}
