"""The provider's invoice and the provider's page for a customer, behind the site's own doors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest
from django.contrib import messages
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path

from django_digitalstore.core.views import IsCustomerMixin
from django_digitalstore.payments import views
from django_digitalstore.payments.backends.sandbox import SandboxBackend
from django_digitalstore.payments.exceptions import ProviderUnavailable
from django_digitalstore.payments.testing import paid_order, place_order, post_webhook
from tests.payments import signed

pytestmark = pytest.mark.django_db

PDF = b"%PDF-1.7 invoice"


class PagesBackend(SandboxBackend):
    """The sandbox, of a provider that has invoices and a portal."""

    supports_invoices = True
    supports_portal = True
    asked: ClassVar[list[tuple[str, ...]]] = []
    answer: ClassVar[Any] = None

    def normalize(self, message: Any) -> Any:
        return [replace(event, customer="cus_7") for event in super().normalize(message)]

    def fetch_invoice(self, payment: str) -> bytes:
        self.asked.append(("invoice", payment))
        if isinstance(self.answer, Exception):
            raise self.answer
        return PDF

    def portal_url(self, customer: str, return_url: str) -> str:
        self.asked.append(("portal", customer, return_url))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer or "https://provider.example.com/portal/secret"


class InvoiceView(IsCustomerMixin, views.GenericOrderInvoiceView):
    base_template = "base.html"
    active_page = "orders"
    detail_url = "order"


class PortalView(IsCustomerMixin, views.GenericCustomerPortalView):
    base_template = "base.html"
    active_page = "orders"
    return_url = "orders"


class OrderView(IsCustomerMixin, views.GenericOrderDetailView):
    base_template = "base.html"
    active_page = "orders"
    invoice_url = "invoice"


class OrdersView(IsCustomerMixin, views.GenericOrderHistoryView):
    base_template = "base.html"
    active_page = "orders"
    detail_url = "order"
    portal_url = "portal"


def said(request: Any) -> HttpResponse:
    return HttpResponse("|".join(map(str, messages.get_messages(request))))


urlpatterns = [
    path("store/", include("django_digitalstore.urls")),
    path("accounts/login/", LoginView.as_view()),
    path("said/", said),
    path("orders/", OrdersView.as_view(), name="orders"),
    path("orders/<public_id>/", OrderView.as_view(), name="order"),
    path("orders/<public_id>/invoice/", InvoiceView.as_view(), name="invoice"),
    path("portal/", PortalView.as_view(), name="portal"),
]


@pytest.fixture(autouse=True)
def site():
    PagesBackend.asked.clear()
    PagesBackend.answer = None
    entry = {"BACKEND": f"{__name__}.PagesBackend"}
    plain = {"BACKEND": "django_digitalstore.payments.backends.sandbox.SandboxBackend"}
    providers = {"default": entry, "plain": plain}
    with override_settings(ROOT_URLCONF=__name__, DIGITALSTORE_PAYMENTS=providers):
        yield


@pytest.fixture
def order(customer, make_product, client):
    attempt = place_order(customer, make_product())
    post_webhook(client, signed.payment_event(attempt))
    attempt.order.refresh_from_db()
    assert attempt.order.status == "paid"
    return attempt.order


def address(order: Any) -> str:
    return f"/orders/{order.public_id}/invoice/"


# --- the invoice ----------------------------------------------------------------------------------


def test_a_customer_gets_the_invoice_as_a_file(client_of, customer, order):
    response = client_of(customer).get(address(order))

    assert (response.status_code, response.content) == (200, PDF)
    assert PagesBackend.asked == [("invoice", "pay_1")]
    assert {
        name: response[name]
        for name in (
            "Content-Type",
            "Content-Disposition",
            "X-Content-Type-Options",
            "Content-Security-Policy",
            "Cache-Control",
        )
    } == {
        "Content-Type": "application/pdf",
        "Content-Disposition": f'attachment; filename="invoice-{order.public_id}.pdf"',
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "max-age=0, no-cache, no-store, must-revalidate, private",
    }


def test_nobody_else_gets_it(client, client_of, other_customer, superuser, order):
    assert client.get(address(order)).status_code == 302  # to log in
    assert client_of(other_customer).get(address(order)).status_code == 404
    assert client_of(superuser).get(address(order)).status_code == 404
    assert PagesBackend.asked == []


def test_there_is_no_invoice_of_what_was_not_paid_or_has_none(client_of, customer, make_product):
    unpaid = place_order(customer, make_product("Unpaid")).order
    free = place_order(customer, make_product("Free", price=0)).order
    elsewhere = paid_order(customer, make_product("Plain"), alias="plain")
    client = client_of(customer)
    assert [client.get(address(o)).status_code for o in (unpaid, free, elsewhere)] == [404] * 3
    assert PagesBackend.asked == []


@pytest.mark.parametrize("error", [ProviderUnavailable("down"), ValueError("odd")])
def test_where_the_provider_fails_the_buyer_is_told_politely(client_of, customer, order, error):
    PagesBackend.answer = error
    client = client_of(customer)
    response = client.get(address(order))
    assert (response.status_code, response["Location"]) == (303, f"/orders/{order.public_id}/")
    assert client.get("/said/").content == b"The invoice cannot be fetched now. Please try again."


def test_a_provider_that_is_gone_has_no_invoices(client_of, customer, order):
    with override_settings(DIGITALSTORE_PAYMENTS={}):
        assert client_of(customer).get(address(order)).status_code == 404


def test_the_order_links_to_its_invoice(client_of, customer, order, make_product):
    client = client_of(customer)
    assert f'href="{address(order)}"' in client.get(f"/orders/{order.public_id}/").text
    other = paid_order(customer, make_product("Plain"), alias="plain")
    assert "invoice" not in client.get(f"/orders/{other.public_id}/").text


# --- the portal -----------------------------------------------------------------------------------


def test_a_customer_is_sent_to_their_own_page_at_the_provider(client_of, customer, order):
    response = client_of(customer).post("/portal/")
    assert (response.status_code, response["Location"]) == (
        303,
        "https://provider.example.com/portal/secret",
    )
    assert PagesBackend.asked == [("portal", "cus_7", "http://testserver/orders/")]
    assert "no-store" in response["Cache-Control"]


def test_looking_opens_nothing(client_of, customer, order):
    assert client_of(customer).get("/portal/").status_code == 405
    assert PagesBackend.asked == []


def test_who_never_paid_is_known_to_no_provider(client, client_of, other_customer, order):
    assert client.post("/portal/").status_code == 302
    assert client_of(other_customer).post("/portal/").status_code == 404
    assert PagesBackend.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        "javascript:alert(1)",
        "//evil.example.com/",
        "/local/",
        "https:///",
        ProviderUnavailable("down"),
    ],
)
def test_only_a_page_of_the_provider_is_gone_to(client_of, customer, order, answer):
    PagesBackend.answer = answer
    client = client_of(customer)
    response = client.post("/portal/")
    assert (response.status_code, response["Location"]) == (303, "/orders/")
    assert client.get("/said/").content == b"That page cannot be opened now. Please try again."


def test_a_live_providers_page_is_under_https(client_of, customer, order, monkeypatch):
    monkeypatch.setattr(PagesBackend, "is_test", property(lambda self: False))
    PagesBackend.answer = "http://provider.example.com/portal"
    assert client_of(customer).post("/portal/")["Location"] == "/orders/"


def test_the_list_of_orders_has_the_button_where_there_is_a_page(
    client_of, customer, other_customer, order
):
    assert 'action="/portal/"' in client_of(customer).get("/orders/").text
    assert 'action="/portal/"' not in client_of(other_customer).get("/orders/").text
