"""A seller's short links: made, clicked, counted, and nobody else's business."""

from django.core.cache import cache
from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import make_product, make_seller
from django_digitalstore.contrib.shorturls.models import ShortLink
from django_digitalstore.contrib.shorturls.testing import click, make_link, saved_clicks
from django_digitalstore.entitlements.testing import make_customer


class ShortLinkTests(TestCase):
    def setUp(self):
        cache.clear()
        self.seller = make_seller()
        self.product = make_product(seller=self.seller)
        self.client.force_login(self.seller)

    def test_a_link_is_made_clicked_and_counted(self):
        fields = {"product": self.product.pk, "code": "spring"}
        page = self.client.post(reverse("shop:seller_link_create"), fields)
        self.assertRedirects(page, reverse("shop:seller_link", args=["spring"]))
        self.assertEqual(click("spring").url, self.product.get_absolute_url())
        self.assertEqual(saved_clicks(ShortLink.objects.get()), 1)
        self.assertContains(self.client.get(reverse("shop:seller_links")), "spring")

    def test_a_link_that_is_switched_off_leads_nowhere(self):
        link = make_link(self.product, owner=self.seller)
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(reverse("shop:seller_link_switch", args=[link.code]), {"on": "0"})
        self.assertEqual(click(link).status_code, 404)

    def test_a_link_never_leads_to_a_stranger(self):
        fields = {"address": "https://elsewhere.example/"}
        page = self.client.post(reverse("shop:seller_link_create"), fields)
        self.assertTrue(page.context["form"].errors)
        self.assertFalse(ShortLink.objects.exists())

    def test_other_peoples_links_do_not_exist(self):
        link = make_link(owner=make_seller())
        for page in ("seller_link", "seller_link_update"):
            url = reverse(f"shop:{page}", args=[link.code])
            self.assertEqual(self.client.get(url).status_code, 404)

    def test_a_link_knows_the_order_that_it_led_to(self):
        link = make_link(self.product, owner=self.seller)
        self.client.force_login(make_customer())
        click(link, self.client)
        form = {"product": self.product.slug, "email": "ada@example.com", "country": "DE"}
        self.client.post(reverse("shop:checkout"), form)
        self.assertEqual(link.orders.count(), 1)
