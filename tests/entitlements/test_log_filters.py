"""A link to a file is in no line of the log."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import override_settings
from django.urls import reverse

from django_digitalstore.entitlements import links
from django_digitalstore.entitlements.log_filters import LinkFilter
from django_digitalstore.entitlements.testing import grant, make_release_with_file, revoke

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP


@pytest.fixture
def token(customer, product):
    return links.mint(customer, grant(customer, product), make_release_with_file(product))


def url(token: str, page: str = "download") -> str:
    return reverse(f"{STORE}:{page}", args=[token])


def test_a_refused_link_is_not_logged(
    caplog, client_of, customer, other_customer, product, token
) -> None:
    caplog.set_level(logging.DEBUG)
    browser = client_of(customer)
    assert client_of(other_customer).get(url(token)).status_code == 404
    assert browser.post(url(token)).status_code == 405
    assert browser.get(url(token, "asset_preview")).status_code == 403
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        assert browser.get(url(token)).status_code == 410
    revoke(customer, product)
    assert browser.get(url(token)).status_code == 403
    lines = [record.getMessage() for record in caplog.records if record.name == "django.request"]
    assert lines == [
        "Not Found: /downloads/(a link)/",
        "Method Not Allowed (POST): /downloads/(a link)/",
        "Forbidden (Permission denied): /previews/(a link)/",
        "Gone: /downloads/(a link)/",
        "Forbidden: /downloads/(a link)/",
    ]


def test_other_addresses_are_logged_as_they_are(caplog, client) -> None:
    client.get("/nowhere/1:2:3/")
    assert caplog.messages == ["Not Found: /nowhere/1:2:3/"]


def test_a_host_gives_it_to_its_own_handlers(token) -> None:
    record = logging.LogRecord("access", 20, "", 0, f"GET {token}", ({"x": 1},), None)
    assert LinkFilter().filter(record)
    assert record.msg == "GET (a link)"
    record = logging.LogRecord("access", 20, "", 0, "%s %d", (token, 200), None)
    LinkFilter().filter(record)
    assert record.getMessage() == "(a link) 200"
