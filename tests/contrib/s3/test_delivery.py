"""From the click to the bytes in the bucket. On a real S3 server."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse

from django_digitalstore.entitlements import get_download_model
from django_digitalstore.entitlements.backends import Delivery, FileMissing, delivery_backends
from django_digitalstore.entitlements.testing import (
    customer_who_owns,
    make_product,
    make_release_with_file,
)
from tests.contrib.s3.bucket import BACKEND, ask, the_bucket
from tests.entitlements.link_attacks import LinkAttacks, browser_of, click

STORE = settings.DIGITALSTORE_STORE_APP
NAME = "Отчёт №1 – “final” v2.pdf"
CONTENT = b"%PDF-1.7 what is in the report\n" * 100


@pytest.mark.s3
class TestLinksThatLeadToTheBucket(LinkAttacks):
    delivery = {"BACKEND": BACKEND}

    def storage(self, folder: Any) -> dict[str, Any]:
        return the_bucket().entry()

    def fetch(self, response: Any) -> bytes:
        assert response.status_code == 302
        answer = ask(response["Location"])
        assert answer.status == 200
        return answer.body


@pytest.fixture
def in_the_bucket(bucket):
    with override_settings(
        DIGITALSTORE_DELIVERY={"default": {"BACKEND": BACKEND, "OPTIONS": {"link_age": 90}}},
        DIGITALSTORE_STORAGE="sold",
        STORAGES={**settings.STORAGES, "sold": bucket.entry(location="sold")},
    ):
        yield


@pytest.fixture
def asset(db, in_the_bucket):
    return make_release_with_file(make_product(title="A report"), CONTENT, NAME)


@pytest.fixture
def shopper(asset) -> Client:
    return browser_of(customer_who_owns(asset.release.product))


@pytest.mark.s3
@pytest.mark.urls("tests.entitlements.urls")
class TestAnOwner:
    def test_goes_from_the_library_to_the_bytes(self, shopper, asset) -> None:
        page = shopper.get(reverse(f"{STORE}:library")).content.decode()
        assert reverse(f"{STORE}:download_link", args=[asset.pk]) in page
        redirect = shopper.get(click(shopper, asset))
        assert redirect.status_code == 302
        assert redirect["Cache-Control"] == "private, no-store"
        assert redirect["Referrer-Policy"] == "no-referrer"
        assert redirect.content == b""
        answer = ask(redirect["Location"])
        assert (answer.status, answer.body) == (200, CONTENT)
        assert "filename*=utf-8''%D0%9E" in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Type"] == "application/octet-stream"

    def test_resumes_at_the_bucket(self, shopper, asset) -> None:
        link = shopper.get(click(shopper, asset))["Location"]
        first = ask(link, headers={"Range": "bytes=0-99"})
        rest = ask(link, headers={"Range": "bytes=100-", "If-Range": first.headers["ETag"]})
        assert (first.status, rest.status) == (206, 206)
        assert first.body + rest.body == CONTENT

    def test_gets_a_link_for_as_long_as_the_setting_says(self, shopper, asset) -> None:
        assert "X-Amz-Expires=90&" in shopper.get(click(shopper, asset))["Location"]

    def test_of_a_head_gets_a_link_for_a_head(self, shopper, asset) -> None:
        redirect = shopper.head(click(shopper, asset))
        assert redirect.status_code == 302
        answer = ask(redirect["Location"], "HEAD")
        assert (answer.status, answer.headers["Content-Length"]) == (200, str(len(CONTENT)))

    def test_leaves_no_link_in_the_log(self, shopper, asset, caplog) -> None:
        caplog.set_level(logging.DEBUG)
        logging.getLogger("botocore.auth").setLevel(logging.NOTSET)  # as before the first link
        with override_settings(STORAGES=dict(settings.STORAGES)):  # a storage not used yet
            link = shopper.get(click(shopper, asset))["Location"]
        assert "botocore" in {record.name.partition(".")[0] for record in caplog.records}
        signature = link.partition("X-Amz-Signature=")[2]
        assert len(signature) == 64
        assert signature not in caplog.text
        assert "X-Amz-" not in caplog.text
        lines = get_download_model()._default_manager.values()
        assert signature not in repr(list(lines))


# --- without a server ----------------------------------------------------------------------------


def nowhere(**options: Any) -> dict[str, Any]:
    """A bucket that nobody answers for."""
    from tests.contrib.s3.bucket import STORAGE

    connection = {"endpoint_url": "http://127.0.0.1:1", "access_key": "A", "secret_key": "B"}
    return {
        "BACKEND": STORAGE,
        "OPTIONS": {"bucket_name": "b", "region_name": "us-east-1", **connection, **options},
    }


def backend(**options: Any) -> Any:
    with override_settings(
        DIGITALSTORE_DELIVERY={"default": {"BACKEND": BACKEND, "OPTIONS": options}}
    ):
        return delivery_backends["default"]


def a_delivery(**fields: Any) -> Delivery:
    from django_digitalstore.contrib.s3.storage import S3PrivateStorage

    storage = S3PrivateStorage(**nowhere()["OPTIONS"])
    return Delivery(**{"storage": storage, "name": "assets/x", "file_name": NAME, **fields})


def test_a_redirect_needs_no_network() -> None:
    response = backend().respond(RequestFactory().get("/"), a_delivery())
    assert response.status_code == 302
    link = response["Location"]
    assert link.startswith("http://127.0.0.1:1/b/assets/x?")
    assert "X-Amz-Expires=60&" in link


def test_the_longest_name_in_any_script_fits_into_a_redirect() -> None:
    for name in ("я" * 255, "🎁" * 255, "%" * 255):
        delivery = a_delivery(file_name=name)
        response = backend().respond(RequestFactory().get("/"), delivery)
        assert response.status_code == 302
        assert len(response["Location"]) < 8000  # what S3 takes as the head of a request


def test_an_asset_without_a_file_is_missing() -> None:
    with pytest.raises(FileMissing) as caught:
        backend().respond(RequestFactory().get("/"), a_delivery(name=""))
    assert str(caught.value) == f"“{NAME}” has no file in the private storage. Upload it again."


def test_a_file_that_lies_elsewhere_is_named() -> None:
    storage = InMemoryStorage()
    storage.save("x", ContentFile(b"x"))
    with pytest.raises(ImproperlyConfigured) as caught:
        backend().respond(RequestFactory().get("/"), a_delivery(storage=storage, name="x"))
    assert str(caught.value) == (
        f"S3DeliveryBackend delivers from S3PrivateStorage, and “{NAME}” lies in InMemoryStorage. "
        "Name S3PrivateStorage in STORAGES, or another backend in DIGITALSTORE_DELIVERY."
    )
