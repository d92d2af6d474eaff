"""From the click to the bytes: who gets a file, and what everybody else gets."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import AsyncClient, Client, override_settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.entitlements import get_download_model
from django_digitalstore.entitlements.testing import (
    customer_who_owns,
    grant,
    make_release_with_file,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
CONTENT = b"the words of the book " * 1000


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False)


@pytest.fixture
def asset(product):
    return make_release_with_file(product, CONTENT, "book.epub")


@pytest.fixture
def shopper(client_of, customer):
    return client_of(customer)


def click(client: Client, asset) -> object:
    pk = getattr(asset, "pk", asset)
    return client.post(reverse(f"{STORE}:download_link", args=[pk]))


def body(response) -> bytes:
    return b"".join(response.streaming_content)


# --- the owner -----------------------------------------------------------------------------------


def test_an_owner_clicks_and_gets_the_file(shopper, ledger, asset) -> None:
    ledger.grant()
    answer = click(shopper, asset)
    assert answer.status_code == 303
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    response = shopper.get(answer["Location"])
    assert response.status_code == 200
    assert body(response) == CONTENT


def test_every_delivery_has_the_headers_that_keep_a_file_a_file(shopper, ledger, asset) -> None:
    ledger.grant()
    response = shopper.get(click(shopper, asset)["Location"])
    of_the_site = {"Vary", "Content-Language"}  # what a host's middleware adds
    assert {name: response[name] for name in response.headers if name not in of_the_site} == {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-store",
        "Content-Disposition": 'attachment; filename="book.epub"',
        "Content-Encoding": "identity",
        "Content-Length": str(len(CONTENT)),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Type": "application/octet-stream",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": f'"{hashlib.sha256(CONTENT).hexdigest()}"',
        "Last-Modified": response["Last-Modified"],
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


def test_a_download_is_logged_with_who_what_and_whence(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    assert ledger.downloads == []
    body(
        shopper.get(
            link,
            REMOTE_ADDR="192.0.2.7",
            headers={"user-agent": "Curl\x00/8 " + "x" * 300, "x-forwarded-for": "203.0.113.9"},
        )
    )
    (line,) = get_download_model()._default_manager.all()
    assert (line.user, line.product, line.asset) == (ledger.user, ledger.product, asset)
    assert (line.file_name, line.version) == ("book.epub", asset.release.version)
    assert (line.outcome, line.address) == ("served", "192.0.2.7")
    assert line.agent == ("Curl/8 " + "x" * 300)[:200]


@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_an_odd_remote_address_is_logged_as_none(shopper, ledger, asset, address) -> None:
    ledger.grant()
    body(shopper.get(click(shopper, asset)["Location"], REMOTE_ADDR=address))
    assert get_download_model()._default_manager.get().address is None


def test_a_head_has_the_headers_and_no_body_and_is_not_logged(shopper, ledger, asset) -> None:
    ledger.grant()
    response = shopper.head(click(shopper, asset)["Location"])
    assert response.status_code == 200
    assert response.content == b""
    assert response["Content-Length"] == str(len(CONTENT))
    assert response["ETag"] == f'"{hashlib.sha256(CONTENT).hexdigest()}"'
    assert response["Content-Disposition"] == 'attachment; filename="book.epub"'
    assert ledger.downloads == []


def test_a_link_works_again_within_its_time(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    assert body(shopper.get(link)) == body(shopper.get(link)) == CONTENT
    assert ledger.downloads == [("book.epub", "served")] * 2


def test_a_new_release_reaches_who_bought_before(shopper, ledger, product, asset) -> None:
    ledger.grant()
    newer = make_release_with_file(product, b"second edition", "book-2.epub")
    assert body(shopper.get(click(shopper, newer)["Location"])) == b"second edition"


def test_a_file_of_an_archived_product_still_reaches_its_owners(
    shopper, ledger, product, asset
) -> None:
    ledger.grant()
    type(product)._base_manager.filter(pk=product.pk).update(status="archived")
    assert body(shopper.get(click(shopper, asset)["Location"])) == CONTENT


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("Отчёт.pdf", "filename*=utf-8''%D0%9E%D1%82%D1%87%D1%91%D1%82.pdf"),
        ("“typed” – v2.pdf", "filename*=utf-8''%E2%80%9Ctyped%E2%80%9D%20%E2%80%93%20v2.pdf"),
        ('the "final" one.pdf', 'filename="the \\"final\\" one.pdf"'),
        ("back\\slash.pdf", 'filename="slash.pdf"'),
        ("a\r\nSet-Cookie: x=1.pdf", 'filename="aSet-Cookie: x=1.pdf"'),
        ("../../etc/passwd", 'filename="passwd"'),
        ("invoice\u202efdp.exe", 'filename="invoicefdp.exe"'),
        ("..", 'filename="file"'),
    ],
)
def test_a_name_in_any_script_or_with_any_malice_stays_a_name(
    shopper, ledger, asset, name, header
) -> None:
    ledger.grant()
    get_asset_model()._default_manager.filter(pk=asset.pk).update(name=name)  # past the validator
    response = shopper.get(click(shopper, asset)["Location"])
    assert response["Content-Disposition"] == f"attachment; {header}"
    assert "Set-Cookie" not in response.headers
    assert body(response) == CONTENT


# --- everybody else ------------------------------------------------------------------------------


def test_an_anonymous_visitor_logs_in_first(client, ledger, asset) -> None:
    answer = click(client, asset)
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/library/"
    answer = client.get(reverse(f"{STORE}:download", args=["a:b:c"]))
    assert answer["Location"] == "/accounts/login/?next=/library/"


def test_what_is_not_yours_looks_like_what_does_not_exist(shopper, asset) -> None:
    not_yours, nothing = click(shopper, asset), click(shopper, 987654321)
    assert not_yours.status_code == nothing.status_code == 404
    assert not_yours.content == nothing.content
    assert not get_download_model()._default_manager.exists()


@pytest.mark.parametrize("pk", ["abc", "-1", "1e3", "9" * 30, "9" * 5000, "%00", "é", "1;DROP"])
def test_a_key_that_is_none_is_a_404(shopper, asset, pk) -> None:
    assert shopper.post(f"/downloads/assets/{pk}/").status_code == 404


def test_sellers_and_staff_have_no_way_in(client_of, seller, superuser, asset) -> None:
    assert click(client_of(seller), asset).status_code == 404
    assert click(client_of(superuser), asset).status_code == 404


def test_a_link_is_made_by_post_only(shopper, ledger, asset) -> None:
    ledger.grant()
    assert shopper.get(reverse(f"{STORE}:download_link", args=[asset.pk])).status_code == 405


def test_a_link_is_not_made_for_another_site(customer, ledger, asset) -> None:
    ledger.grant()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(customer)
    assert click(strict, asset).status_code == 403


def test_the_link_of_another_owner_is_refused(
    shopper, client_of, other_customer, ledger, asset
) -> None:
    ledger.grant()
    grant(other_customer, asset.release.product)
    link = click(shopper, asset)["Location"]
    assert client_of(other_customer).get(link).status_code == 404
    assert body(shopper.get(link)) == CONTENT


def test_an_altered_link_is_refused(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    prefix = "/downloads/"
    for position in range(len(prefix), len(link) - 1):
        other = "A" if link[position] != "A" else "B"
        altered = link[:position] + other + link[position + 1 :]
        assert shopper.get(altered).status_code == 404
    assert ledger.downloads == []


def test_a_link_to_one_file_gives_no_other(shopper, ledger, product, asset) -> None:
    ledger.grant()
    other = make_release_with_file(product, b"another", "other.txt")
    first, second = (click(shopper, a)["Location"] for a in (asset, other))
    head, tail = first.split(":", 1)[0], second.split(":", 1)[1]
    assert shopper.get(f"{head}:{tail}").status_code == 404


def test_an_expired_link_offers_a_fresh_one(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        answer = shopper.get(link)
    assert answer.status_code == 410
    assert answer["Cache-Control"] == ("max-age=0, no-cache, no-store, must-revalidate, private")
    # With no-referrer browsers post the form with "Origin: null", and the CSRF check refuses it.
    assert answer["Referrer-Policy"] == "same-origin"
    again = reverse(f"{STORE}:download_link", args=[asset.pk])
    assert f'<form method="post" action="{again}"' in answer.content.decode()
    assert ledger.downloads == []
    assert body(shopper.get(shopper.post(again)["Location"])) == CONTENT


def test_an_expired_link_of_somebody_else_is_a_404(
    shopper, client_of, other_customer, ledger, asset
) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        assert client_of(other_customer).get(link).status_code == 404


@pytest.mark.parametrize("end", ["refund", "revoke"])
def test_a_link_dies_with_the_access(shopper, ledger, asset, end) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    getattr(ledger, end)()
    answer = shopper.get(link)
    assert answer.status_code == 403
    assert "You no longer have access" in answer.content.decode()
    assert ledger.downloads == [("book.epub", "refused")]
    assert click(shopper, asset).status_code == 403


def test_a_link_dies_when_the_time_is_over(shopper, ledger, asset) -> None:
    ledger.grant(expires_at=timezone.now() + timedelta(days=1))
    link = click(shopper, asset)["Location"]
    ledger.let_expire()
    assert shopper.get(link).status_code == 403
    assert ledger.downloads == [("book.epub", "refused")]


def test_after_buying_again_the_old_link_is_dead_and_a_new_one_works(
    shopper, ledger, asset
) -> None:
    ledger.grant("a")
    old = click(shopper, asset)["Location"]
    ledger.refund("a")
    ledger.grant("b")
    assert shopper.get(old).status_code == 410
    assert body(shopper.get(click(shopper, asset)["Location"])) == CONTENT


def test_a_withdrawn_release_is_refused_and_access_stays(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    asset.release.yanked_at = timezone.now()
    asset.release.save()
    for answer in (shopper.get(link), click(shopper, asset)):
        assert answer.status_code == 404
        assert "This version was withdrawn" in answer.content.decode()
    assert ledger.downloads == [("book.epub", "refused")] * 2
    assert len(ledger.rows) == 1


def test_a_release_that_is_not_published_does_not_exist(shopper, ledger, product) -> None:
    ledger.grant()
    draft = make_release_with_file(product, published=False)
    coming = make_release_with_file(product, published_at=timezone.now() + timedelta(days=1))
    assert click(shopper, draft).status_code == 404
    assert click(shopper, coming).content == click(shopper, 987654321).content


def test_an_asset_that_was_deleted_is_a_404_and_its_log_stays(shopper, ledger, asset) -> None:
    ledger.grant()
    link = click(shopper, asset)["Location"]
    body(shopper.get(link))
    asset.delete()
    assert shopper.get(link).status_code == 404
    assert ledger.downloads == [("book.epub", "served")]


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_file_that_the_storage_lost_is_a_clear_404(shopper, ledger, asset, method) -> None:
    ledger.grant()
    asset.file.storage.delete(asset.file.name)
    answer = getattr(shopper, method)(click(shopper, asset)["Location"])
    assert answer.status_code == 404
    if method == "get":
        assert "We could not find “book.epub”." in answer.content.decode()
        assert ledger.downloads == [("book.epub", "missing")]
    else:
        assert ledger.downloads == []


@pytest.mark.parametrize("name", ["", "../secret.txt", "/etc/passwd", "assets"])
def test_a_stored_name_that_leads_out_of_the_storage_is_a_missing_file(
    shopper, ledger, asset, name
) -> None:
    ledger.grant()
    get_asset_model()._default_manager.filter(pk=asset.pk).update(file=name)
    assert shopper.get(click(shopper, asset)["Location"]).status_code == 404
    assert ledger.downloads == [("book.epub", "missing")]


def test_a_file_that_changed_behind_our_back_loses_its_checksum(shopper, ledger, asset) -> None:
    ledger.grant()
    with asset.file.storage.open(asset.file.name, "wb") as file:
        file.write(b"other bytes")
    response = shopper.get(click(shopper, asset)["Location"])
    assert "ETag" not in response
    assert response["Content-Length"] == "11"
    assert body(response) == b"other bytes"


# --- how the bytes travel ------------------------------------------------------------------------


def test_a_large_file_goes_in_blocks_of_256_kib(shopper, ledger, product) -> None:
    ledger.grant()
    content = bytes(range(256)) * 4096 * 2 + b"rest"
    asset = make_release_with_file(product, content, "large.bin")
    blocks = list(shopper.get(click(shopper, asset)["Location"]).streaming_content)
    assert [len(block) for block in blocks] == [262144] * 8 + [4]
    assert b"".join(blocks) == content


def test_the_file_is_closed_when_the_visitor_goes_away(shopper, ledger, asset) -> None:
    ledger.grant()
    response = shopper.get(click(shopper, asset)["Location"])
    blocks = next(c.__self__ for c in response._resource_closers if hasattr(c, "__self__"))
    file = blocks._file
    assert not file.closed
    response.close()
    assert file.closed


@pytest.mark.django_db(transaction=True)
@pytest.mark.filterwarnings("error")
def test_under_asgi_the_file_streams_without_a_warning(ledger, customer, asset) -> None:
    ledger.grant()

    async def download() -> bytes:
        client = AsyncClient()
        await client.aforce_login(customer)
        link = await client.post(reverse(f"{STORE}:download_link", args=[asset.pk]))
        response = await client.get(link["Location"])
        assert response.is_async
        return b"".join([block async for block in response.streaming_content])

    assert asyncio.run(download()) == CONTENT


def test_customers_of_one_product_get_nothing_of_another(client_of, make_product, asset) -> None:
    other = make_product("Another book")
    assert click(client_of(customer_who_owns(other)), asset).status_code == 404
