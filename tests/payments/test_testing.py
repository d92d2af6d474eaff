"""What hosts' tests use: under Django's TestCase, TransactionTestCase and plain pytest."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail
from django.test import Client, TestCase, TransactionTestCase, override_settings

from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.testing import make_customer, make_product
from django_digitalstore.payments import get_dispute_model, get_order_model, get_refund_model
from django_digitalstore.payments.backends.sandbox.models import SandboxDelivery
from django_digitalstore.payments.exceptions import AlreadyOwned
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import (
    deliver,
    deliver_webhooks,
    dispute,
    paid_order,
    pay,
    place_order,
    refund,
    sign_webhook,
)


class Sale:
    """One sale by the plain test client, with the webhook and without it."""

    client: Client

    def buy(self) -> tuple[Any, Any, str]:
        customer, product = make_customer(), make_product(title="A <book> & more", price=1999)
        self.client.force_login(customer)
        fields = {"product": product.slug, "email": "ada@example.com", "country": "DE"}
        sent = self.client.post("/checkout/", fields)
        assert sent.status_code == 303
        back = self.client.post(sent.url, {"action": "pay"})
        return customer, product, back.url

    def test_a_sale_with_its_webhook(self) -> None:
        customer, product, _ = self.buy()
        assert not has_access(customer, product)
        assert [answer.status_code for answer in deliver_webhooks(self.client)] == [200]
        assert has_access(customer, product)

    def test_a_sale_whose_webhook_never_comes(self) -> None:
        customer, product, back = self.buy()
        page = self.client.get(back)
        assert page.context["order"].status == "paid"
        assert has_access(customer, product)


@override_settings(ROOT_URLCONF="tests.payments.urls")
class SaleInTestCase(Sale, TestCase):
    def test_the_receipt_is_sent_after_the_commit(self) -> None:
        with self.captureOnCommitCallbacks(execute=True):
            self.test_a_sale_with_its_webhook()
        (receipt,) = mail.outbox
        order = get_order_model().objects.get()
        assert receipt.subject == f"Your receipt for order {order.public_id}"
        assert receipt.to == ["ada@example.com"]
        assert "A <book> & more: €19.99" in receipt.body
        assert "Total: €19.99" in receipt.body
        assert f"/orders/{order.public_id}/" in receipt.body


@override_settings(ROOT_URLCONF="tests.payments.urls")
class SaleInTransactionTestCase(Sale, TransactionTestCase):
    pass


@pytest.mark.django_db
def test_a_paid_order(customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    assert (order.status, order.total, order.attention) == ("paid", 1999, "")
    assert has_access(customer, product)
    assert InboxMessage.objects.get().order_reference == order.public_id


@pytest.mark.django_db
def test_a_free_order_is_paid_at_once(customer: Any, free_product: Any) -> None:
    assert paid_order(customer, free_product).status == "paid"


@pytest.mark.django_db
def test_what_the_checkout_refuses_is_refused_here(customer: Any, product: Any) -> None:
    paid_order(customer, product)
    with pytest.raises(AlreadyOwned) as refusal:
        place_order(customer, product)
    assert str(refusal.value) == "You own “A book” already."


@pytest.mark.django_db
def test_refunds_and_disputes_come_from_the_provider(customer: Any, product: Any) -> None:
    order = paid_order(customer, product)
    case = dispute(order)
    assert not has_access(customer, product)
    dispute(order, "won", reference=case)
    assert has_access(customer, product)
    assert get_dispute_model().objects.get().state == "won"
    refund(order, amount=1)
    assert get_order_model().objects.get().status == "partially_refunded"
    refund(order)
    assert get_order_model().objects.get().status == "refunded"
    assert get_refund_model().objects.count() == 2
    assert not has_access(customer, product)


@pytest.mark.django_db
def test_what_is_not_paid_cannot_be_refunded(customer: Any, product: Any) -> None:
    order = place_order(customer, product).order
    with pytest.raises(ValueError) as error:
        refund(order)
    assert str(error.value) == f"Order {order} has no payment to give back: pay it first."


@pytest.mark.django_db
def test_a_message_may_be_delivered_any_number_of_times(
    client: Client, customer: Any, product: Any
) -> None:
    pay(place_order(customer, product), client=client)
    delivery = SandboxDelivery.objects.get()
    assert [deliver(client, delivery).status_code for _ in range(3)] == [200] * 3
    assert InboxMessage.objects.count() == 1
    assert has_access(customer, product)


@pytest.mark.django_db
def test_a_signature_of_ones_own(client: Client) -> None:
    body, headers = sign_webhook({"type": "weather.changed", "timestamp": "x", "data": {}})
    headers.pop("Content-Type")
    url = "/store/payments/default/webhook/"
    kwargs = {"data": body, "content_type": "application/json"}
    assert client.post(url, headers=headers, **kwargs).status_code == 200
    assert client.post(url, headers={**headers, "webhook-id": "other"}, **kwargs).status_code == 401
    assert InboxMessage.objects.get().state == "ignored"
