"""How a store is tested: what these helpers make went through the flows."""

from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import files_in
from django_digitalstore.core.exceptions import GuardedWrite
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.entitlements.testing import (
    assert_access,
    assert_no_access,
    customer_who_owns,
    make_customer,
    make_product,
    make_release_with_file,
    revoke,
)
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    paid_order,
    place_order,
    post_webhook,
    refund,
)


class OwningTests(TestCase):
    def test_an_owner_sees_the_lesson(self):
        course = make_product(title="Course")
        self.client.force_login(customer_who_owns(course))
        self.assertContains(self.client.get(f"/lessons/{course.slug}/"), "The lesson.")

    def test_a_revocation_is_felt_by_the_next_request(self):
        course = make_product(title="Course")
        customer = customer_who_owns(course)
        self.client.force_login(customer)
        revoke(customer, course)
        self.assertEqual(self.client.get(f"/lessons/{course.slug}/").status_code, 403)


class BuyingTests(TestCase):
    def test_a_sale_as_a_buyer_makes_it(self):
        book, customer = make_product(title="A book"), make_customer()
        self.client.force_login(customer)
        form = {"product": book.slug, "email": "ada@example.com", "country": "DE"}
        pay_page = self.client.post(reverse("shop:checkout"), form).url
        self.client.post(pay_page, {"action": "pay"})
        deliver_webhooks(self.client)  # the sandbox signs them, the inbox applies them
        assert_access(customer, book)

    def test_a_refund_takes_access_back(self):
        book, customer = make_product(), make_customer()
        order = paid_order(customer, book)
        refund(order)
        order.refresh_from_db()
        self.assertEqual(order.status, "refunded")
        assert_no_access(customer, book)

    def test_a_webhook_with_an_old_signature_is_refused(self):
        answer = post_webhook(self.client, {"type": "payment.succeeded"}, timestamp=1)
        self.assertEqual(answer.status_code, 401)

    def test_nobody_marks_an_order_paid(self):
        order = place_order(make_customer(), make_product()).order
        order.status = "paid"
        with self.assertRaises(GuardedWrite) as refused:
            order.save()
        says = "In a test, call django_digitalstore.payments.testing.paid_order(customer, product)."
        self.assertTrue(str(refused.exception).endswith(says))


class QueryTests(TestCase):
    def test_the_shop_window_asks_no_more_for_more_products(self):
        for _ in range(10):
            make_product()
        with assert_query_budget(8):
            self.client.get(reverse("shop:product_list"))


class DownloadTests(TestCase):
    def test_the_owner_is_sent_to_the_file_server(self):
        self.enterContext(files_in())
        asset = make_release_with_file(make_product(), b"the words", "book.txt")
        self.client.force_login(customer_who_owns(asset.release.product))
        link = self.client.post(reverse("shop:download_link", args=[asset.pk])).url
        answer = self.client.get(link)
        self.assertEqual(answer.status_code, 302)
        self.assertTrue(answer.url.startswith("https://files.example.com/?file=assets%2F"))
        self.assertIn("book.txt", answer.url)
