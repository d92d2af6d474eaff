"""The sandbox's pay page, as a buyer sees it at a provider."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client, override_settings
from django.utils import timezone

from django_digitalstore.core.site_url import site_url
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import get_payment_model, get_refund_model
from django_digitalstore.payments.backends import payment_backends
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.backends.sandbox.models import (
    SandboxCheckout,
    SandboxDelivery,
    SandboxFact,
)
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    let_time_pass,
    place_order,
    sandbox_checkout,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]


@pytest.fixture
def payment(customer: Any, product: Any) -> Any:
    return place_order(customer, product)


@pytest.fixture
def page(payment: Any) -> str:
    return f"/store/payments/sandbox/{payment.checkout_reference}/"


def test_the_page_says_that_it_is_a_test_and_what_is_paid(
    client: Client, page: str, payment: Any
) -> None:
    response = client.get(page)
    text = response.content.decode()
    assert response.status_code == 200
    for part in ("Test payment – no money moves", "Pay €19.99", "A book", payment.order.public_id):
        assert part in text
    for action in ("pay", "late", "decline", "cancel"):
        assert f'name="action" value="{action}"' in text
    assert text.count("<h1>") == 1
    for forbidden in ("<script", "style=", "<style", "onclick", "http://", "https://"):
        assert forbidden not in text
    assert "csrfmiddlewaretoken" in text


def test_its_stylesheet_stands_alone() -> None:
    found = finders.find("digitalstore/payments/sandbox.css")
    assert found
    css = Path(found).read_text()
    assert "@import" not in css
    assert "url(" not in css
    assert "prefers-color-scheme: dark" in css


def test_paying_tells_the_store_by_webhook_only(
    client: Client, page: str, payment: Any, customer: Any, product: Any
) -> None:
    response = client.post(page, {"action": "pay"})
    # The path alone: the buyer stays at the address that they opened.
    assert f"{site_url()}{response.url}" == sandbox_checkout(payment).return_url
    assert not has_access(customer, product)
    assert SandboxDelivery.objects.filter(delivered_at=None).count() == 1
    assert [answer.status_code for answer in deliver_webhooks(client)] == [200]
    assert deliver_webhooks(client) == []
    assert has_access(customer, product)
    assert "This checkout is paid." in client.get(page).content.decode()


def test_paying_twice_is_one_payment(client: Client, page: str) -> None:
    client.post(page, {"action": "pay"})
    client.post(page, {"action": "pay"})
    client.post(page, {"action": "decline"})
    assert SandboxFact.objects.count() == 1


def test_a_late_payment_is_confirmed_some_seconds_later(
    client: Client, page: str, customer: Any, product: Any
) -> None:
    client.post(page, {"action": "late"})
    deliver_webhooks(client)
    assert get_payment_model().objects.get().state == "processing"
    assert not has_access(customer, product)
    let_time_pass()
    deliver_webhooks(client)
    assert has_access(customer, product)


def test_a_declined_card_says_so_and_lets_try_again(
    client: Client, page: str, customer: Any, product: Any
) -> None:
    declined = client.post(page, {"action": "decline"}).content.decode()
    assert "Your card was declined." in declined
    assert 'role="alert"' in declined
    deliver_webhooks(client)
    assert get_payment_model().objects.get().state == "failed"
    assert not has_access(customer, product)
    client.post(page, {"action": "pay"})
    deliver_webhooks(client)
    assert has_access(customer, product)


def test_turning_back_leads_to_the_shop_and_charges_nothing(
    client: Client, page: str, payment: Any
) -> None:
    response = client.post(page, {"action": "cancel"})
    assert f"{site_url()}{response.url}" == sandbox_checkout(payment).cancel_url
    assert SandboxFact.objects.count() == 0


@pytest.mark.parametrize("action", ["", "give", "pay\x00"])
def test_an_unknown_action_does_nothing(client: Client, page: str, action: str) -> None:
    assert client.post(page, {"action": action}).status_code == 400
    assert SandboxFact.objects.count() == 0


def test_an_unknown_token_is_not_found(client: Client) -> None:
    assert client.get("/store/payments/sandbox/nothing/").status_code == 404


def test_it_does_not_exist_outside_test_mode(client: Client, page: str) -> None:
    with override_settings(DIGITALSTORE_TEST_MODE=False):
        assert client.get(page).status_code == 404
        assert client.post(page, {"action": "pay"}).status_code == 404
    assert SandboxFact.objects.count() == 0


def test_it_lists_page_by_page_what_happened_since_and_nothing_of_others(
    monkeypatch: pytest.MonkeyPatch, payment: Any, other_customer: Any, product: Any
) -> None:
    monkeypatch.setattr(provider, "PAGE", 2)
    early = provider.pay(sandbox_checkout(payment), "failed")
    since = timezone.now()
    paid = provider.pay(sandbox_checkout(payment))
    disputes = [provider.dispute(sandbox_checkout(payment)) for _ in range(3)]
    provider.pay(sandbox_checkout(place_order(other_customer, product)), "late")
    elsewhere = sandbox_checkout(place_order(other_customer, product, email="b@example.com"))
    provider.pay(elsewhere, "failed")
    SandboxCheckout.objects.filter(pk=elsewhere.pk).update(alias="other")
    moment = timezone.now()
    SandboxFact.objects.filter(occurred_at__gte=since, occurred_at__lte=moment).update(
        occurred_at=since  # all of the same moment: no page may end between them
    )

    pages = list(payment_backends["default"].fetch_since(since))

    events = [event for page in pages for event in page]
    assert [len(page) for page in pages] == [2, 2, 1]
    assert events[0].payment == paid
    assert [event.dispute for event in events[1:4]] == disputes
    assert (events[4].state, len(events)) == ("processing", 5)
    assert early not in {event.payment for event in events}


# --- what happens after the payment -------------------------------------------------------------


@pytest.fixture
def paid(client: Client, page: str) -> str:
    client.post(page, {"action": "pay"})
    deliver_webhooks(client)
    return page


def buttons(client: Client, page: str) -> set[str]:
    return set(re.findall(r'name="action" value="(\w+)"', client.get(page).content.decode()))


def press(client: Client, page: str, action: str) -> int:
    """Press a button, and let its webhook arrive."""
    answer: Any = client.post(page, {"action": action})
    deliver_webhooks(client)
    if answer.status_code == 302:
        assert answer.url == page
    return answer.status_code


def status() -> str:
    return get_payment_model().objects.get().order.status


def test_a_paid_checkout_offers_what_else_can_happen(client: Client, paid: str) -> None:
    assert buttons(client, paid) == {"refund", "refund_part", "dispute", "duplicate"}
    text = client.get(paid).content.decode()
    assert "Refund €19.99" in text
    assert "payment.succeeded" in text
    assert text.count("csrfmiddlewaretoken") == 1


def test_a_checkout_that_is_not_paid_does_not(client: Client, page: str) -> None:
    assert buttons(client, page) == {"pay", "decline", "late", "out_of_order", "cancel"}
    for action in ("refund", "refund_part", "dispute", "win", "lose", "duplicate"):
        assert press(client, page, action) == 409
    assert SandboxFact.objects.count() == 0


def test_refunds_end_at_what_was_paid(client: Client, paid: str) -> None:
    assert press(client, paid, "refund_part") == 302
    assert status() == "partially_refunded"
    assert "Refund €9.99" in client.get(paid).content.decode()
    assert press(client, paid, "refund") == 302
    assert status() == "refunded"
    assert press(client, paid, "refund") == 409
    assert press(client, paid, "refund_part") == 409
    amounts = SandboxFact.objects.filter(kind="refund").values_list("data__amount", flat=True)
    assert sum(amounts) == 1999
    assert buttons(client, paid) == {"duplicate"}


@pytest.mark.parametrize(("action", "ends"), [("win", "paid"), ("lose", "refunded")])
def test_a_dispute_is_opened_once_and_decided(
    client: Client, paid: str, action: str, ends: str
) -> None:
    press(client, paid, "dispute")
    assert status() == "disputed"
    assert press(client, paid, "dispute") == 409
    assert {"win", "lose"} <= buttons(client, paid)
    assert press(client, paid, action) == 302
    assert status() == ends
    assert press(client, paid, action) == 409


def test_a_duplicate_is_the_last_message_again(client: Client, paid: str) -> None:
    press(client, paid, "refund_part")
    client.post(paid, {"action": "duplicate"})
    (again,) = SandboxDelivery.objects.filter(delivered_at=None)
    assert '"refund.succeeded"' in again.body
    assert [answer.status_code for answer in deliver_webhooks(client)] == [200]
    assert get_refund_model().objects.count() == 1
    assert SandboxDelivery.objects.count() == 2


def test_messages_of_another_checkout_are_not_shown_nor_repeated(
    client: Client, paid: str, other_customer: Any, product: Any
) -> None:
    other = place_order(other_customer, product)
    provider.pay(sandbox_checkout(other), "failed")
    deliver_webhooks(client)
    assert "payment.failed" not in client.get(paid).content.decode()
    client.post(paid, {"action": "duplicate"})
    (again,) = SandboxDelivery.objects.filter(delivered_at=None)
    assert '"payment.succeeded"' in again.body


def test_a_refund_can_be_told_before_its_payment(
    client: Client, page: str, customer: Any, product: Any
) -> None:
    answer: Any = client.post(page, {"action": "out_of_order"})
    assert answer.url == page
    assert [answer.status_code for answer in deliver_webhooks(client)] == [200]
    assert status() == "pending"
    let_time_pass()
    deliver_webhooks(client)
    assert status() == "refunded"
    assert not has_access(customer, product)
    assert press(client, page, "out_of_order") == 409


def test_a_late_payment_is_not_refunded_before_it_is_there(client: Client, page: str) -> None:
    client.post(page, {"action": "late"})
    assert "The payment is on its way." in client.get(page).content.decode()
    assert press(client, page, "refund") == 409
    assert press(client, page, "out_of_order") == 409


def test_the_buttons_want_a_csrf_token(page: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(page, {"action": "pay"}).status_code == 403
    assert strict.post(page, {"action": "out_of_order"}).status_code == 403
    assert SandboxFact.objects.count() == 0


def test_the_buttons_do_not_exist_outside_test_mode(client: Client, paid: str) -> None:
    with override_settings(DIGITALSTORE_TEST_MODE=False):
        for action in ("refund", "dispute", "duplicate"):
            assert client.post(paid, {"action": action}).status_code == 404
    assert SandboxFact.objects.count() == 1
