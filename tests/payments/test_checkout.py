"""The checkout: what is bought, by whom and for how much is never what the request says."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.site_url import site_url
from django_digitalstore.entitlements import flows as entitlements
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.payments import (
    get_order_line_model,
    get_order_model,
    get_payment_model,
)
from django_digitalstore.payments.backends.sandbox import SandboxBackend
from django_digitalstore.payments.backends.sandbox.models import SandboxCheckout
from django_digitalstore.payments.forms import country_choices
from django_digitalstore.payments.testing import deliver_webhooks, paid_order, pay, place_order

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]

CHECKOUT = "/checkout/"


def form(*products: Any, **fields: Any) -> dict[str, Any]:
    return {
        "product": [product.slug for product in products],
        "email": "ada@example.com",
        "country": "DE",
        **fields,
    }


def change(product: Any, **values: Any) -> None:
    get_product_model()._default_manager.filter(pk=product.pk).update(**values)


class BrokenBackend(SandboxBackend):
    """A provider that is down."""

    def create_checkout(self, attempt: Any) -> Any:
        raise TimeoutError("no answer")


class ScriptBackend(SandboxBackend):
    """A provider whose checkout address is no page."""

    def create_checkout(self, attempt: Any) -> Any:
        return dataclasses.replace(super().create_checkout(attempt), url="javascript:alert(1)")


def provider(backend: type) -> Any:
    return override_settings(
        DIGITALSTORE_PAYMENTS={"default": {"BACKEND": f"{__name__}.{backend.__name__}"}}
    )


@pytest.fixture
def buyer(client_of: Any, customer: Any) -> Client:
    return client_of(customer)


# --- the page --------------------------------------------------------------------------------


def test_the_page_shows_what_is_bought_and_asks_for_country_and_email(
    buyer: Client, product: Any, customer: Any
) -> None:
    page = buyer.get(CHECKOUT, {"product": product.slug})
    text = page.content.decode()
    assert page.status_code == 200
    assert "A book" in text
    assert "Pay €19.99" in text
    assert customer.email in text
    assert '<option value="DE">Germany</option>' in text
    assert "no-cache" in page["Cache-Control"]
    assert get_order_model().objects.count() == 0


def test_countries_are_named_and_sorted_in_the_readers_language() -> None:
    english, german = country_choices("en"), country_choices("de")
    assert ("DE", "Germany") in english
    assert ("DE", "Deutschland") in german
    assert {"EU", "UN", "ZZ", "XA"}.isdisjoint(dict(english))
    names = [name for _, name in english]
    assert names.index("Åland Islands") < names.index("Albania")
    assert country_choices("xx-not-a-language") == english


def test_the_country_of_the_last_order_is_chosen_already(
    buyer: Client, product: Any, customer: Any, make_product: Any
) -> None:
    place_order(customer, make_product("Another"), country="PT")
    page = buyer.get(CHECKOUT, {"product": product.slug})
    assert '<option value="PT" selected>Portugal</option>' in page.content.decode()


@pytest.mark.parametrize(
    "query", ["", "?product=", "?product=nothing", "?product=a%00b", "?product=x%ff", "?p=a-book"]
)
def test_what_is_not_there_is_not_found(buyer: Client, query: str) -> None:
    assert buyer.get(CHECKOUT + query).status_code == 404
    assert buyer.post(CHECKOUT, query[1:], "application/x-www-form-urlencoded").status_code == 404


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_for_sale_is_not_found(buyer: Client, product: Any, status: str) -> None:
    change(product, status=status)
    assert buyer.get(CHECKOUT, {"product": product.slug}).status_code == 404
    assert buyer.post(CHECKOUT, form(product)).status_code == 404
    assert get_order_model().objects.count() == 0


def test_more_products_than_anybody_buys_are_not_found(buyer: Client) -> None:
    assert buyer.get(CHECKOUT, {"product": [f"p{i}" for i in range(500)]}).status_code == 404


# --- buying ----------------------------------------------------------------------------------


def test_buying_leads_to_the_provider_and_from_there_to_the_library(
    buyer: Client, product: Any, customer: Any
) -> None:
    response = buyer.post(CHECKOUT, form(product))
    assert response.status_code == 303
    order = get_order_model().objects.get()
    checkout = SandboxCheckout.objects.get()
    assert response.url == f"/store/payments/sandbox/{checkout.token}/"
    assert checkout.return_url == f"{site_url()}/orders/{order.public_id}/return/"
    assert checkout.cancel_url == f"{site_url()}/orders/{order.public_id}/"
    assert (order.customer, order.email, order.country) == (customer, "ada@example.com", "DE")
    paid = buyer.post(f"/store/payments/sandbox/{checkout.token}/", {"action": "pay"})
    assert paid.url == f"/orders/{order.public_id}/return/"
    assert not has_access(customer, product)
    assert [answer.status_code for answer in deliver_webhooks(buyer)] == [200]
    assert has_access(customer, product)
    order.refresh_from_db()
    assert order.status == "paid"


def test_several_products_are_one_order(
    buyer: Client, product: Any, customer: Any, make_product: Any
) -> None:
    second = make_product("Second", price=501)
    buyer.post(CHECKOUT, form(second, product))
    order = get_order_model().objects.get()
    assert order.total == 2500
    assert [line.name for line in order.lines.all()] == ["Second", "A book"]
    pay(order.payments.get())
    assert has_access(customer, product)
    assert has_access(customer, second)


def test_fields_that_nobody_asked_for_change_nothing(
    buyer: Client, product: Any, customer: Any, other_customer: Any
) -> None:
    tampered = {
        "price": "1",
        "unit_price": "1",
        "amount": "1",
        "total": "0",
        "subtotal": "0",
        "discount": "1999",
        "quantity": "100",
        "currency": "JPY",
        "status": "paid",
        "state": "succeeded",
        "paid_at": "2020-01-01",
        "alias": "free",
        "payment_alias": "free",
        "kind": "support",
        "user": str(other_customer.pk),
        "customer": str(other_customer.pk),
        "return_url": "https://evil.example/",
        "next": "https://evil.example/",
    }
    response = buyer.post(CHECKOUT, form(product, **tampered))
    assert response.url.startswith("/store/payments/sandbox/")
    order, line = get_order_model().objects.get(), get_order_line_model().objects.get()
    payment = get_payment_model().objects.get()
    assert (order.customer_id, order.total, order.currency) == (customer.pk, 1999, "EUR")
    assert (order.status, order.paid_at, order.discount) == ("pending", None, 0)
    assert (line.quantity, line.unit_price, line.kind) == (1, 1999, "product")
    assert (payment.alias, payment.state, payment.amount) == ("default", "open", 1999)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("email", "", "This field is required."),
        ("email", "not-an-address", "Enter a valid email address."),
        ("country", "", "This field is required."),
        (
            "country",
            "Atlantis",
            "Select a valid choice. Atlantis is not one of the available choices.",
        ),
    ],
)
def test_a_form_with_a_mistake_is_shown_again(
    buyer: Client, product: Any, field: str, value: str, message: str
) -> None:
    response = buyer.post(CHECKOUT, form(product, **{field: value}))
    assert response.status_code == 400
    assert response.context["form"].errors == {field: [message]}
    assert "<button" in response.content.decode()
    assert get_order_model().objects.count() == 0


def test_a_total_of_zero_skips_the_provider_and_never_the_order(
    buyer: Client, free_product: Any, customer: Any
) -> None:
    page = buyer.get(CHECKOUT, {"product": free_product.slug}).content.decode()
    assert "Get it for free" in page
    response = buyer.post(CHECKOUT, form(free_product))
    order = get_order_model().objects.get()
    assert response.status_code == 303
    assert response.url == f"/orders/{order.public_id}/return/"
    assert (order.status, order.total) == ("paid", 0)
    assert has_access(customer, free_product)
    assert SandboxCheckout.objects.count() == 0


def test_what_was_ordered_is_frozen_when_the_checkout_starts(
    buyer: Client, product: Any, customer: Any
) -> None:
    buyer.post(CHECKOUT, form(product))
    change(product, price=1, title="Renamed", currency="JPY")
    order = get_order_model().objects.get()
    pay(order.payments.get())
    order.refresh_from_db()
    line = order.lines.get()
    assert (order.status, order.total, order.currency) == ("paid", 1999, "EUR")
    assert (line.name, line.unit_price) == ("A book", 1999)
    assert SandboxCheckout.objects.get().amount == 1999
    assert has_access(customer, product)


def test_a_product_withdrawn_after_the_checkout_started_still_reaches_its_buyer(
    buyer: Client, product: Any, customer: Any
) -> None:
    buyer.post(CHECKOUT, form(product))
    change(product, status="archived")
    pay(get_payment_model().objects.get())
    assert has_access(customer, product)


# --- refusals --------------------------------------------------------------------------------


def refused(response: Any, status: int) -> str:
    assert response.status_code == status
    return str(response.context["problem"])


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_seller_cannot_buy_their_own_product(
    client_of: Any, seller: Any, product: Any, method: str
) -> None:
    response = getattr(client_of(seller), method)(CHECKOUT, form(product))
    assert refused(response, 400) == (
        "“A book” is your own product. To try a purchase, sign in as somebody else."
    )
    assert 'role="alert"' in response.content.decode()
    assert get_order_model().objects.count() == 0


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_owns_it_is_led_to_the_library(
    buyer: Client, customer: Any, product: Any, method: str
) -> None:
    paid_order(customer, product)
    response = getattr(buyer, method)(CHECKOUT, form(product))
    assert (response.status_code, response.url) == (303, "/library/")
    shown = [str(message) for message in buyer.get("/orders/").context["messages"]]
    assert shown == ["You own “A book” already."]
    assert get_order_model().objects.count() == 1


def test_one_of_several_that_is_owned_already_is_named(
    buyer: Client, customer: Any, product: Any, make_product: Any
) -> None:
    paid_order(customer, product)
    response = buyer.post(CHECKOUT, form(make_product("Second"), product))
    assert refused(response, 409) == "You own “A book” already."
    assert get_order_model().objects.count() == 1


def test_a_revoked_buyer_cannot_pay_again(buyer: Client, customer: Any, product: Any) -> None:
    paid_order(customer, product)
    entitlements.revoke_product(customer, product, reason="charged back elsewhere")
    response = buyer.post(CHECKOUT, form(product))
    assert refused(response, 400) == "“A book” is not available to you. Please write to us."
    assert get_order_model().objects.count() == 1


def test_a_payment_that_lands_after_a_revoke_is_flagged_and_gives_nothing(
    customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    entitlements.revoke_product(customer, product, reason="fraud")
    pay(payment)
    order = get_order_model().objects.get()
    assert (order.status, order.attention) == ("paid", "withheld")
    assert not has_access(customer, product)


def test_the_same_product_twice_is_refused(buyer: Client, product: Any) -> None:
    response = buyer.post(CHECKOUT, form(product, product))
    assert refused(response, 400) == "The same product is in the order twice."


def test_two_currencies_are_refused(buyer: Client, product: Any, make_product: Any) -> None:
    yen = make_product("In yen", currency="JPY")
    response = buyer.post(CHECKOUT, form(product, yen))
    assert refused(response, 400) == (
        "These products have different currencies: buy them one after the other."
    )
    assert get_order_model().objects.count() == 0


def test_an_anonymous_buyer_logs_in_and_comes_back_to_the_same_products(
    client: Client, product: Any, make_product: Any, customer: Any
) -> None:
    second = make_product("Second")
    back = f"/checkout/?product={second.slug}&product={product.slug}"
    seen = client.get(back)
    assert (
        seen.url
        == f"/accounts/login/?next=/checkout/%3Fproduct%3Dsecond%26product%3D{product.slug}"
    )
    sent = client.post(CHECKOUT, form(second, product))
    assert sent.url == seen.url
    assert get_order_model().objects.count() == 0
    client.force_login(customer)
    page = client.get(back)
    assert [product.slug for product in page.context["products"]] == [second.slug, product.slug]


# --- the provider ----------------------------------------------------------------------------


def test_a_provider_that_is_down_loses_nothing(buyer: Client, product: Any) -> None:
    with provider(BrokenBackend):
        response = buyer.post(CHECKOUT, form(product))
        assert refused(response, 503) == (
            "The payment provider does not answer. Nothing was charged; please try again."
        )
    text = response.content.decode()
    assert "Try again" in text
    assert 'value="ada@example.com"' in text
    order, payment = get_order_model().objects.get(), get_payment_model().objects.get()
    assert (order.status, payment.state) == ("pending", "created")
    assert payment.failure == "TimeoutError: no answer"
    again = buyer.post(CHECKOUT, form(product))
    assert again.status_code == 303
    assert get_order_model().objects.get() == order
    assert get_payment_model().objects.get().state == "open"


def test_a_checkout_address_that_is_no_page_is_never_followed(buyer: Client, product: Any) -> None:
    with provider(ScriptBackend):
        response = buyer.post(CHECKOUT, form(product))
    assert refused(response, 503) == (
        "The payment provider does not answer. Nothing was charged; please try again."
    )


def test_a_second_click_is_the_same_checkout(buyer: Client, product: Any) -> None:
    first, second = buyer.post(CHECKOUT, form(product)), buyer.post(CHECKOUT, form(product))
    assert first.url == second.url
    assert get_order_model().objects.count() == 1
    assert get_payment_model().objects.count() == 1
    assert SandboxCheckout.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_moment_are_one_checkout(
    shared_database: None, client_of: Any, customer: Any, product: Any, at_once: Any
) -> None:
    clients = [client_of(customer) for _ in range(4)]

    def click(client: Client) -> tuple[int, str]:
        answer = client.post(CHECKOUT, form(product))
        return answer.status_code, answer.url

    answers = at_once(*(partial(click, client) for client in clients))
    assert [status for status, _ in answers] == [303] * len(clients)
    assert len(set(answers)) == 1
    for model in (get_order_model(), get_payment_model(), SandboxCheckout):
        assert model.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_it_runs_outside_the_transaction_of_the_request(
    client_of: Any, customer: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    buyer = client_of(customer)
    assert buyer.post(CHECKOUT, form(product)).status_code == 303
    order = get_order_model().objects.get()
    token = SandboxCheckout.objects.get().token
    buyer.post(f"/store/payments/sandbox/{token}/", {"action": "pay"})
    page = buyer.get(f"/orders/{order.public_id}/return/")
    assert page.context["order"].status == "paid"
    assert has_access(customer, product)


def test_access_by_gift_is_owned_too(buyer: Client, customer: Any, product: Any) -> None:
    entitlements.grant_product(customer, product, source=Source("gift"))
    assert buyer.post(CHECKOUT, form(product)).url == "/library/"


def test_the_checkout_is_for_post_with_a_token(customer: Any, product: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(customer)
    assert strict.post(CHECKOUT, form(product)).status_code == 403
    assert settings.DIGITALSTORE_TEST_MODE is True
    assert get_order_model().objects.count() == 0


@pytest.mark.django_db
def test_the_same_form_while_money_is_on_its_way_opens_no_second_checkout(
    client_of: Any, customer: Any, product: Any
) -> None:
    buyer = client_of(customer)
    buyer.post(CHECKOUT, form(product))
    payment = get_payment_model().objects.get()
    pay(payment, "late")

    answer = buyer.post(CHECKOUT, form(product))

    assert (answer.status_code, answer.url) == (303, f"/orders/{payment.order.public_id}/return/")
    assert get_payment_model().objects.get().state == "processing"
    assert get_order_model().objects.count() == 1


class EndlessAddress(SandboxBackend):
    """A provider whose address fits into no column."""

    def create_checkout(self, attempt: Any) -> Any:
        return dataclasses.replace(super().create_checkout(attempt), url="https://x/" + "x" * 2000)


@pytest.mark.django_db
def test_an_address_that_fits_into_no_column_is_a_failure_of_the_provider(
    client_of: Any, customer: Any, product: Any
) -> None:
    payments = {"default": {"BACKEND": f"{__name__}.EndlessAddress"}}
    with override_settings(DIGITALSTORE_PAYMENTS=payments):
        answer = client_of(customer).post(CHECKOUT, form(product))

    assert answer.status_code == 503
    payment = get_payment_model().objects.get()
    assert (payment.state, payment.checkout_reference) == ("created", "")
    assert payment.failure == (
        "ValueError: EndlessAddress.create_checkout() must return a reference of 1 to 200 and a "
        "url of 1 to 2000 characters."
    )
