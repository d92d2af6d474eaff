"""One's own account works."""

from django.test import TestCase
from django.urls import reverse

from django_digitalstore.accounts.testing import PASSWORD, make_user


class AccountTests(TestCase):
    def test_visitors_log_in_and_come_back(self):
        url = reverse("shop:profile")
        answer = self.client.get(url)
        self.assertEqual(answer.status_code, 302)
        self.assertTrue(answer["Location"].endswith(f"?next={url}"))

    def test_customers_see_their_account(self):
        self.client.force_login(make_user())
        self.assertEqual(self.client.get(reverse("shop:profile")).status_code, 200)

    def test_customers_change_their_password_and_stay_logged_in(self):
        self.client.force_login(make_user())
        new = "another-long-pass-word-2"
        fields = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
        answer = self.client.post(reverse("shop:password"), fields)
        self.assertRedirects(answer, reverse("shop:profile"))
