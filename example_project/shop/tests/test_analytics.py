"""The figures, as a seller and staff look at them."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import TestCase
from django.urls import reverse

from django_digitalstore.catalog.testing import make_seller
from django_digitalstore.entitlements.testing import make_customer, make_product
from django_digitalstore.payments.testing import paid_order


class FiguresTests(TestCase):
    def setUp(self):
        self.seller = make_seller()
        self.product = make_product(title="A book", seller=self.seller)
        self.customer = make_customer()
        paid_order(self.customer, self.product)
        self.page = reverse("shop:sales_dashboard")

    def test_a_seller_sees_what_they_sold(self):
        self.client.force_login(self.seller)
        self.assertContains(self.client.get(self.page), "A book")

    def test_a_seller_takes_it_along_as_a_file(self):
        self.client.force_login(self.seller)
        file = self.client.get(reverse("shop:sales_export"), {"table": "products"})
        self.assertIn("A book", file.getvalue().decode())

    def test_another_seller_sees_nothing_of_it(self):
        self.client.force_login(make_seller())
        self.assertNotContains(self.client.get(self.page), "A book")

    def test_a_customer_sees_no_figures(self):
        self.client.force_login(self.customer)
        self.assertEqual(self.client.get(self.page).status_code, 403)

    def test_the_whole_site_is_for_staff_who_may_view_it(self):
        page = reverse("shop:site_sales_dashboard")
        self.client.force_login(self.seller)
        self.assertEqual(self.client.get(page).status_code, 403)
        staff = make_customer()
        get_user_model().objects.filter(pk=staff.pk).update(is_staff=True)
        staff.user_permissions.add(Permission.objects.get(codename="view_dailyfigures"))
        self.client.force_login(staff)
        self.assertContains(self.client.get(page), "A book")
