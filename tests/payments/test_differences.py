"""What a payment may differ by from what was asked, and for which reasons."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from django_digitalstore.payments.choices import Discrepancy
from django_digitalstore.payments.events import PaymentReported
from django_digitalstore.payments.facts import find_discount, find_discrepancy


def report(amount: int, **facts: object) -> PaymentReported:
    return PaymentReported(
        payment="pay_1",
        occurred_at=datetime(2026, 11, 22, tzinfo=UTC),
        checkout="cks_1",
        state="succeeded",
        amount=amount,
        **{"currency": "EUR", **facts},  # type: ignore[arg-type]
    )


def judge(amount: int, **facts: object) -> tuple[str, int]:
    """Return the discrepancy and the discount of a payment for an order of 20.00 EUR."""
    reported = report(amount, **facts)
    asked = {"total": 2000, "currency": "EUR"}
    return find_discrepancy(reported, **asked), find_discount(reported, **asked)


@pytest.mark.parametrize(
    ("amount", "facts", "discount"),
    [
        (2000, {}, 0),
        (2000, {"tax": 319}, 0),
        (2380, {"tax": 380}, 0),
        (1500, {"discount": 500}, 500),
        (1500, {"is_discounted": True}, 500),
        (0, {"is_discounted": True}, 2000),
        (2100, {"is_discounted": True, "tax": 380}, 0),
        (2599, {"currency": "USD", "is_converted": True}, 0),
        (99, {"currency": "USD", "is_converted": True, "is_discounted": True}, 0),
    ],
)
def test_tax_discount_and_conversion_are_reasons(amount, facts, discount):
    assert judge(amount, **facts) == ("", discount)


@pytest.mark.parametrize(
    ("amount", "facts", "discrepancy"),
    [
        (1999, {}, Discrepancy.AMOUNT),
        (2001, {}, Discrepancy.AMOUNT),
        (2379, {"tax": 380}, Discrepancy.AMOUNT),
        (2001, {"is_discounted": True}, Discrepancy.AMOUNT),
        (2381, {"is_discounted": True, "tax": 380}, Discrepancy.AMOUNT),
        (2000, {"currency": "USD"}, Discrepancy.CURRENCY),
        (2000, {"currency": "USD", "is_discounted": True}, Discrepancy.CURRENCY),
        (1999, {"is_converted": True}, Discrepancy.AMOUNT),
    ],
)
def test_whatever_else_differs_is_flagged(amount, facts, discrepancy):
    assert judge(amount, **facts)[0] == discrepancy
