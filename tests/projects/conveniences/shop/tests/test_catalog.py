"""The shop window and the seller's panel work."""

from django.core.files.base import ContentFile
from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import files_in, make_product, make_release, make_seller

from ..models import Product


class ShopWindowTests(TestCase):
    def test_a_published_product_is_shown(self):
        product = make_product("The Book of Tests")
        page = self.client.get(reverse("shop:product_list"))
        self.assertContains(page, "The Book of Tests")
        self.assertContains(page, product.get_absolute_url())

    def test_a_draft_is_not(self):
        product = make_product("Not yet", published=False)
        self.assertNotContains(self.client.get(reverse("shop:product_list")), "Not yet")
        self.assertEqual(self.client.get(product.get_absolute_url()).status_code, 404)

    def test_a_product_page_names_its_files(self):
        product = make_product()
        make_release(product, {"book.epub": b"words"})
        self.assertContains(self.client.get(product.get_absolute_url()), "book.epub")


    def test_the_changelog_shows_what_is_new(self):
        product = make_product()
        make_release(product, notes="*Faster* than before")
        make_release(product, version="9.9-draft", published=False)
        page = self.client.get(reverse("shop:product_changelog", args=[product.slug]))
        self.assertContains(page, "<em>Faster</em> than before")
        self.assertNotContains(page, "9.9-draft")


class SellerPanelTests(TestCase):
    def setUp(self):
        self.seller = make_seller()
        self.client.force_login(self.seller)

    def test_a_new_product_is_a_draft_of_the_seller_who_publishes_it(self):
        fields = {"title": "New", "price": "12.00", "currency": "EUR"}
        page = self.client.post(reverse("shop:seller_product_create"), fields)
        self.assertFalse(page.context and page.context["form"].errors)
        product = Product.objects.get(slug="new")
        self.assertEqual(product.seller, self.seller)
        self.assertEqual((product.status, product.price), ("draft", 1200))
        self.client.post(reverse("shop:seller_product_publish", kwargs={"slug": "new"}))
        product.refresh_from_db()
        self.assertEqual(product.status, "published")

    def test_other_peoples_products_do_not_exist(self):
        product = make_product()
        url = reverse("shop:seller_product_update", kwargs={"slug": product.slug})
        self.assertEqual(self.client.get(url).status_code, 404)

    def test_a_new_version_is_a_draft_which_is_published_and_withdrawn(self):
        product = make_product(seller=self.seller)
        fields = {"version": "2.0", "notes": "*Faster*"}
        page = self.client.post(
            reverse("shop:seller_release_create", args=[product.slug]), fields
        )
        self.assertFalse(page.context and page.context["form"].errors)
        release = product.releases.get(version="2.0")
        self.assertEqual(release.state, "draft")
        self.assertRedirects(
            page, reverse("shop:seller_release_update", args=[product.slug, release.pk])
        )
        for step, given, state in [
            ("publish", {"at": ""}, "published"),
            ("yank", {"reason": "It deletes files."}, "yanked"),
            ("unyank", {}, "published"),
        ]:
            url = reverse(f"shop:seller_release_{step}", args=[product.slug, release.pk])
            self.client.post(url, given)
            release.refresh_from_db()
            self.assertEqual(release.state, state)

    def test_other_peoples_versions_do_not_exist(self):
        release = make_release(make_product())
        args = [release.product.slug, release.pk]
        for page in ("update", "publish", "yank"):
            url = reverse(f"shop:seller_release_{page}", args=args)
            self.assertEqual(self.client.get(url).status_code, 404)

    def test_files_are_uploaded_renamed_replaced_and_deleted(self):
        self.enterContext(files_in())
        release = make_release(make_product(seller=self.seller), {})
        files = reverse("shop:seller_assets", args=[release.pk])
        given = {"file": ContentFile(b"words", name="book.epub"), "visibility": "owners"}
        page = self.client.post(reverse("shop:seller_asset_create", args=[release.pk]), given)
        self.assertRedirects(page, files)
        asset = release.assets.get()
        self.assertEqual((asset.name, asset.size, asset.state), ("book.epub", 5, "ready"))
        given = {"name": "novel.epub", "visibility": "sample"}
        self.client.post(reverse("shop:seller_asset_update", args=[asset.pk]), given)
        given = {"file": ContentFile(b"more words", name="x.epub")}
        self.client.post(reverse("shop:seller_asset_replace", args=[asset.pk]), given)
        asset = release.assets.get()
        self.assertEqual((asset.name, asset.visibility, asset.size), ("novel.epub", "sample", 10))
        self.client.post(reverse("shop:seller_asset_delete", args=[asset.pk]))
        self.assertFalse(release.assets.exists())

    def test_other_peoples_files_do_not_exist(self):
        self.enterContext(files_in())
        release = make_release(make_product())
        for page in ("assets", "asset_create"):
            url = reverse(f"shop:seller_{page}", args=[release.pk])
            self.assertEqual(self.client.get(url).status_code, 404)
        for page in ("update", "replace", "delete"):
            url = reverse(f"shop:seller_asset_{page}", args=[release.assets.get().pk])
            self.assertEqual(self.client.get(url).status_code, 404)
