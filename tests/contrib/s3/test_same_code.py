"""Local files in development, a bucket in production: only settings change."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import override_settings
from django.urls import reverse

from django_digitalstore.catalog.choices import AssetState
from django_digitalstore.catalog.testing import make_release
from tests.contrib.s3.bucket import BACKEND, ask, the_bucket

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs("payments"),
    pytest.mark.urls("tests.contrib.s3.urls"),
]

STORE = settings.DIGITALSTORE_STORE_APP
NAME = "Отчёт №1 – “final” v2.pdf"
CONTENT = b"%PDF-1.7 what is in the report\n" * 500


FIELDS = {"visibility": "owners", "platform": "", "name": "", "position": ""}
JSON = {"headers": {"Accept": "application/json"}}


def in_development(folder: Any) -> dict[str, Any]:
    return {
        "STORAGES": {
            **settings.STORAGES,
            "digitalstore": {
                "BACKEND": "django_digitalstore.catalog.storage.PrivateFileSystemStorage",
                "OPTIONS": {"location": folder},
            },
        },
    }


def in_production(folder: Any) -> dict[str, Any]:
    return {
        "STORAGES": {**settings.STORAGES, "digitalstore": the_bucket().entry(location="sold")},
        "DIGITALSTORE_DELIVERY": {"default": {"BACKEND": BACKEND}},
    }


def received(browser: Any, url: str) -> bytes:
    """Return what a browser gets: it follows redirects, to the bucket too."""
    answer = browser.get(url)
    if answer.status_code == 302:
        there = ask(answer["Location"])
        assert "filename*=utf-8''%D0%9E" in there.headers["Content-Disposition"]
        return there.body
    assert "filename*=utf-8''%D0%9E" in answer["Content-Disposition"]
    return b"".join(answer.streaming_content)


@pytest.mark.parametrize(
    "site", [in_development, pytest.param(in_production, marks=pytest.mark.s3)]
)
def test_a_file_is_uploaded_sold_downloaded_and_taken_back(
    site, tmp_path, client_of, make_product, seller, customer
) -> None:
    from django_digitalstore.payments.testing import paid_order, refund

    with override_settings(**site(tmp_path)):
        product = make_product("A report", seller=seller, released=False)
        release = make_release(product, {}, version="1.0")
        panel = reverse(f"{STORE}:seller_asset_create", args=[release.pk])
        client_of(seller).post(panel, {**FIELDS, "file": SimpleUploadedFile(NAME, CONTENT)})
        asset = release.assets.get()
        assert (asset.name, asset.size, asset.state) == (NAME, len(CONTENT), AssetState.READY)
        assert asset.sha256 == hashlib.sha256(CONTENT).hexdigest()

        buyer = client_of(customer)
        order = paid_order(customer, product)
        click = reverse(f"{STORE}:download_link", args=[asset.pk])
        assert click in buyer.get(reverse(f"{STORE}:library")).content.decode()
        link = buyer.post(click)["Location"]
        assert received(buyer, link) == CONTENT

        refund(order)
        assert buyer.get(link).status_code == 403
        assert click not in buyer.get(reverse(f"{STORE}:library")).content.decode()


@pytest.mark.s3
def test_a_file_that_never_passed_the_server_is_sold(
    tmp_path, client_of, make_product, seller, customer
) -> None:
    from django_digitalstore.payments.testing import paid_order

    with override_settings(**in_production(tmp_path)):
        product = make_product("A film", seller=seller, released=False)
        release = make_release(product, {}, version="1.0")
        panel = reverse(f"{STORE}:seller_asset_create", args=[release.pk])
        announced = {
            "upload_name": NAME,
            "upload_size": len(CONTENT),
            "upload_sha256": hashlib.sha256(CONTENT).hexdigest(),
        }
        browser = client_of(seller)
        ticket = browser.post(panel, {**FIELDS, **announced, "step": "start"}, **JSON).json()
        asset = release.assets.get()

        paid_order(customer, product)
        buyer = client_of(customer)
        click = reverse(f"{STORE}:download_link", args=[asset.pk])
        assert buyer.post(click).status_code == 404  # not before it is proven

        form = [*ticket["fields"].items(), ("file", (NAME, CONTENT, "application/pdf"))]
        assert ask(ticket["url"], "POST", fields=form).status == 204
        done = {"step": "finish", "upload": ticket["upload"]}
        assert browser.post(panel, done, **JSON).status_code == 200
        asset.refresh_from_db()
        assert asset.state == AssetState.READY
        assert received(buyer, buyer.post(click)["Location"]) == CONTENT


@pytest.mark.s3
def test_previews_and_samples_lead_to_the_bucket_too(
    tmp_path, client, client_of, make_product, seller
) -> None:
    with override_settings(**in_production(tmp_path)):
        product = make_product("A report", seller=seller, released=False)
        asset = make_release(product, {NAME: CONTENT}, version="1.0").assets.get()
        browser = client_of(seller)
        preview = browser.post(reverse(f"{STORE}:asset_preview_link", args=[asset.pk]))
        assert received(browser, preview["Location"]) == CONTENT

        sample = reverse(f"{STORE}:sample", args=[asset.pk])
        assert client.get(sample).status_code == 404
        asset.visibility = "sample"
        asset.save()
        assert received(client, sample) == CONTENT
