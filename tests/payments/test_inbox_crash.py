"""A kill before or after any statement or commit: one more delivery heals it."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager, suppress
from unittest.mock import patch

import pytest
from django.db import connection

from django_digitalstore.core.invariants import violations
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.payments import get_payment_model
from django_digitalstore.payments.models import InboxMessage
from tests.payments import signed

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("payments"),
]


class Killed(BaseException):
    """The process ends here. Not an Exception: nothing may catch and record it."""


@contextmanager
def killed_at(number: int, *, after: bool):
    """Kill before, or after, statement or commit ``number``; tell whether it came to that."""
    seen = {"count": 0, "killed": False}

    def kill():
        seen["killed"] = True
        connection.connection.rollback()  # what the database does when a process is gone
        raise Killed

    def run(do):
        seen["count"] += 1
        here = seen["count"] == number
        if here and not after:
            kill()
        result = do()
        if here:
            kill()
        return result

    def wrapper(execute, sql, params, many, context):
        return run(lambda: execute(sql, params, many, context))

    commit = connection._commit

    with ExitStack() as stack:
        stack.enter_context(connection.execute_wrapper(wrapper))
        stack.enter_context(patch.object(connection, "_commit", lambda: run(commit)))
        with suppress(Killed):
            yield seen
    connection.close_if_unusable_or_obsolete()


def scenario(client, number: int):
    """Place an order; return it with the deliveries that are to be applied, the last one killed."""
    attempt = signed.open_order(
        signed.make_customer(f"user{number}"), signed.make_product(f"book{number}")
    )
    reference = f"pay_{number}"
    paid = signed.payment_event(attempt, reference=reference)
    early = signed.refund_event(payment=reference, reference=f"ref_early_{number}", amount=5)
    return attempt, reference, paid, early


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_statement_of_a_payment_is_healed_by_one_more_delivery(client, after):
    number = 0
    while True:
        number += 1
        attempt, _, paid, early = scenario(client, number)
        signed.post(client, early, f"msg_early_{number}")
        with killed_at(number, after=after) as seen:
            signed.post(client, paid, f"msg_{number}")
        assert signed.post(client, paid, f"msg_{number}").status_code == 200
        # What a kill left waiting is taken up by its own next delivery.
        assert signed.post(client, early, f"msg_early_{number}").status_code == 200

        attempt.order.refresh_from_db()
        assert attempt.order.status == "partially_refunded", f"killed at {number}"
        assert get_payment_model().objects.filter(order=attempt.order).count() == 1
        assert (
            get_purchased_product_model().objects.filter(user=attempt.order.customer).count() == 1
        )
        assert get_grant_model().objects.filter(user=attempt.order.customer).count() == 1
        assert OutboxMessage.objects.filter(payload__order=attempt.order.public_id).count() == 1
        assert not InboxMessage.objects.exclude(state="processed").exists()
        if not seen["killed"]:
            break
    assert number > 25  # it really went through the statements
    assert list(violations()) == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_statement_of_a_refund_is_healed_by_one_more_delivery(client, after):
    number = 100
    at_statement = 0
    while True:
        number += 1
        at_statement += 1
        attempt, reference, paid, _ = scenario(client, number)
        signed.post(client, paid, f"msg_{number}")
        refund = signed.refund_event(payment=reference, reference=f"ref_{number}", is_full=True)
        with killed_at(at_statement, after=after) as seen:
            signed.post(client, refund, f"msg_refund_{number}")
        assert signed.post(client, refund, f"msg_refund_{number}").status_code == 200

        attempt.order.refresh_from_db()
        assert attempt.order.status == "refunded", f"killed at {at_statement}"
        assert (
            not get_purchased_product_model().objects.filter(user=attempt.order.customer).exists()
        )
        if not seen["killed"]:
            break
    assert at_statement > 20
    assert list(violations()) == []
