"""Money from elsewhere is a payment like any other, with a person and a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from django_digitalstore.core import outbox
from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import flows, get_payment_model, get_refund_model, policies
from django_digitalstore.payments.checks import check_reserved_aliases
from django_digitalstore.payments.exceptions import PaymentNotRecorded, RefundRefused
from django_digitalstore.payments.models import RefundRequest
from django_digitalstore.payments.testing import paid_order, pay, place_order
from tests.payments import signed

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Any:
    return signed.make_customer()


@pytest.fixture
def boss() -> Any:
    return signed.make_customer("boss")


@pytest.fixture
def book() -> Any:
    return signed.make_product("book", 1000)


@pytest.fixture
def order(ada: Any, book: Any) -> Any:
    return place_order(ada, book, signed.make_product("song", 999)).order


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def record(order: Any, actor: Any, **what: Any) -> Any:
    values = {"amount": 1999, "reference": "BANK-1", "reason": "transfer of Monday", **what}
    return flows.record_payment(order, actor=actor, **values)


def give_back(payment: Any, actor: Any, **what: Any) -> Any:
    values = {"reference": "BANK-2", "reason": "they asked", **what}
    return flows.record_refund(payment, actor=actor, **values)


def not_recorded(call: Any, *args: Any, **what: Any) -> tuple[str, str]:
    with pytest.raises(PaymentNotRecorded) as caught:
        call(*args, **what)
    return caught.value.code, str(caught.value)


def test_it_pays_the_order(order: Any, ada: Any, boss: Any, book: Any) -> None:
    payment = record(order, boss)
    assert (payment.alias, payment.state, payment.discrepancy) == ("elsewhere", "succeeded", "")
    assert (payment.recorded_by, payment.reason) == (boss, "transfer of Monday")
    assert fresh(order).status == "paid"
    assert has_access(ada, book)
    outbox.sweep()
    assert [sent.to for sent in mail.outbox] == [[order.email]]
    assert list(violations()) == []


def test_the_same_is_recorded_once(order: Any, boss: Any) -> None:
    assert record(order, boss).pk == record(order, boss, reference=" BANK-1 ").pk
    assert (fresh(order).status, fresh(order).attention) == ("paid", "")


def test_other_money_needs_another_reference(order: Any, boss: Any, book: Any) -> None:
    record(order, boss)
    taken = (
        "reference_taken",
        "“BANK-1” is recorded already, for other money. Nothing is recorded twice.",
    )
    assert not_recorded(record, order, boss, amount=5) == taken
    assert not_recorded(record, order, boss, currency="USD") == taken
    other = place_order(signed.make_customer("eve"), book).order
    assert not_recorded(record, other, boss) == taken
    assert fresh(other).status == "pending"


@pytest.mark.parametrize(
    ("what", "discrepancy"),
    [({"amount": 1998}, "amount"), ({"amount": 2000}, "amount"), ({"currency": "USD"}, "currency")],
)
def test_another_amount_or_currency_is_kept_and_flagged(
    order: Any, ada: Any, boss: Any, book: Any, what: Any, discrepancy: str
) -> None:
    payment = record(order, boss, **what)
    assert payment.discrepancy == discrepancy
    assert (fresh(order).status, fresh(order).attention) == ("pending", "discrepancy")
    assert not has_access(ada, book)
    give_back(payment, boss)
    assert (fresh(order).attention, policies.is_being_paid(fresh(order))) == ("", False)


def test_an_order_that_a_provider_paid_too_is_flagged(order: Any, boss: Any) -> None:
    pay(order.payments.get())
    payment = record(order, boss)
    assert fresh(order).attention == "paid_twice"
    give_back(payment, boss)
    assert (fresh(order).status, fresh(order).attention) == ("paid", "")


def test_the_one_click_refunds_what_a_provider_holds(order: Any, boss: Any) -> None:
    pay(order.payments.get())
    record(order, boss)
    request = flows.refund_second_payment(order, actor=boss, reason="paid twice")
    assert request.alias == "default"


def test_an_order_that_was_given_up_can_still_be_paid(order: Any, boss: Any) -> None:
    pay(order.payments.get(), "failed")
    record(order, boss)
    assert fresh(order).status == "paid"


@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        ({"amount": 0}, "amount", "Write how much money moved: more than nothing."),
        ({"amount": -5}, "amount", "Write how much money moved: more than nothing."),
        (
            {"reference": " "},
            "reference",
            "Write what names this money elsewhere, in at most 200 characters.",
        ),
        (
            {"reference": "x" * 201},
            "reference",
            "Write what names this money elsewhere, in at most 200 characters.",
        ),
        ({"reason": " "}, "reason", "Say who records this, and why."),
    ],
)
def test_what_is_not_complete_is_not_recorded(
    order: Any, boss: Any, what: Any, code: str, message: str
) -> None:
    assert not_recorded(record, order, boss, **what) == (code, message)
    assert not get_payment_model().objects.filter(alias="elsewhere").exists()


def test_nobody_and_no_currency_are_refused(order: Any, boss: Any) -> None:
    assert not_recorded(record, order, None)[0] == "reason"
    assert not_recorded(record, order, boss, currency="EURO")[0] == "currency"
    with pytest.raises(TypeError) as caught:
        record(order, boss, amount=19.99)
    assert str(caught.value) == "amount=19.99 – write an int in minor units."


def test_a_refund_is_recorded_in_full(order: Any, ada: Any, boss: Any, book: Any) -> None:
    payment = record(order, boss)
    refund = give_back(payment, boss)
    assert (refund.amount, refund.state) == (1999, "succeeded")
    assert fresh(order).status == "refunded"
    assert not has_access(ada, book)
    request = RefundRequest.objects.get()
    assert (request.actor, request.reason, request.state, request.provider_reference) == (
        boss,
        "they asked",
        "sent",
        "BANK-2",
    )
    assert list(violations()) == []


def test_a_line_is_given_back_and_its_access_ends(
    order: Any, ada: Any, boss: Any, book: Any
) -> None:
    payment = record(order, boss)
    give_back(payment, boss, lines=[order.lines.get(position=1)])
    assert fresh(order).status == "partially_refunded"
    assert not has_access(ada, book)
    assert has_access(ada, order.lines.get(position=2).product)


def test_a_refund_is_recorded_once_and_never_more_than_was_held(order: Any, boss: Any) -> None:
    payment = record(order, boss)
    first = give_back(payment, boss, amount=500)
    assert give_back(payment, boss, amount=500) == first
    assert not_recorded(give_back, payment, boss, amount=501)[0] == "reference_taken"
    with pytest.raises(RefundRefused) as caught:
        give_back(payment, boss, amount=1500, reference="BANK-3")
    assert str(caught.value) == "This is more than what is left: €14.99."
    assert get_refund_model().objects.count() == 1


def test_a_provider_reports_its_own_refunds_and_is_not_asked_for_others(
    ada: Any, boss: Any, book: Any, order: Any
) -> None:
    paid = paid_order(ada, signed.make_product("map", 500))
    assert not_recorded(give_back, paid.payments.get(), boss) == (
        "provider",
        "This payment's provider reports its refunds itself: request the refund instead.",
    )
    with pytest.raises(RefundRefused) as caught:
        flows.request_refund(record(order, boss), actor=boss, reason="x")
    assert str(caught.value) == (
        "This money came past every provider: give it back the way it came, then record the refund."
    )


def test_no_webhook_comes_from_elsewhere(client: Any) -> None:
    answer = signed.post(client, {}, "msg_1", url="/store/payments/elsewhere/webhook/")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("alias", "what"),
    [("free", "of a total of zero"), ("elsewhere", "that a person recorded")],
)
def test_no_provider_takes_the_name_of_payments_without_one(
    settings: Any, alias: str, what: str
) -> None:
    assert check_reserved_aliases() == []
    settings.DIGITALSTORE_PAYMENTS = {alias: settings.DIGITALSTORE_PAYMENTS["default"]}
    (error,) = check_reserved_aliases()
    assert error.id == "digitalstore.E307"
    assert error.msg == (
        f"DIGITALSTORE_PAYMENTS has a provider of the alias '{alias}', which stands for payments "
        f"{what}: nobody could tell the two apart."
    )
