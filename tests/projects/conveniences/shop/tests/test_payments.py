"""Buying, as a customer does it: from the checkout over the provider's page to the library."""

from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import make_seller
from django_digitalstore.entitlements.testing import (
    assert_access,
    assert_no_access,
    make_customer,
    make_product,
)
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    paid_order,
    place_order,
    refund,
)

from ..models import Order


class BuyingTests(TestCase):
    def setUp(self):
        self.product = make_product(title="A book")
        self.customer = make_customer()
        self.client.force_login(self.customer)

    def check_out(self):
        form = {"product": self.product.slug, "email": "ada@example.com", "country": "DE"}
        return self.client.post(reverse("shop:checkout"), form)

    def test_a_sale(self):
        pay_page = self.check_out().url
        self.client.post(pay_page, {"action": "pay"})
        assert_no_access(self.customer, self.product)
        deliver_webhooks(self.client)
        assert_access(self.customer, self.product)
        order = Order.objects.get()
        self.assertEqual(order.status, "paid")
        receipt = self.client.get(reverse("shop:order_receipt", args=[order.public_id]))
        self.assertContains(receipt, "A book")

    def test_the_way_back_shows_the_payment_before_its_webhook_comes(self):
        pay_page = self.check_out().url
        self.client.post(pay_page, {"action": "pay"})
        order = Order.objects.get()
        self.client.get(reverse("shop:order_return", args=[order.public_id]))
        assert_access(self.customer, self.product)

    def test_a_declined_card_buys_nothing(self):
        pay_page = self.check_out().url
        self.client.post(pay_page, {"action": "decline"})
        deliver_webhooks(self.client)
        self.assertEqual(Order.objects.get().status, "failed")
        assert_no_access(self.customer, self.product)

    def test_a_double_click_is_one_order(self):
        self.check_out()
        self.check_out()
        self.assertEqual(Order.objects.count(), 1)

    def test_a_refund_takes_access_back(self):
        refund(paid_order(self.customer, self.product))
        assert_no_access(self.customer, self.product)

    def test_an_order_is_nobody_elses_business(self):
        order = place_order(make_customer(), self.product).order
        page = self.client.get(reverse("shop:order_detail", args=[order.public_id]))
        self.assertEqual(page.status_code, 404)


class RefundingTests(TestCase):
    def setUp(self):
        self.seller = make_seller()
        self.product = make_product(title="A book", seller=self.seller)
        self.customer = make_customer()
        self.order = paid_order(self.customer, self.product)
        self.page = reverse("shop:seller_order_refund", args=[self.order.public_id])

    def ask(self):
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(self.page, {"reason": "They asked"})

    def test_a_seller_refunds_what_they_sold(self):
        self.client.force_login(self.seller)
        self.assertContains(self.client.get(self.page), "Refund")
        self.assertEqual(self.ask().status_code, 303)
        assert_no_access(self.customer, self.product)

    def test_another_seller_does_not(self):
        self.client.force_login(make_seller())
        self.assertEqual(self.ask().status_code, 404)
        assert_access(self.customer, self.product)
