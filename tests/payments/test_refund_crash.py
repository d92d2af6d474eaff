"""A kill anywhere between the click and the record, and two workers at once: refunded once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from django_digitalstore.core import outbox
from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.payments import flows, get_order_model, get_payment_model, inbox
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.backends.sandbox.models import SandboxCheckout, SandboxDelivery
from django_digitalstore.payments.exceptions import RefundRefused, RefundUnsettled
from django_digitalstore.payments.models import RefundRequest, new_refund_key
from django_digitalstore.payments.testing import paid_order, sign_webhook
from tests.payments import signed
from tests.payments.test_inbox_crash import killed_at

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("payments"),
]


def sold(number: int) -> Any:
    return paid_order(signed.make_customer(f"user{number}"), signed.make_product(f"book{number}"))


def payment_of(order: Any) -> Any:
    return get_payment_model().objects.get(order=order)


def made(order: Any) -> list[int]:
    """Return the amounts that went back at the provider."""
    payment = payment_of(order)
    return [
        fact["amount"] for fact in provider.refunds_of(payment.alias, payment.provider_reference)
    ]


def ask(order: Any, **what: Any) -> RefundRequest:
    return flows.request_refund(payment_of(order), actor=None, reason="they asked", **what)


def heal(rounds: int = 3) -> None:
    """Let the outbox try again, hours later."""
    for hours in range(1, rounds + 1):
        RefundRequest.objects.filter(state="sending").update(
            sent_at=timezone.now() - timedelta(hours=1)
        )
        outbox.sweep(now=timezone.now() + timedelta(hours=hours))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_statement_between_click_and_record_refunds_once(after: bool) -> None:
    number = 0
    while True:
        number += 1
        order, key = sold(number), new_refund_key()
        with killed_at(number, after=after) as seen:
            ask(order, key=key)  # and the outbox sends it after the commit
        ask(order, key=key)  # the buyer's page did not answer: the same form again
        heal()
        assert made(order) == [1999], f"killed at {number}"
        request = RefundRequest.objects.get(key=key)
        assert (request.state, request.error) == ("sent", ""), f"killed at {number}"
        found = get_order_model().objects.get(pk=order.pk)
        assert (found.status, found.attention) == ("refunded", ""), f"killed at {number}"
        assert not get_purchased_product_model().objects.filter(user=order.customer).exists()
        if not seen["killed"]:
            break
    assert number > 60  # it really went through the statements
    assert list(violations()) == []


@pytest.fixture
def held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing leave by itself after a commit."""
    monkeypatch.setattr(outbox, "_try_after_commit", lambda key, using: None)


ROUNDS = 20 if connection.vendor == "postgresql" else 5


def test_two_workers_send_the_same_request(
    shared_database: Any, at_once: Any, held_back: None
) -> None:
    for number in range(ROUNDS):
        order = sold(number)
        request = ask(order)
        answers = at_once(
            lambda key=request.key: flows.send_refund(key).state,
            lambda key=request.key: flows.send_refund(key).state,
        )
        assert made(order) == [1999]
        assert all(a in {"sent", "sending"} or isinstance(a, RefundUnsettled) for a in answers)
        assert RefundRequest.objects.get(key=request.key).state == "sent"
        assert get_order_model().objects.get(pk=order.pk).status == "refunded"


def test_two_people_refund_the_same_payment(
    shared_database: Any, at_once: Any, held_back: None
) -> None:
    for number in range(ROUNDS):
        order = sold(number)
        first, second = at_once(lambda: ask(order), lambda: ask(order))  # noqa: B023
        assert first == second
        other = sold(1000 + number)
        answers = at_once(
            lambda: ask(other, amount=1500),  # noqa: B023
            lambda: ask(other, amount=1000),  # noqa: B023
        )
        refused = [answer for answer in answers if isinstance(answer, RefundRefused)]
        assert [error.code for error in refused] == ["under_way"]
        assert RefundRequest.objects.filter(order_reference=other.public_id).count() == 1


def test_the_webhook_comes_while_the_answer_is_recorded(
    shared_database: Any, at_once: Any, held_back: None
) -> None:
    for number in range(ROUNDS):
        order = sold(number)
        request = ask(order)
        RefundRequest.objects.filter(pk=request.pk).update(
            state="sending", attempts=1, sent_at=timezone.now()
        )
        checkout = payment_of(order).checkout_reference
        provider.refund(SandboxCheckout.objects.get(pk=checkout), key=request.key)
        delivery = SandboxDelivery.objects.order_by("pk").last()
        assert delivery is not None
        body, headers = sign_webhook(json.loads(delivery.body))
        answers = at_once(
            lambda key=request.key: flows.send_refund(key).state,
            lambda body=body, headers=headers: inbox.receive("default", body, headers).status,
        )
        assert answers == ["sent", 200]
        assert get_order_model().objects.get(pk=order.pk).status == "refunded"
    assert list(violations()) == []


def test_two_orders_that_paid_twice_are_refunded_at_the_same_time(
    shared_database: Any, at_once: Any, held_back: None
) -> None:
    for number in range(ROUNDS):
        buyer, book = signed.make_customer(f"b{number}"), signed.make_product(f"p{number}")
        attempts = [signed.open_order(buyer, book)]
        second = flows.start_checkout(
            buyer, [flows.LineRequest(book)], email=buyer.email, country="FR"
        )
        attempts.append(
            flows.open_checkout(second, return_url="https://x/", cancel_url="https://x/")
        )
        for attempt in attempts:
            provider.pay(SandboxCheckout.objects.get(pk=attempt.checkout_reference))
            flows.refresh_order(attempt.order)
        answers = at_once(
            *[
                lambda order=attempt.order: flows.refund_second_payment(
                    order, actor=None, reason="paid twice"
                )
                for attempt in attempts
            ]
        )
        assert sum(isinstance(answer, RefundRequest) for answer in answers) == 1, answers
        refused = [answer for answer in answers if isinstance(answer, RefundRefused)]
        assert [error.code for error in refused] == ["under_way"]
