"""What orders, access and the list of things to look at say, whatever came in whatever order."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from django.utils import timezone

from django_digitalstore.core.exceptions import InvalidBackend
from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.policies import has_access, why_access_ended
from django_digitalstore.payments import flows, get_order_model, get_payment_model, policies
from django_digitalstore.payments.exceptions import CheckoutRefused
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import pay, place_order, sandbox_checkout
from tests.payments import signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return signed.make_customer()


@pytest.fixture
def book():
    return signed.make_product()


@pytest.fixture
def attempt(ada, book):
    return signed.open_order(ada, book)


def fresh(attempt):
    return get_order_model().objects.get(pk=attempt.order_id)


@pytest.fixture
def deliver(client):
    """Deliver bodies one after the other, and check that the books agree after each."""
    number = itertools.count()

    def deliver(*bodies) -> None:
        for body in bodies:
            answer = signed.post(client, body, f"msg_{next(number)}")
            assert answer.status_code == 200, answer.content
            assert list(violations()) == []

    return deliver


# --- one payment, reported twice ------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_a_success_of_another_amount_undoes_none_that_matched(deliver, attempt, ada, book, turned):
    right = signed.payment_event(attempt, second=10)
    wrong = signed.payment_event(attempt, second=20, amount=2099)

    deliver(*([wrong, right] if turned else [right, wrong]))

    assert (fresh(attempt).status, fresh(attempt).attention) == ("paid", "")
    assert get_payment_model().objects.get().amount == 1999
    assert has_access(ada, book)


@pytest.mark.parametrize("turned", [False, True])
def test_the_latest_of_two_failed_payments_says_how_the_order_stands(deliver, attempt, turned):
    failed = signed.payment_event(attempt, "failed", reference="pay_1", second=10)
    cancelled = signed.payment_event(attempt, "cancelled", reference="pay_2", second=20)

    deliver(*([cancelled, failed] if turned else [failed, cancelled]))

    assert fresh(attempt).status == "cancelled"


@pytest.mark.parametrize("turned", [False, True])
def test_our_own_expiry_undoes_no_payment_that_is_on_its_way(deliver, attempt, turned):
    def expire() -> None:
        flows.expire_checkouts(now=timezone.now() + timedelta(days=2))

    def process() -> None:
        deliver(signed.payment_event(attempt, "processing"))

    for step in [process, expire] if turned else [expire, process]:
        step()

    assert fresh(attempt).status == "pending"
    assert not policies.can_retry(fresh(attempt))


# --- two payments of one checkout -----------------------------------------------------------


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_refund_of_a_second_try_counts_whenever_it_comes(deliver, attempt, ada, book, order):
    bodies = [
        signed.payment_event(attempt, "failed", reference="pay_1", second=1),
        signed.payment_event(attempt, reference="pay_2", second=2),
        signed.refund_event(payment="pay_2", is_full=True, second=3),
    ]

    # Nothing runs after the commit here, as if the process had been killed then.
    deliver(*(bodies[index] for index in order))

    assert fresh(attempt).status == "refunded"
    assert not has_access(ada, book)


def test_two_payments_of_one_order_are_two_grants_and_flagged(deliver, attempt, ada, book):
    deliver(
        signed.payment_event(attempt, reference="pay_1"),
        signed.payment_event(attempt, reference="pay_2"),
    )
    assert (fresh(attempt).status, fresh(attempt).attention) == ("paid", "paid_twice")
    assert ada.shop_grants.standing().count() == 2

    deliver(signed.refund_event(payment="pay_1", is_full=True))

    assert (fresh(attempt).status, fresh(attempt).attention) == ("paid", "")
    assert ada.shop_grants.standing().count() == 1
    assert has_access(ada, book)


def test_a_refund_in_another_currency_says_nothing_about_the_amount(deliver, attempt, ada, book):
    refund = signed.refund_event(amount=1999)
    refund["data"]["currency"] = "JPY"

    deliver(signed.payment_event(attempt), refund)

    assert fresh(attempt).status == "partially_refunded"
    assert has_access(ada, book)


# --- two orders for the same ----------------------------------------------------------------


def test_two_orders_for_the_same_are_one_purchase_and_the_second_is_flagged(ada, book):
    first = place_order(ada, book, email="one@example.com")
    second = place_order(ada, book, email="two@example.com")
    pay(first)
    pay(second)

    assert (fresh(first).status, fresh(first).attention) == ("paid", "")
    assert (fresh(second).status, fresh(second).attention) == ("paid", "paid_twice")
    assert ada.shop_purchasedproducts.count() == 1
    assert ada.shop_grants.standing().count() == 2


def test_nothing_is_sold_again_while_it_is_being_paid(ada, book):
    email = "another@example.com"  # another address makes another order
    first = place_order(ada, book, email="ada@example.com")
    pay(first, "late")

    with pytest.raises(CheckoutRefused) as refusal:
        flows.start_checkout(ada, [flows.LineRequest(book)], email=email)

    assert refusal.value.code == "being_paid"
    assert str(refusal.value) == (
        f"A payment for this is on its way: order {first.order.public_id}. Please wait for it."
    )
    assert get_payment_model().objects.count() == 1


# --- people and payments --------------------------------------------------------------------


def test_lifting_a_deny_gives_what_was_paid_while_it_stood(deliver, attempt, ada, book):
    access.revoke_product(ada, book, reason="abuse")
    deliver(signed.payment_event(attempt))
    assert (fresh(attempt).status, fresh(attempt).attention) == ("paid", "withheld")
    assert not has_access(ada, book)

    access.restore_product(ada, book, reason="a mistake")

    assert has_access(ada, book)
    flows.settle_order(fresh(attempt))
    assert fresh(attempt).attention == ""


def test_a_dispute_that_is_won_while_a_deny_stands_is_given_when_it_is_lifted(
    deliver, attempt, ada, book
):
    deliver(signed.payment_event(attempt))
    access.revoke_product(ada, book, reason="abuse")
    deliver(signed.dispute_event("opened"), signed.dispute_event("won", second=40))
    assert fresh(attempt).attention == ""  # it was given before it was revoked: no news

    access.restore_product(ada, book, reason="a mistake")

    assert has_access(ada, book)


def test_a_refund_while_a_deny_stands_is_not_given_when_it_is_lifted(deliver, attempt, ada, book):
    access.revoke_product(ada, book, reason="abuse")
    deliver(signed.payment_event(attempt), signed.refund_event(is_full=True))

    assert access.restore_product(ada, book, reason="a mistake") is None
    assert not has_access(ada, book)


# --- what an owner is told ------------------------------------------------------------------


REFUND = {"is_full": True, "second": 50}


@pytest.mark.parametrize(
    ("facts", "code", "ledger"),
    [
        ([("refund", REFUND)], "refunded", ["refunded"]),
        ([("dispute", {"state": "opened"})], "disputed", ["disputed"]),
        (
            [("dispute", {"state": "opened"}), ("dispute", {"state": "lost", "second": 40})],
            "refunded",
            ["disputed", "refunded"],
        ),
        (
            [("dispute", {"state": "opened"}), ("refund", REFUND)],
            "refunded",
            ["disputed", "refunded"],
        ),
        ([("refund", REFUND), ("dispute", {"state": "opened"})], "refunded", ["refunded"]),
    ],
)
def test_who_lost_access_is_told_what_became_of_the_money(
    deliver, attempt, ada, book, facts, code, ledger
):
    events = {"refund": signed.refund_event, "dispute": signed.dispute_event}
    deliver(signed.payment_event(attempt))

    deliver(*(events[kind](**values) for kind, values in facts))

    flows.settle_order(fresh(attempt))  # any number of times
    assert not has_access(ada, book)
    assert why_access_ended(ada, book) == code
    kinds = ada.shop_grants.order_by("pk").values_list("ended_kind", "ended_reason")
    assert [kind for kind, _ in kinds] == ledger
    assert {type(reason) for _, reason in kinds} == {str}


def test_a_dispute_that_is_won_gives_access_back_and_asks_nothing(deliver, attempt, ada, book):
    deliver(
        signed.payment_event(attempt),
        signed.dispute_event("opened"),
        signed.dispute_event("won", second=40),
    )
    assert has_access(ada, book)


def test_a_refund_while_revoked_is_the_last_word_of_the_payment(deliver, attempt, ada, book):
    deliver(signed.payment_event(attempt))
    access.revoke_product(ada, book, reason="abuse")
    deliver(signed.refund_event(is_full=True))
    assert why_access_ended(ada, book) == "revoked"
    access.restore_product(ada, book, reason="a mistake")
    assert why_access_ended(ada, book) == "refunded"


# --- money that does not count --------------------------------------------------------------


def test_another_amount_that_went_back_is_over(deliver, attempt):
    deliver(signed.payment_event(attempt, amount=5))
    assert policies.is_being_paid(fresh(attempt))

    deliver(signed.refund_event(amount=5, is_full=True))

    assert (fresh(attempt).status, fresh(attempt).attention) == ("cancelled", "")
    assert policies.can_retry(fresh(attempt))


def test_a_lost_webhook_of_an_expired_checkout_is_found_by_asking(ada, book):
    from django_digitalstore.payments.backends.sandbox import provider

    payment = place_order(ada, book)
    provider.pay(sandbox_checkout(payment))
    flows.expire_checkouts(now=timezone.now() + timedelta(days=2))
    assert fresh(payment).status == "expired"

    flows.refresh_order(fresh(payment))

    assert fresh(payment).status == "paid"


# --- flows validate, whatever the form did --------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"email": "x\nBcc: evil@example.com"}, "email"),
        ({"email": "nobody"}, "email"),
        ({"email": "ada@example.com", "country": "ZZZZ"}, "country"),
        ({"email": "ada@example.com", "country": "de"}, "country"),
    ],
)
def test_a_checkout_takes_no_wrong_address_or_country(ada, book, wrong, code):
    with pytest.raises(CheckoutRefused) as refusal:
        flows.start_checkout(ada, [flows.LineRequest(book)], **wrong)

    assert refusal.value.code == code
    assert not get_order_model().objects.exists()


def test_a_checkout_takes_no_unknown_provider(ada, book):
    with pytest.raises(InvalidBackend):
        flows.start_checkout(
            ada, [flows.LineRequest(book)], email="ada@example.com", alias="nobody"
        )
    assert not get_order_model().objects.exists()


# --- strange bodies -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("payment", "a\x00b", "data.payment: must be a text that can be stored."),
        ("checkout", "\ud800x", "data.checkout: must be a text that can be stored."),
        ("failure", "\udfff", "data.failure: must be a text that can be stored."),
        ("currency", "EURO", "data.currency: must be an ISO 4217 code such as 'EUR'."),
        ("currency", "us$", "data.currency: must be an ISO 4217 code such as 'EUR'."),
    ],
)
def test_what_no_database_or_money_can_hold_is_invalid(client, attempt, field, value, problem):
    body = signed.payment_event(attempt)
    body["data"][field] = value

    assert signed.post(client, body, "msg_1").status_code == 400

    message = InboxMessage.objects.get()
    assert (message.state, message.error) == ("invalid", problem)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_no_clock_shows_is_invalid(client, attempt, time):
    answer = signed.post(client, {**signed.payment_event(attempt), "timestamp": time}, "msg_1")

    assert answer.status_code == 400
    assert InboxMessage.objects.get().state == "invalid"


def test_a_processed_message_stays_what_it_was_when_nonsense_comes_under_its_id(client, attempt):
    signed.post(client, signed.payment_event(attempt), "msg_1")
    before = InboxMessage.objects.values().get()

    assert signed.post(client, b"[1]", "msg_1").status_code == 400

    assert InboxMessage.objects.values().get() == before
