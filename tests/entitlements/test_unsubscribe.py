"""The page that ends e-mails about releases: for whoever holds the link, without a login."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from django_digitalstore.entitlements import links, policies
from django_digitalstore.entitlements.checks import check_unsubscribe_url
from django_digitalstore.entitlements.models import ReleaseNoticeOptOut
from django_digitalstore.entitlements.testing import grant
from django_digitalstore.entitlements.unsubscribe_links import (
    UnsubscribeLinkInvalid,
    mint,
    read,
    unsubscribe_url,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

ONE_CLICK = "List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def link(customer: Any, product: Any) -> str:
    url = unsubscribe_url(customer, product)
    return url[url.index("/unsubscribe/") :]


def opt_outs() -> list[tuple[Any, str]]:
    return sorted(ReleaseNoticeOptOut.objects.values_list("user_id", "product_key"))


# --- the page -------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_it_changes_nothing(client, link, method) -> None:
    assert getattr(client, method)(link).status_code == 200
    assert opt_outs() == []


def test_it_shows_what_the_user_gets_and_both_ways_out(client, link) -> None:
    text = client.get(link).content.decode()
    assert "You get an e-mail when there is a new version of “A book”." in text
    assert re.findall(r'name="action" value="(\w+)"', text) == ["product", "all"]


def test_no_more_about_this_product(client, customer, product, link) -> None:
    response = client.post(link, {"action": "product"})
    assert (response.status_code, response.url) == (303, link)
    assert opt_outs() == [(customer.pk, str(product.pk))]
    text = client.get(link).content.decode()
    assert "You get no e-mails about new versions of “A book”." in text
    assert re.findall(r'name="action" value="(\w+)"', text) == ["all", "again"]


def test_no_more_about_any(client, customer, link) -> None:
    client.post(link, {"action": "all"})
    assert opt_outs() == [(customer.pk, "")]
    text = client.get(link).content.decode()
    assert "You get no e-mails about new versions of what you own." in text
    assert re.findall(r'name="action" value="(\w+)"', text) == ["again"]


@pytest.mark.parametrize("before", [["product"], ["all"], ["product", "all"]])
def test_and_back_again(client, customer, product, link, before) -> None:
    for action in before:
        client.post(link, {"action": action})
    assert client.post(link, {"action": "again"}).status_code == 303
    assert opt_outs() == []
    assert not policies.is_opted_out(customer, product)


def test_a_button_that_is_pressed_twice_is_pressed_once(client, link) -> None:
    for _ in range(2):
        assert client.post(link, {"action": "product"}).status_code == 303
    assert len(opt_outs()) == 1


@pytest.mark.parametrize("posted", [{}, {"action": "everything"}, {"List-Unsubscribe": "yes"}])
def test_anything_else_is_answered_by_the_page_and_changes_nothing(client, link, posted) -> None:
    response = client.post(link, posted)
    assert response.status_code == 400
    assert b"E-mails about new versions" in response.content
    assert opt_outs() == []


def test_it_is_about_the_user_of_the_link_whoever_opens_it(
    client_of, customer, other_customer, product, link
) -> None:
    client_of(other_customer).post(link, {"action": "product"})
    assert opt_outs() == [(customer.pk, str(product.pk))]


def test_it_says_nothing_about_the_user_and_nothing_to_other_sites(client, customer, link) -> None:
    response = client.get(link)
    text = response.content.decode()
    assert customer.email not in text
    assert customer.get_username() not in text
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert "no-store" in response.headers["Cache-Control"]


# --- the button of mail programs (RFC 8058) -------------------------------------------------------


@pytest.fixture
def strict() -> Client:
    """Some program: without cookies, and CSRF is enforced."""
    return Client(enforce_csrf_checks=True, headers={"host": "testserver"})


def test_one_click_ends_the_mails_about_the_product(strict, customer, product, link) -> None:
    for _ in range(2):
        response = strict.post(link, ONE_CLICK, content_type=FORM)
        assert (response.status_code, response.content) == (200, b"You are unsubscribed.")
    assert opt_outs() == [(customer.pk, str(product.pk))]


def test_one_click_may_come_as_a_form_of_parts(strict, link) -> None:
    assert strict.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert len(opt_outs()) == 1


@pytest.mark.parametrize(
    "body", [f"{ONE_CLICK}&action=all", f"action=again&{ONE_CLICK}", f"action=all&{ONE_CLICK}"]
)
def test_one_click_does_that_and_nothing_else(strict, customer, product, link, body) -> None:
    strict.post(link, body, content_type=FORM)
    assert opt_outs() == [(customer.pk, str(product.pk))]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "action=product",
        "action=all",
        "List-Unsubscribe=",
        "List-Unsubscribe=one-click&action=all",
    ],
)
def test_any_other_post_needs_the_token_of_the_page(strict, link, body) -> None:
    assert strict.post(link, body, content_type=FORM).status_code == 403
    assert opt_outs() == []


def test_the_form_of_the_page_has_that_token(strict, customer, link) -> None:
    text = strict.get(link).content.decode()
    (token,) = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', text)
    response = strict.post(link, {"action": "all", "csrfmiddlewaretoken": token})
    assert response.status_code == 303
    assert opt_outs() == [(customer.pk, "")]


# --- the link -------------------------------------------------------------------------------------


def test_a_link_is_the_same_for_ever(customer, product) -> None:
    assert mint(customer, product) == mint(customer, product)
    assert read(mint(customer, product)).user_id == str(customer.pk)


def test_a_link_of_an_older_secret_key_works_while_the_site_knows_that(
    settings, client, link
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" * 10
    assert client.get(link).status_code == 200


def test_a_link_that_is_altered_in_any_place_is_none(customer, product) -> None:
    token = mint(customer, product)
    for place, letter in enumerate(token):
        with pytest.raises(UnsubscribeLinkInvalid):
            read(f"{token[:place]}{'b' if letter == 'a' else 'a'}{token[place + 1 :]}")


@pytest.mark.parametrize("token", ["", "x", "x:y", "é", "a" * 1001])
def test_nonsense_is_no_link(client, token) -> None:
    with pytest.raises(UnsubscribeLinkInvalid) as caught:
        read(token)
    assert str(caught.value) == "This is not an unsubscribe link of this site."
    if token:
        assert client.get(f"/unsubscribe/{token}/").status_code == 404
        assert client.post(f"/unsubscribe/{token}/", {"action": "all"}).status_code == 404


def test_a_link_for_anything_else_is_no_link(client, customer, product, asset) -> None:
    token = links.mint(customer, grant(customer, product), asset)
    assert client.get(f"/unsubscribe/{token}/").status_code == 404


def test_a_link_gives_nothing_but_this(client_of, customer, product) -> None:
    token = mint(customer, product)
    with pytest.raises(links.LinkInvalid):
        links.redeem(token, customer)


def test_the_link_of_somebody_who_was_erased_is_no_link(client, customer, product, link) -> None:
    ReleaseNoticeOptOut.objects.create(user=customer)
    customer.delete()
    assert client.get(link).status_code == 404
    assert opt_outs() == []


# --- where it is ----------------------------------------------------------------------------------


def test_a_site_that_has_the_page_is_told_nothing() -> None:
    assert check_unsubscribe_url(None) == []


@pytest.mark.parametrize("wrong", ["mails:stop", "shop:library"])
def test_a_site_without_the_page_is_told_what_to_write(settings, wrong) -> None:
    settings.DIGITALSTORE_UNSUBSCRIBE_URL = wrong
    (error,) = check_unsubscribe_url(None)
    assert error.id == "digitalstore.E210"
    assert error.msg == (
        f"No owner can be told of a release: no URL is named '{wrong}' and takes a token, for the "
        f"link that unsubscribes. Route a subclass of GenericUnsubscribeView as "
        f"path('unsubscribe/<str:token>/', UnsubscribeView.as_view(), name='unsubscribe'), or name "
        f"yours in DIGITALSTORE_UNSUBSCRIBE_URL."
    )
    assert error.hint == (
        "Write DIGITALSTORE_UNSUBSCRIBE_URL = '' where nobody is ever told of a release."
    )


def test_a_site_that_tells_nobody_needs_no_page(settings) -> None:
    settings.DIGITALSTORE_UNSUBSCRIBE_URL = ""
    assert check_unsubscribe_url(None) == []


def test_the_page_may_have_another_name(settings, customer, product) -> None:
    settings.DIGITALSTORE_UNSUBSCRIBE_URL = f"{settings.DIGITALSTORE_STORE_APP}:unsubscribe"
    assert check_unsubscribe_url(None) == []
    token = mint(customer, product)
    path = reverse(settings.DIGITALSTORE_UNSUBSCRIBE_URL, args=[token])
    assert unsubscribe_url(customer, product) == f"{settings.DIGITALSTORE_SITE_URL}{path}"


# --- the admin ------------------------------------------------------------------------------------


def test_staff_read_who_opted_out_and_change_nothing(client_of, superuser, customer) -> None:
    row = ReleaseNoticeOptOut.objects.create(user=customer, product_key="7")
    site = client_of(superuser)
    listed = reverse("admin:digitalstore_entitlements_releasenoticeoptout_changelist")
    assert customer.get_username() in site.get(f"{listed}?q=customer").content.decode()
    assert site.get(f"{listed}add/").status_code == 403
    assert site.post(f"{listed}{row.pk}/delete/", {"post": "yes"}).status_code == 403
