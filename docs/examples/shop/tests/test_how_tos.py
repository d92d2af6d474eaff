"""What the how-tos say is so."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.contrib.auth.models import Group
from django.db import IntegrityError
from django.test import TestCase
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog.testing import files_in, make_seller
from django_digitalstore.entitlements.policies import live_purchase
from django_digitalstore.entitlements.testing import (
    assert_access,
    assert_no_access,
    customer_who_owns,
    make_customer,
    make_product,
    make_release_with_file,
)
from django_digitalstore.payments import inbox
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    paid_order,
    place_order,
    post_webhook,
)

from ..downloads import give_downloads_again, refused_today, what_is_left
from ..models import Order, Payment, Product
from ..money_back import bank_transfer_arrived, refund_in_full, sent_back_by_bank
from ..own_payments import invoice_paid, invoice_refunded, subscription_renewed
from ..shipping import ship


class Site(TestCase):
    def check_out(self, name, product, **fields):
        form = {"product": product.slug, "email": "ada@example.com", "country": "DE", **fields}
        return self.client.post(reverse(f"shop:{name}"), form)


class Shipping(Site):
    def setUp(self):
        self.enterContext(files_in())
        self.build = Path(self.enterContext(TemporaryDirectory()))

    def test_a_build_is_shipped_once_however_often_it_runs(self):
        product = make_product()
        (self.build / "app.zip").write_bytes(b"bytes")
        first = ship(product, "2.0", "# Faster\n\n*twice*", self.build).published_at
        (self.build / "app.exe").write_bytes(b"more")
        release = ship(product, "2.0", "", self.build)
        self.assertEqual(release.published_at, first)
        names = release.assets.values_list("name", flat=True)
        self.assertEqual(sorted(names), ["app.exe", "app.zip"])
        page = self.client.get(reverse("shop:product_changelog", args=[product.slug]))
        self.assertContains(page, "<h3>Faster</h3>")


class ExtendedViews(Site):
    def test_queryset_and_context(self):
        make_product(title="Seen")
        make_product(title="Secret plans")
        answer = self.client.get("/books/")
        self.assertContains(answer, "Seen")
        self.assertNotContains(answer, "Secret plans")
        self.assertEqual(answer.context["motto"], "Read more.")

    def test_block(self):
        book = make_product(title="Emma", isbn="9780141439518")
        make_product(title="Persuasion")
        answer = self.client.get(f"/book/{book.slug}/")
        self.assertContains(answer, "ISBN 9780141439518")
        self.assertContains(answer, "Persuasion")

    def test_form_and_success_url(self):
        self.client.force_login(make_seller())
        self.assertEqual(self.client.get("/seller/books/new/").status_code, 200)
        form = {"title": "Emma", "price": "12", "currency": "EUR", "isbn": "9780141439518"}
        answer = self.client.post("/seller/books/new/", form)
        self.assertEqual(answer.url, "/seller/?new=emma")
        self.assertEqual(Product.objects.get().isbn, "9780141439518")

    def test_the_order_keeps_what_the_form_asks(self):
        self.client.force_login(make_customer())
        self.check_out("book_checkout", make_product(), dedication="For Grace")
        self.assertEqual(Order.objects.get().dedication, "For Grace")


class Role(Site):
    def test_only_affiliates_come_in(self):
        user = make_customer()
        for name in ("affiliate_terms", "affiliate_profile"):
            url = reverse(f"shop:{name}")
            self.client.logout()
            self.assertRedirects(
                self.client.get(url), f"/accounts/login/?next={url}", fetch_redirect_response=False
            )
            self.client.force_login(user)
            self.assertEqual(self.client.get(url).status_code, 403)
        user.groups.add(Group.objects.create(name="affiliates"))
        for name in ("affiliate_terms", "affiliate_profile"):
            self.assertEqual(self.client.get(reverse(f"shop:{name}")).status_code, 200)


class Donation(Site):
    def test_it_is_paid_and_gives_nothing(self):
        book, customer = make_product(title="Emma"), make_customer()
        self.client.force_login(customer)
        page = self.client.get(reverse("shop:donate"), {"product": book.slug})
        self.assertContains(page, "A coffee for “Emma”")
        self.assertContains(page, "Pay €5.00")
        self.client.post(self.check_out("donate", book).url, {"action": "pay"})
        deliver_webhooks(self.client)
        order = Order.objects.get()
        self.assertEqual((order.status, order.total), ("paid", 500))
        assert_no_access(customer, book)

    def test_nobody_gives_to_themselves(self):
        seller = make_seller()
        self.client.force_login(seller)
        answer = self.check_out("donate", make_product(seller=seller))
        self.assertContains(answer, "You would give to yourself.", status_code=400)


class Acme(Site):
    def setUp(self):
        self.book, self.customer = make_product(price=1200), make_customer()
        self.client.force_login(self.customer)
        self.assertEqual(
            self.check_out("acme_checkout", self.book).url, "https://pay.acme.example/"
        )
        self.checkout = Payment.objects.get().checkout_reference

    def webhook(self, kind, **data):
        at = int(timezone.now().timestamp())
        body = {"type": kind, "data": {"at": at, **data}}
        return post_webhook(self.client, body, alias="acme")

    def pay(self, **data):
        paid = {"id": "p1", "checkout": self.checkout, "state": "paid"}
        return self.webhook("payment", **{**paid, "amount": 1200, "currency": "EUR", **data})

    def test_paid_and_refunded(self):
        self.assertEqual(self.pay().status_code, 200)
        assert_access(self.customer, self.book)
        self.webhook("refund", id="r1", payment="p1", amount=1200, currency="EUR")
        assert_no_access(self.customer, self.book)

    def test_refused(self):
        self.pay(state="refused")
        self.assertEqual(Order.objects.get().status, "failed")

    def test_another_amount_gives_nothing(self):
        self.pay(amount=1)
        assert_no_access(self.customer, self.book)

    def test_a_wrong_field_is_named(self):
        self.assertEqual(self.pay(amount="1200").status_code, 400)
        message = InboxMessage.objects.get()
        self.assertIn("data.amount: must be an amount in minor units.", message.error)

    def test_what_we_dont_act_on_and_what_is_not_signed(self):
        self.assertEqual(self.webhook("payout").status_code, 200)
        self.assertEqual(inbox.receive("acme", b"{}", {}).status, 401)


class ProtectedPages(Site):
    def test_owners_see_them(self):
        book = make_product(title="Emma")
        self.client.force_login(customer_who_owns(book))
        for page in (f"/lessons/{book.slug}/", f"/excerpts/{book.slug}/"):
            self.assertContains(self.client.get(page), "The lesson")
        self.assertContains(self.client.get("/chapters/Emma/"), "<h1>Emma</h1>")
        self.assertContains(self.client.get(f"/badges/{book.slug}/"), "yours")

    def test_others_are_shown_what_to_buy(self):
        book = make_product(title="Emma")
        self.assertContains(self.client.get(f"/badges/{book.slug}/"), "buy it")
        self.client.force_login(make_customer())
        self.assertEqual(self.client.get(f"/lessons/{book.slug}/").status_code, 403)
        self.assertEqual(self.client.get("/chapters/Emma/").status_code, 403)
        self.assertRedirects(self.client.get(f"/excerpts/{book.slug}/"), book.get_absolute_url())


class OwnPayments(TestCase):
    def test_two_invoices_stand_alone(self):
        book, customer = make_product(), make_customer()
        invoice_paid(customer, book, "1")
        invoice_paid(customer, book, "1")
        invoice_paid(customer, book, "2")
        invoice_refunded(customer, book, "1")
        assert_access(customer, book)
        invoice_refunded(customer, book, "2")
        assert_no_access(customer, book)

    def test_a_subscription_gives_until_what_is_paid_ends(self):
        book, customer = make_product(), make_customer()
        ends = timezone.now() + timedelta(days=30)
        subscription_renewed(customer, book, "s1", ends)
        self.assertEqual(live_purchase(customer, book).expires_at, ends)
        subscription_renewed(customer, book, "s1", ends + timedelta(days=30))
        self.assertEqual(live_purchase(customer, book).expires_at, ends + timedelta(days=30))


class OwnFields(TestCase):
    def test_the_constraints_of_the_base_are_kept(self):
        with self.assertRaises(IntegrityError):
            Product.objects.create(title="A", slug="a", price=1, status="sold")


class MoneyBack(TestCase):
    def test_all_that_was_paid_goes_back(self):
        ada, book = make_customer(), make_product()
        order = paid_order(ada, book)
        with self.captureOnCommitCallbacks(execute=True):
            refund_in_full(order, ada, "changed my mind")
        assert_no_access(ada, book)
        self.assertIsNone(refund_in_full(order, ada, "once more"))

    def test_money_comes_and_goes_by_bank(self):
        ada, book = make_customer(), make_product()
        order = place_order(ada, book).order
        payment = bank_transfer_arrived(order, order.total, "TX-1", ada)
        assert_access(ada, book)
        sent_back_by_bank(payment, "TX-2", ada)
        assert_no_access(ada, book)


class Downloads(Site):
    def setUp(self):
        self.enterContext(files_in())
        self.seller = make_seller()
        self.product = make_product(
            seller=self.seller, download_limit=1, updates="limited", update_days=30
        )
        self.asset = make_release_with_file(self.product)
        self.owner = customer_who_owns(self.product)
        self.client.force_login(self.owner)

    def download(self):
        answer = self.client.post(reverse("shop:download_link", args=[self.asset.pk]))
        if answer.status_code == 303:
            answer = self.client.get(answer.url)
            list(answer)
        return answer.status_code < 400  # bytes, or the address that the backend leads to

    def test_a_limit_and_its_reset(self):
        since = live_purchase(self.owner, self.product).granted_at
        self.assertEqual(what_is_left(self.owner, self.product), (1, since + timedelta(days=30)))
        self.assertEqual([self.download(), self.download()], [True, False])
        self.assertEqual(what_is_left(self.owner, self.product)[0], 0)
        self.assertEqual(refused_today(self.product), {"limit": 1})
        give_downloads_again(self.owner, self.product, self.seller)
        self.assertTrue(self.download())
