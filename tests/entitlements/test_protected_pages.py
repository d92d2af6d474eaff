"""A host's own pages behind a product: by decorator and by mixin."""

from __future__ import annotations

import asyncio

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, RequestFactory

from django_digitalstore.entitlements.exceptions import NotEntitled
from django_digitalstore.entitlements.testing import grant, revoke
from tests.entitlements import urls

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

PAGES = {
    "/lessons/a-book/": b"the lesson",
    "/async-lessons/a-book/": b"the async lesson",
    "/chapters/A book/": b"the chapter",
    "/class-lessons/a-book/": b"lesson of A book",
    "/shy-lessons/a-book/": b"lesson of A book",
}


@pytest.mark.parametrize("path", PAGES)
def test_an_owner_sees_the_page_until_access_ends(client_of, customer, product, path) -> None:
    client = client_of(customer)
    grant(customer, product)
    assert client.get(path).content == PAGES[path]
    revoke(customer, product)
    assert client.get(path).status_code in {302, 403}


@pytest.mark.parametrize("path", PAGES)
def test_an_anonymous_visitor_logs_in_and_comes_back(client, product, path) -> None:
    answer = client.get(f"{path}?page=2")
    assert answer.status_code == 302
    escaped = path.replace(" ", "%2520")
    assert answer["Location"] == f"/accounts/login/?next={escaped}%3Fpage%3D2"


def test_nothing_is_asked_for_an_anonymous_visitor(client, product) -> None:
    assert client.get("/lessons/no-such-product/").status_code == 302


@pytest.mark.parametrize("page", ["lessons", "async-lessons", "class-lessons"])
def test_who_does_not_own_it_gets_the_403_page(client_of, superuser, product, page) -> None:
    assert client_of(superuser).get(f"/{page}/a-book/").status_code == 403


def test_the_error_names_what_to_buy(customer, product) -> None:
    request = RequestFactory().get("/")
    request.user = customer
    with pytest.raises(NotEntitled) as caught:
        urls.lesson(request, slug=product.slug)
    assert str(caught.value) == ("This page is for those who own “A book”. Buy it to see the page.")
    assert caught.value.product == product


@pytest.mark.parametrize("path", ["/chapters/A book/", "/shy-lessons/a-book/"])
def test_the_hook_may_lead_to_the_product_instead(client_of, customer, product, path) -> None:
    answer = client_of(customer).get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/products/a-book/")


@pytest.mark.parametrize("path", ["/lessons/nothing/", "/class-lessons/nothing/"])
def test_an_unknown_product_is_a_404(client_of, customer, product, path) -> None:
    assert client_of(customer).get(path).status_code == 404


def test_the_decorator_without_parentheses_says_what_to_write(customer) -> None:
    request = RequestFactory().get("/")
    request.user = customer
    with pytest.raises(ImproperlyConfigured) as caught:
        urls.bare(request, slug="a-book")
    assert str(caught.value) == (
        "@requires_product was written without parentheses, so it took the view for get_product. "
        "Write @requires_product()."
    )


@pytest.mark.django_db(transaction=True)
def test_an_async_page_is_protected_under_asgi(customer, product) -> None:
    async def visit() -> int:
        client = AsyncClient()
        await client.aforce_login(customer)
        return (await client.get("/async-lessons/a-book/")).status_code

    assert asyncio.run(visit()) == 403
    grant(customer, product)
    assert asyncio.run(visit()) == 200
