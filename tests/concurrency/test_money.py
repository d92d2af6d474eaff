"""Two orders of one buyer for one product, whose facts come at the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import flows
from django_digitalstore.payments.events import PaymentReported, RefundReported
from tests.payments import signed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("payments"),
    pytest.mark.slow,
]


@pytest.fixture
def rounds() -> int:
    """How often it is tried: where writers wait for each other anyway, less often."""
    return 200 if connection.vendor == "postgresql" else 25


def paid(attempt: Any, reference: str) -> PaymentReported:
    return PaymentReported(
        payment=reference,
        occurred_at=signed.START,
        checkout=attempt.checkout_reference,
        state="succeeded",
        amount=attempt.order.total,
        currency=attempt.order.currency,
    )


def refunded(reference: str) -> RefundReported:
    return RefundReported(
        payment=reference,
        occurred_at=signed.START + timedelta(seconds=10),
        refund=f"refund_of_{reference}",
        state="succeeded",
        is_full=True,
    )


def open_order(customer: Any, product: Any, country: str) -> Any:
    """Open an order of its own for each country: two tabs, two checkouts, both payable."""
    attempt = flows.start_checkout(
        customer, [flows.LineRequest(product)], email=customer.email, country=country
    )
    return flows.open_checkout(attempt, return_url="https://x/", cancel_url="https://x/")


def test_a_refund_of_one_order_beside_the_payment_of_another_never_leaves_it_unowned(
    shared_database, at_once, rounds
):
    lost = []
    product = signed.make_product()
    for number in range(rounds):
        buyer = signed.make_customer(f"buyer{number}")
        first, second = (open_order(buyer, product, country) for country in ("DE", "FR"))
        flows.apply_events("default", [paid(first, f"first_{number}")])

        answers = at_once(
            lambda n=number: flows.apply_events("default", [refunded(f"first_{n}")]),
            lambda n=number, s=second: flows.apply_events("default", [paid(s, f"second_{n}")]),
        )

        for order in (first.order, second.order):
            order.refresh_from_db()
        seen = (first.order.status, second.order.status, has_access(buyer, product))
        if seen != ("refunded", "paid", True):
            lost.append((number, seen, answers))
    assert lost == []
    assert list(violations()) == []
