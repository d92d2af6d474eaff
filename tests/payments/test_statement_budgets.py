"""How many statements an order and a webhook cost: the contract of docs/explanation/performance.md.

Statements as the database sees them, savepoints among them; BEGIN and COMMIT are not counted, for
drivers differ in whether they send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_digitalstore.payments import flows, get_order_model
from tests.payments import signed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.needs("payments")]

FIRST_PAYMENT = 20
#: Another line of the same order: its grant, what it derives, and whether it was paid twice.
ANOTHER_LINE = 5
#: The e-mail is tried once after the commit; the money is in, whatever becomes of it.
RECEIPT = 7
DUPLICATE = 1
#: An order for one product, up to the attempt that is to pay it.
ORDER = 10
#: Another line of it: whether it may be bought, and the line.
ANOTHER_ORDERED = 3


@contextmanager
def statements() -> Iterator[list[str]]:
    sent: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield sent
    sent += [q["sql"] for q in queries if q["sql"].split()[0] not in ("BEGIN", "COMMIT")]


def about_the_receipt(sent: list[str]) -> list[str]:
    """What is sent from the moment in which the message is looked for, to its mark."""
    table = "digitalstore_core_outboxmessage"
    first = next(i for i, sql in enumerate(sent) if sql[:6] == "SELECT" and "receipt:" in sql)
    last = max(i for i, sql in enumerate(sent) if sql.startswith("UPDATE") and table in sql)
    return sent[first : last + 1]


@pytest.mark.parametrize("lines", [1, 3])
def test_placing_an_order_stays_within_its_budget(lines: int) -> None:
    customer = signed.make_customer()
    products = [signed.make_product(f"book{number}") for number in range(lines)]
    wanted = [flows.LineRequest(product) for product in products]

    with statements() as sent:
        payment = flows.start_checkout(customer, wanted, email=customer.email, country="DE")

    assert (payment.state, payment.order.lines.count()) == ("created", lines)
    assert len(sent) <= ORDER + ANOTHER_ORDERED * (lines - 1), "\n".join(sent)


@pytest.mark.parametrize("lines", [1, 3])
def test_a_first_payment_stays_within_its_budget(client: Client, lines: int) -> None:
    products = [signed.make_product(f"book{number}") for number in range(lines)]
    attempt = signed.open_order(signed.make_customer(), *products)

    with statements() as sent:
        answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert answer.status_code == 200
    assert get_order_model().objects.get().status == "paid"
    receipt = about_the_receipt(sent)
    rest = [sql for sql in sent if sql not in receipt]
    assert len(rest) <= FIRST_PAYMENT + ANOTHER_LINE * (lines - 1), "\n".join(rest)
    assert len(receipt) <= RECEIPT, "\n".join(receipt)


def test_a_duplicate_costs_one_question(client: Client) -> None:
    attempt = signed.open_order(signed.make_customer(), signed.make_product())
    paid = signed.payment_event(attempt)
    signed.post(client, paid, "msg_1")

    with statements() as sent:
        answer = signed.post(client, paid, "msg_1")

    assert (answer.status_code, answer.content) == (200, b"Processed already.\n")
    assert len(sent) <= DUPLICATE, "\n".join(sent)


def test_a_forged_one_costs_the_database_nothing(client: Client) -> None:
    attempt = signed.open_order(signed.make_customer(), signed.make_product())

    with CaptureQueriesContext(connection) as queries:
        answer = signed.post(
            client, signed.payment_event(attempt), "msg_1", key="whsec_" + "QUFB" * 8
        )

    assert answer.status_code == 401
    assert len(queries) == 0
