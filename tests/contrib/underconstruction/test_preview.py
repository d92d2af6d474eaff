"""A preview link: who has it sees the closed site; nothing else does it, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from http.cookies import Morsel
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from django.core import signing
from django.test import Client

from django_digitalstore.contrib.underconstruction import flows, preview
from django_digitalstore.contrib.underconstruction.flag import flag
from django_digitalstore.contrib.underconstruction.preview import COOKIE, make_preview_link
from django_digitalstore.core.testing import assert_query_budget

pytestmark = pytest.mark.django_db


def follow(client: Client, url: str, **how: Any) -> Any:
    parts = urlsplit(url)
    return client.get(f"{parts.path}?{parts.query}", **how)


def test_a_link_lets_its_holder_in_by_a_cookie_and_leaves_the_address(client, close):
    close()
    link = make_preview_link("/plain/?page=2&sort=a%26b", age=timedelta(hours=2))
    assert link.url.startswith("http://testserver/plain/?page=2&sort=a%26b&preview=")
    response = follow(client, link.url)
    assert (response.status_code, response["Location"]) == (302, "/plain/?page=2&sort=a%26b")
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    cookie: Morsel[str] = response.cookies[COOKIE]
    assert 7190 <= int(cookie["max-age"]) <= 7200
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Lax", "")
    with assert_query_budget(0):
        assert client.get("/plain/").content == b"open"
    assert Client().get("/plain/").status_code == 503


def test_nobody_keeps_what_a_holder_sees(client, close):
    close()
    follow(client, make_preview_link().url)
    kept = client.get("/kept/")
    assert set(kept["Cache-Control"].split(", ")) == {"max-age=600", "private", "no-store"}
    assert kept["Vary"] == "Accept, Cookie"


def test_over_https_the_cookie_stays_there(client, close):
    close()
    response = follow(client, make_preview_link().url, secure=True)
    assert response.cookies[COOKIE]["secure"] is True


def test_a_link_without_other_parameters_leads_to_the_page_itself(client, close):
    close()
    assert follow(client, make_preview_link("/plain/").url)["Location"] == "/plain/"


@pytest.mark.parametrize("path", ["/plain/#prices", "/plain/?page=2#a?b"])
def test_a_link_to_a_place_on_a_page_lets_its_holder_in(client, close, path):
    close()
    link = make_preview_link(path)
    page, _, place = path.partition("#")
    assert urlsplit(link.url).fragment == place
    assert follow(client, link.url)["Location"] == page


def test_an_open_site_takes_no_notice(client):
    response = follow(client, make_preview_link("/plain/").url)
    assert (response.status_code, COOKIE in response.cookies) == (200, False)


def test_only_a_get_makes_the_cookie(client, close):
    close()
    parts = urlsplit(make_preview_link("/plain/").url)
    for method in (client.post, client.head):
        response = method(f"{parts.path}?{parts.query}")
        assert (response.status_code, COOKIE in response.cookies) == (503, False)


def forged() -> dict[str, str]:
    token = make_preview_link().token
    ends_at = 4_000_000_000
    return {
        "tampered": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "another end": signing.dumps([1, ends_at], salt=preview._SALT).split(":")[0]
        + ":"
        + ":".join(token.split(":")[1:]),
        "expired": make_preview_link(age=timedelta(seconds=-1)).token,
        "of another use of the key": signing.dumps([1, ends_at], salt="elsewhere"),
        "of another site": signing.dumps([1, ends_at], key="another key", salt=preview._SALT),
        "of another shape": signing.dumps({"1": 2}, salt=preview._SALT),
        "of a later generation": signing.dumps([2, ends_at], salt=preview._SALT),
        "nothing": "",
        "no token": "\x00é" * 300,
    }


@pytest.mark.parametrize(
    "kind",
    [
        "tampered",
        "another end",
        "expired",
        "of another use of the key",
        "of another site",
        "of another shape",
        "of a later generation",
        "nothing",
        "no token",
    ],
)
def test_what_is_no_link_lets_nobody_in(client, close, kind):
    close()
    token = forged()[kind]
    response = client.get("/plain/", {"preview": token})
    assert (response.status_code, COOKIE in response.cookies) == (503, False)
    client.cookies[COOKIE] = token.replace("\x00", "")
    assert client.get("/plain/").status_code == 503


def test_a_link_that_ends_lets_nobody_in_any_more(client, close):
    close()
    link = make_preview_link("/plain/", age=timedelta(seconds=2))
    follow(client, link.url)
    assert client.get("/plain/").status_code == 200
    assert preview.read(link.token, 1, link.ends_at.timestamp() - 1) == 1
    assert preview.read(link.token, 1, link.ends_at.timestamp()) == 0


def test_revoked_links_let_nobody_in_and_new_ones_do(client, close):
    close()
    old = make_preview_link("/plain/")
    follow(client, old.url)
    assert client.get("/plain/").status_code == 200
    flows.revoke_preview_links(reason="It was in a chat.")
    flag.forget()
    assert client.get("/plain/").status_code == 503
    assert follow(client, old.url).status_code == 503
    assert follow(client, make_preview_link("/plain/").url).status_code == 302


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("//evil.example/", "/%2Fevil.example/"),
        ("/%5Cevil.example/", "/%5Cevil.example/"),
        ("/a%0d%0aSet-Cookie:x=y/", "/a%0D%0ASet-Cookie:x%3Dy/"),
        ("/plain/%3Fnext=1/", "/plain/%3Fnext%3D1/"),
    ],
)
def test_a_link_leads_to_this_site_alone(client, close, path, location):
    close()
    token = make_preview_link().token
    # As in the request line: the test client itself would take two slashes for a host.
    response = client.generic("GET", "/", QUERY_STRING=f"preview={token}", PATH_INFO=unquote(path))
    assert response.status_code == 302
    assert response["Location"] == location


@pytest.mark.parametrize(
    "path", ["//evil.example/", "/\\evil.example", "https://evil.example/", ""]
)
def test_a_link_is_made_to_this_site_alone(path):
    with pytest.raises(ValueError) as caught:
        make_preview_link(path)
    assert str(caught.value) == (
        f"make_preview_link({path!r}) – that is no path of the site – write '/'."
    )


def test_a_link_lasts_as_long_as_the_setting_says(settings):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_PREVIEW_AGE = timedelta(hours=1)
    link = make_preview_link()
    query = parse_qs(urlsplit(link.url).query)
    assert query == {"preview": [link.token]}
    assert 3590 <= preview.read(link.token, 1, link.ends_at.timestamp() - 3600) <= 3600
