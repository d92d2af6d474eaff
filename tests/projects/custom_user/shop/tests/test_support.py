"""Support, as customers and sellers have it: for what was bought, and as often as was promised."""

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import files_in, make_seller
from django_digitalstore.entitlements.testing import customer_who_owns, make_customer, make_product
from django_digitalstore.payments.testing import refund
from django_digitalstore.support import flows
from django_digitalstore.support.exceptions import NoSupport
from django_digitalstore.support.testing import offer_support, open_request, paid_support

from ..models import SupportRequest


class SupportTests(TestCase):
    def setUp(self):
        self.seller = make_seller()
        self.product = make_product(title="A book", seller=self.seller)
        offer_support(self.product, included_requests=1, pack_price=900, pack_size=3)
        self.customer = customer_who_owns(self.product)

    def refusal_of(self, customer):
        try:
            open_request(customer, self.product)
        except NoSupport as error:
            return error.code
        return None

    def test_a_question_and_its_answer(self):
        request = open_request(self.customer, self.product)
        flows.reply(request, author=self.seller, body="Turn the page.")
        self.assertEqual(SupportRequest.objects.get().state, "waiting_customer")

    def test_support_is_for_owners(self):
        self.assertEqual(self.refusal_of(make_customer()), "no_purchase")

    def test_more_support_is_bought(self):
        open_request(self.customer, self.product)
        self.assertEqual(self.refusal_of(self.customer), "used_up")
        order = paid_support(self.customer, self.product)
        open_request(self.customer, self.product)
        refund(order)
        self.assertEqual(self.refusal_of(self.customer), "used_up")


class SupportPagesTests(TestCase):
    def setUp(self):
        self.enterContext(files_in())
        self.seller = make_seller()
        self.product = make_product(title="A book", seller=self.seller)
        offer_support(self.product, included_requests=1, pack_price=900, pack_size=3)
        self.customer = customer_who_owns(self.product)
        self.form = reverse("shop:support_open", args=[self.product.slug])

    def ask(self, **fields):
        self.client.force_login(self.customer)
        given = {"subject": "It breaks", "body": "On page two.", **fields}
        return self.client.post(self.form, given)

    def test_a_customer_asks_and_the_seller_answers(self):
        self.client.force_login(self.customer)
        self.assertContains(self.client.get(reverse("shop:library")), self.form)
        page = self.ask(files=[SimpleUploadedFile("log.txt", b"it broke")]).url
        request = SupportRequest.objects.get()
        self.assertEqual(page, request.get_absolute_url())
        self.client.force_login(self.seller)
        self.assertContains(
            self.client.get(reverse("shop:seller_support")), request.get_seller_url()
        )
        self.client.post(request.get_seller_url(), {"body": "Turn the page."})
        self.client.force_login(self.customer)
        self.assertContains(self.client.get(page), "Turn the page.")
        self.assertContains(self.client.get(reverse("shop:support_list")), "It breaks")

    def test_who_has_used_up_their_support_is_led_to_more(self):
        self.ask()
        answer = self.ask(key="another")
        more = reverse("shop:support_buy", args=[self.product.slug])
        self.assertContains(answer, more, status_code=409)
        self.assertContains(self.client.get(more), "€9.00")

    def test_nobody_else_reads_a_request_or_its_files(self):
        page = self.ask(files=[SimpleUploadedFile("log.txt", b"it broke")]).url
        request = SupportRequest.objects.get()
        file = request.messages.get().attachments.get()
        link = reverse("shop:support_attachment_link", args=[file.pk])
        self.assertEqual(self.client.post(link).status_code, 303)
        self.client.force_login(customer_who_owns(self.product))
        self.assertEqual(self.client.get(page).status_code, 404)
        self.assertEqual(self.client.post(link).status_code, 404)
        self.client.force_login(make_seller())
        self.assertEqual(self.client.get(request.get_seller_url()).status_code, 404)
        link = reverse("shop:seller_support_attachment_link", args=[file.pk])
        self.assertEqual(self.client.post(link).status_code, 404)

    def test_a_note_is_never_the_customers_to_read(self):
        page = self.ask().url
        request = SupportRequest.objects.get()
        self.client.force_login(self.seller)
        note = {"action": "note", "body": "They asked before."}
        self.assertEqual(self.client.post(request.get_seller_url(), note).status_code, 303)
        self.assertContains(self.client.get(request.get_seller_url()), "They asked before.")
        self.client.force_login(self.customer)
        self.assertNotContains(self.client.get(page), "They asked before.")

    def test_a_seller_says_what_their_product_comes_with(self):
        page = reverse("shop:seller_support_terms_update", args=[self.product.slug])
        terms = {"included": "unlimited", "most_open": "2"}
        self.client.force_login(make_seller())
        self.assertEqual(self.client.post(page, terms).status_code, 404)
        self.client.force_login(self.seller)
        self.assertEqual(self.client.post(page, terms).status_code, 303)
        self.assertEqual(self.product.support_terms.first().included, "unlimited")
