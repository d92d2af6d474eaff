"""What each trap of this site could break, and does not."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connections
from django.test import Client, override_settings
from django.test.utils import override_script_prefix
from django.urls import reverse
from django.utils import translation

from django_digitalstore.core.site_url import absolute_url
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments.testing import deliver_webhooks, paid_order
from tests.projects.traps.middleware import INLINE, POLICY

pytestmark = pytest.mark.django_db


def webhook(alias: str = "default") -> str:
    return reverse("digitalstore_payments:webhook", args=[alias])


def post(path: str, **extra: str):
    return Client().post(path, "{}", content_type="application/json", **extra)


# --- the way of a webhook ---------------------------------------------------------------------


def test_a_webhook_is_heard_without_log_in_language_or_redirect():
    assert webhook() == "/store/payments/default/webhook/"
    with translation.override("de"):
        assert webhook() == "/store/payments/default/webhook/"
    answer = post(webhook(), headers={"Accept-Language": "de"})
    assert (answer.status_code, answer.has_header("Location")) == (401, False)


def test_a_proxy_that_does_not_say_https_has_webhooks_redirected_unless_they_are_exempt():
    assert post(webhook(), HTTP_X_BARE="1").status_code == 301
    exempt = [rf"^{re.escape(webhook()[1:])}$"]
    with override_settings(SECURE_REDIRECT_EXEMPT=exempt):
        assert post(webhook(), HTTP_X_BARE="1").status_code == 401


def test_nothing_of_the_site_is_named_by_a_check():
    messages = run_checks(include_deployment_checks=True)
    assert [m for m in messages if m.id in {"digitalstore.E305", "digitalstore.W306"}] == []


@pytest.mark.parametrize("append_slash", [True, False])
def test_the_address_that_a_provider_gets_is_the_one_that_answers(append_slash):
    with override_settings(APPEND_SLASH=append_slash):
        url = absolute_url(webhook())
        assert url == f"{settings.DIGITALSTORE_SITE_URL}/store/payments/default/webhook/"
        assert post(webhook()).status_code == 401


# --- pages ------------------------------------------------------------------------------------


def test_a_sale_from_end_to_end_in_german(product, customer, client_of):
    with translation.override("de"):
        checkout = reverse("shop:checkout")
        library = reverse("shop:library")
    assert (checkout, library) == ("/de/checkout/", "/de/library/")
    client = client_of(customer)
    form = {"product": product.slug, "email": "ada@example.com", "country": "DE"}
    pay_page = client.post(checkout, form).url
    client.post(pay_page, {"action": "pay"})
    deliver_webhooks(client)
    assert has_access(customer, product)
    assert product.title in client.get(library).content.decode()


def test_a_page_without_its_slash_is_found(product):
    assert Client().get("/en/library").url == "/en/library/"


def test_public_pages_are_public_and_the_others_behind_the_log_in(product):
    page = Client().get(reverse("shop:product_list"))
    assert (page.status_code, page["Content-Security-Policy"]) == (200, POLICY)
    answer = Client().get(reverse("shop:library"))
    assert answer.url == f"/accounts/login/?next={reverse('shop:library')}"


@pytest.mark.parametrize(
    "page",
    [
        "<p style='color: red'>",
        "<style>p {}</style>",
        "<script>alert()</script>",
        "<a onclick='buy()'>",
        '<a href="javascript:buy()">',
    ],
)
def test_the_policy_of_these_tests_would_find_what_is_inline(page):
    assert INLINE.search(page)
    assert not INLINE.search('<script src="/a.js"></script><p class="ds-style">on time = now</p>')


# --- databases and people ---------------------------------------------------------------------


@pytest.mark.django_db(databases=["default", "legacy"])
def test_the_other_database_stays_somebody_elses():
    call_command("migrate", "digitalstore_core", database="legacy", verbosity=0)
    tables = connections["legacy"].introspection.table_names()
    assert [name for name in tables if "digitalstore" in name or name.startswith("shop_")] == []


def test_who_left_keeps_what_was_bought(product, customer):
    from django.utils import timezone

    order = paid_order(customer, product)
    customer.left_at = timezone.now()
    customer.save()
    assert not type(customer).objects.filter(pk=customer.pk).exists()
    order = type(order)._default_manager.select_related("customer").get(pk=order.pk)
    assert order.customer == customer
    assert has_access(customer, product)


# --- several sites under one host name --------------------------------------------------------


def test_under_a_prefix_every_address_has_it(product):
    prefix = "/press"
    with override_script_prefix(f"{prefix}/"), override_settings(FORCE_SCRIPT_NAME=prefix):
        assert absolute_url(webhook()) == (
            f"{settings.DIGITALSTORE_SITE_URL}/press/store/payments/default/webhook/"
        )
        page = Client().get("/en/").content.decode()
    links = re.findall(r'(?:href|action)="(/[^"]*)"', page)
    assert len(links) > 3
    assert [link for link in links if not link.startswith(("/press/", settings.STATIC_URL))] == []


def test_under_a_prefix_a_webhook_is_heard():
    with override_settings(FORCE_SCRIPT_NAME="/press"):
        assert post("/store/payments/default/webhook/").status_code == 401
