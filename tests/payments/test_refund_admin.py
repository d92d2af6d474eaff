"""Staff give money back, and record money, by forms that ask why and act once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import flows, get_order_model, get_payment_model
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.models import RefundRequest, new_refund_key
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    paid_order,
    place_order,
    sandbox_checkout,
)
from tests.payments.signed import make_product

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.payments.urls"),
]

ORDERS = "/admin/shop/order/"
PAYMENTS = "/admin/shop/payment/"
REQUESTS = "/admin/digitalstore_payments/refundrequest/"


@pytest.fixture
def boss(client_of: Any, superuser: Any) -> Client:
    return client_of(superuser)


@pytest.fixture
def order(customer: Any, product: Any) -> Any:
    return paid_order(customer, product, make_product("song", 999))


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def status(order: Any) -> tuple[str, str]:
    found = get_order_model().objects.get(pk=order.pk)
    return found.status, found.attention


def form(boss: Client, url: str) -> dict[str, Any]:
    """Return what a browser would send of a form as it is shown."""
    shown = boss.get(url).context["form"]
    data = {name: shown[name].value() for name in shown.fields}
    return {name: value for name, value in data.items() if value is not None}


def test_an_order_is_refunded_from_its_page(
    boss: Client, superuser: Any, order: Any, customer: Any, product: Any
) -> None:
    url = f"{ORDERS}do/refund/?pk={order.pk}"
    assert url.replace("&", "&amp;") in boss.get(f"{ORDERS}{order.pk}/change/").content.decode()
    data = {**form(boss, url), "pk": order.pk, "reason": "they asked"}
    done = boss.post(f"{ORDERS}do/refund/", data, follow=True)
    (message,) = messages_of(done)
    assert message == (
        f"{order}: A refund is requested: all that is left. The history shows what the provider "
        "says."
    )
    assert status(order) == ("refunded", "")
    assert not has_access(customer, product)
    request = RefundRequest.objects.get()
    assert (request.actor, request.reason, request.state) == (superuser, "they asked", "sent")
    assert LogEntry.objects.get().get_change_message() == "Refund: they asked"
    page = boss.get(f"{ORDERS}{order.pk}/change/").content.decode()
    assert f"refund request {request.key}" in page

    again = boss.post(f"{ORDERS}do/refund/", data, follow=True)
    assert messages_of(again) == [f"{order}: This refund is requested already."]
    assert RefundRequest.objects.count() == LogEntry.objects.count() == 1


def test_a_second_click_refunds_a_part_once(boss: Client, order: Any) -> None:
    data = {
        **form(boss, f"{ORDERS}do/refund/?pk={order.pk}"),
        "pk": order.pk,
        "amount": "5.00",
        "reason": "they asked",
    }
    for _ in range(2):
        boss.post(f"{ORDERS}do/refund/", data)
    assert [request.amount for request in RefundRequest.objects.all()] == [500]
    assert status(order) == ("partially_refunded", "")


def test_a_line_is_refunded(boss: Client, order: Any, customer: Any, product: Any) -> None:
    line = order.lines.get(product=product)
    url = f"{ORDERS}do/refund/?pk={order.pk}"
    assert "A book – €19.99" in boss.get(url).content.decode()
    data = {**form(boss, url), "pk": order.pk, "lines": [line.pk], "reason": "they asked"}
    boss.post(f"{ORDERS}do/refund/", data)
    assert RefundRequest.objects.get().amount == 1999
    assert not has_access(customer, product)


def test_what_the_flow_refuses_is_shown(boss: Client, order: Any) -> None:
    payment = order.payments.get()
    data = {"pk": payment.pk, "payment": payment.pk, "amount": "1000", "reason": "they asked"}
    done = boss.post(f"{PAYMENTS}do/refund/", data, follow=True)
    assert messages_of(done) == [f"{payment}: This is more than what is left: €29.98."]
    wrong = boss.post(f"{PAYMENTS}do/refund/", {**data, "amount": "1.005"})
    assert wrong.context["form"].errors == {"amount": ["EUR has only 2 decimal places."]}
    assert not RefundRequest.objects.exists()


def test_a_payment_of_another_order_cannot_be_named(
    boss: Client, order: Any, other_customer: Any, product: Any
) -> None:
    other = paid_order(other_customer, product).payments.get()
    data = {"pk": order.pk, "payment": other.pk, "reason": "they asked"}
    sent = boss.post(f"{ORDERS}do/refund/", data)
    assert "payment" in sent.context["form"].errors
    assert not RefundRequest.objects.exists()


def test_refunds_are_about_one_order_at_a_time(
    boss: Client, order: Any, other_customer: Any, product: Any
) -> None:
    other = paid_order(other_customer, product)
    assert 'value="refund"' not in boss.get(ORDERS).content.decode()
    url = f"{ORDERS}do/refund/?pk={order.pk}&pk={other.pk}"
    assert boss.get(url).status_code == 404


@pytest.mark.parametrize(
    ("action", "permission"),
    [
        ("refund", "refund_payment"),
        ("refund_second", "refund_payment"),
        ("record_payment", "record_payment"),
        ("record_refund", "record_payment"),
    ],
)
def test_money_is_moved_by_those_who_may(
    client_of: Any, staff: Any, order: Any, action: str, permission: str
) -> None:
    def allow(*names: str) -> Client:
        staff.user_permissions.add(*Permission.objects.filter(codename__in=names))
        return client_of(type(staff)._default_manager.get(pk=staff.pk))

    url = f"{ORDERS}do/{action}/?pk={order.pk}"
    looking = allow("view_order", "change_order")
    assert looking.get(url).status_code == 403
    assert f"do/{action}/" not in looking.get(f"{ORDERS}{order.pk}/change/").content.decode()
    assert allow(permission).get(url).status_code == 200


def test_only_what_applies_is_offered(boss: Client, order: Any, product: Any) -> None:
    def offered(page: str) -> list[str]:
        text = boss.get(page).content.decode()
        names = ("refund", "refund_second", "record_payment", "record_refund")
        return [name for name in names if f"do/{name}/" in text]

    assert offered(f"{ORDERS}{order.pk}/change/") == ["refund", "record_payment"]
    payment = order.payments.get()
    assert offered(f"{PAYMENTS}{payment.pk}/change/") == ["refund"]
    unpaid = place_order(order.customer, make_product("map")).order
    assert offered(f"{ORDERS}{unpaid.pk}/change/") == ["record_payment"]


def test_what_was_paid_twice_is_refunded_with_one_click(
    boss: Client, customer: Any, product: Any
) -> None:
    attempts = [place_order(customer, product), place_order(customer, product, country="FR")]
    for attempt in attempts:
        provider.pay(sandbox_checkout(attempt))
    deliver_webhooks(Client())
    first, second = (attempt.order for attempt in attempts)
    assert status(second) == ("paid", "paid_twice")
    url = f"{ORDERS}do/refund_second/?pk={second.pk}"
    assert url in boss.get(f"{ORDERS}{second.pk}/change/").content.decode()
    data = {**form(boss, url), "pk": second.pk, "reason": "paid twice"}
    for _ in range(2):
        boss.post(f"{ORDERS}do/refund_second/", data)
    assert (status(first), status(second)) == (("paid", ""), ("refunded", ""))
    assert RefundRequest.objects.count() == LogEntry.objects.count() == 1


def test_a_payment_is_recorded(boss: Client, superuser: Any, customer: Any, product: Any) -> None:
    order = place_order(customer, product).order
    url = f"{ORDERS}do/record_payment/?pk={order.pk}"
    data = {
        **form(boss, url),
        "pk": order.pk,
        "amount": "19.99",
        "reference": "BANK-1",
        "reason": "transfer",
    }
    assert data["currency"] == "EUR"
    done = boss.post(f"{ORDERS}do/record_payment/", data, follow=True)
    assert messages_of(done) == [f"{order}: The payment is recorded. The order is now: Paid."]
    payment = get_payment_model().objects.get(alias="elsewhere")
    assert (payment.recorded_by, payment.reason) == (superuser, "transfer")
    assert has_access(customer, product)
    again = boss.post(f"{ORDERS}do/record_payment/", data, follow=True)
    assert messages_of(again) == [f"{order}: This payment is recorded already."]
    assert LogEntry.objects.get().get_change_message() == "Record a payment: transfer"

    back = {"pk": payment.pk, "payment": payment.pk, "reference": "BANK-2", "reason": "they asked"}
    done = boss.post(f"{PAYMENTS}do/record_refund/", back, follow=True)
    assert messages_of(done) == [f"{payment}: The refund is recorded: €19.99."]
    assert status(order) == ("refunded", "")
    again = boss.post(f"{PAYMENTS}do/record_refund/", back, follow=True)
    assert messages_of(again) == [f"{payment}: This refund is recorded already."]


def test_money_of_another_amount_is_recorded_with_a_warning(
    boss: Client, customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    data = {"pk": order.pk, "amount": "5", "currency": "eur", "reference": "B", "reason": "x"}
    done = boss.post(f"{ORDERS}do/record_payment/", data, follow=True)
    assert messages_of(done) == [
        f"{order}: The payment is recorded. It is not what was asked, so it gives no access."
    ]
    assert status(order) == ("pending", "discrepancy")
    wrong = boss.post(f"{ORDERS}do/record_payment/", {**data, "currency": "ABC"})
    assert wrong.context["form"].errors == {
        "currency": ["This is not a currency. Write its ISO 4217 code, as in EUR."]
    }


def test_requests_are_asked_for_again_or_marked_as_handled(boss: Client, order: Any) -> None:
    payment = order.payments.get()
    request = flows.request_refund(
        payment, amount=500, actor=None, reason="they asked", key=new_refund_key()
    )
    RefundRequest.objects.update(state="refused", error="WINDOW: over", provider_reference="")
    assert status(flows.settle_order(order)) == ("partially_refunded", "refund_refused")
    page = boss.get(f"{REQUESTS}?state__exact=refused").content.decode()
    assert "WINDOW: over" in page
    assert "€5.00" in page
    assert boss.get(f"{REQUESTS}{request.pk}/change/").status_code == 200
    data = {"pk": request.pk, "reason": "looked"}
    done = boss.post(f"{REQUESTS}do/retry/", data, follow=True)
    assert messages_of(done) == [f"{request}: It is requested again."]
    assert status(order) == ("partially_refunded", "")
    RefundRequest.objects.filter(state="sent").update(state="doubtful")
    flows.settle_order(order)
    open_request = RefundRequest.objects.get(state="doubtful")
    data = {"pk": open_request.pk, "reason": "looked"}
    done = boss.post(f"{REQUESTS}do/handled/", data, follow=True)
    assert messages_of(done) == [f"{open_request}: It counts as handled."]
    assert status(order) == ("partially_refunded", "")
