"""The library, the way to a file and e-mails about new versions, as a customer meets them."""

from django.core import mail
from django.test import TestCase
from django.urls import resolve, reverse

from django_digitalstore.catalog.testing import files_in, make_release, make_seller
from django_digitalstore.core import outbox
from django_digitalstore.entitlements.links import redeem
from django_digitalstore.entitlements.testing import (
    assert_access,
    assert_no_access,
    customer_who_owns,
    make_customer,
    make_product,
    make_release_with_file,
    revoke,
)

from ..models import Download


class LibraryTests(TestCase):
    def setUp(self):
        self.enterContext(files_in())
        self.product = make_product(title="A book")
        self.asset = make_release_with_file(self.product, b"the words", "book.txt")

    def click(self):
        return self.client.post(reverse("shop:download_link", args=[self.asset.pk]))

    def test_the_library_shows_what_a_customer_owns(self):
        self.client.force_login(customer_who_owns(self.product))
        self.assertContains(self.client.get(reverse("shop:library")), "book.txt")

    def test_an_owner_gets_a_link_to_the_file(self):
        owner = customer_who_owns(self.product)
        self.client.force_login(owner)
        link = resolve(self.click().url)
        self.assertEqual(link.view_name, "shop:download")
        # What then comes (bytes, a header, another address) is for the delivery backend to say.
        self.assertEqual(redeem(link.kwargs["token"], owner).asset_id, str(self.asset.pk))
        assert_access(owner, self.product)

    def test_nobody_else_does(self):
        stranger = make_customer()
        self.client.force_login(stranger)
        self.assertEqual(self.click().status_code, 404)
        assert_no_access(stranger, self.product)

    def test_a_link_dies_with_the_access(self):
        owner = customer_who_owns(self.product)
        self.client.force_login(owner)
        link = self.click().url
        revoke(owner, self.product)
        self.assertEqual(self.client.get(link).status_code, 403)


class ReleaseNoticeTests(TestCase):
    def setUp(self):
        self.enterContext(files_in())
        self.seller = make_seller()
        self.product = make_product(title="A book", seller=self.seller)
        self.release = make_release(self.product, version="2.0")
        self.owner = customer_who_owns(self.product)

    def tell_owners(self, seller):
        self.client.force_login(seller)
        with self.captureOnCommitCallbacks(execute=True):
            product, release = self.product.slug, self.release.pk
            page = reverse("shop:seller_release_notify", args=[product, release])
            response = self.client.post(page)
        self.client.logout()
        outbox.sweep()
        return response

    def test_the_page_of_a_release_has_the_button(self):
        self.client.force_login(self.seller)
        args = [self.product.slug, self.release.pk]
        page = self.client.get(reverse("shop:seller_release_update", args=args))
        self.assertContains(page, reverse("shop:seller_release_notify", args=args))

    def test_owners_are_told_of_a_release_once(self):
        self.assertEqual(self.tell_owners(self.seller).status_code, 303)
        self.tell_owners(self.seller)
        (message,) = mail.outbox
        self.assertEqual(message.subject, "New: “A book” 2.0")
        self.assertIn(
            reverse("shop:library_releases", args=[self.product.slug]), message.body
        )

    def test_another_seller_tells_nobody(self):
        self.assertEqual(self.tell_owners(make_seller()).status_code, 404)
        self.assertEqual(mail.outbox, [])

    def test_the_link_of_the_mail_ends_such_mails_without_a_login(self):
        self.tell_owners(self.seller)
        link = mail.outbox[0].extra_headers["List-Unsubscribe"].strip("<>")
        page = link[link.index(reverse("shop:unsubscribe", args=["x"])[:-2]) :]
        self.assertContains(self.client.get(page), "A book")
        self.client.post(page, {"action": "product"})
        self.release = make_release(self.product, version="3.0")
        self.tell_owners(self.seller)
        self.assertEqual(len(mail.outbox), 1)


class SellerTests(TestCase):
    def setUp(self):
        self.enterContext(files_in())
        self.seller = make_seller()
        self.product = make_product(title="A book", seller=self.seller, download_limit=1)
        self.asset = make_release_with_file(self.product, b"the words", "book.txt")

    def test_a_seller_looks_at_a_file_without_owning_it(self):
        self.client.force_login(self.seller)
        preview = reverse("shop:asset_preview_link", args=[self.asset.pk])
        link = resolve(self.client.post(preview).url)
        self.assertEqual(link.view_name, "shop:asset_preview")
        assert_no_access(self.seller, self.product)

    def test_a_seller_gives_a_buyer_their_downloads_again(self):
        owner = customer_who_owns(self.product)
        self.client.force_login(owner)
        click = reverse("shop:download_link", args=[self.asset.pk])
        list(self.client.get(self.client.post(click).url))
        self.assertEqual(self.client.post(click).status_code, 303)  # to go on where it broke
        self.client.force_login(self.seller)
        reset = reverse("shop:seller_download_reset", args=[Download.objects.get().pk])
        self.assertContains(self.client.get(reverse("shop:seller_downloads")), reset)
        self.client.post(reset, {"reason": "their disk broke"})
        self.assertEqual(Download.objects.filter(outcome="reset").count(), 1)

    def test_everybody_gets_a_sample_and_nothing_else(self):
        sample = reverse("shop:sample", args=[self.asset.pk])
        self.assertEqual(self.client.get(sample).status_code, 404)
        self.asset.visibility = "sample"
        self.asset.save()
        answer = self.client.get(sample)
        self.assertLess(answer.status_code, 400)
        list(answer)
