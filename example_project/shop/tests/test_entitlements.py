"""The library and its downloads, as a customer meets them."""

from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import files_in
from django_digitalstore.entitlements.testing import (
    assert_no_access,
    customer_who_owns,
    make_customer,
    make_product,
    make_release_with_file,
    revoke,
)


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

    def test_an_owner_downloads_the_file(self):
        self.client.force_login(customer_who_owns(self.product))
        answer = self.client.get(self.click().url)
        self.assertEqual(b"".join(answer.streaming_content), b"the words")

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
