"""One's own account works."""

from django.contrib.auth import get_user_model
from django.test import TestCase
from django.urls import reverse


class AccountTests(TestCase):
    def test_visitors_log_in_and_come_back(self):
        url = reverse("shop:profile")
        answer = self.client.get(url)
        self.assertEqual(answer.status_code, 302)
        self.assertTrue(answer["Location"].endswith(f"?next={url}"))

    def test_customers_see_their_account(self):
        User = get_user_model()
        self.client.force_login(User.objects.create_user("ada", "ada@example.com", "a password"))
        for name in ("profile", "password"):
            with self.subTest(name):
                self.assertEqual(self.client.get(reverse(f"shop:{name}")).status_code, 200)
