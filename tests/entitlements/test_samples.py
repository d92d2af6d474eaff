"""Public samples: everybody gets them, and nothing else by their address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.entitlements import get_download_model
from django_digitalstore.entitlements.testing import make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
CONTENT = b"the first chapter"


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False)


@pytest.fixture
def sample(product):
    asset = make_release_with_file(product, CONTENT, "first-chapter.pdf")
    asset.visibility = "sample"
    asset.save()
    return asset


def get(client, asset, **headers: str) -> Any:
    url = reverse(f"{STORE}:sample", args=[getattr(asset, "pk", asset)])
    return client.get(url, headers=headers)


def test_everybody_gets_a_sample(client, client_of, customer, sample) -> None:
    for visitor in (client, client_of(customer)):
        answer = get(visitor, sample)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content) == CONTENT
        assert answer["Content-Disposition"] == 'attachment; filename="first-chapter.pdf"'
    assert not get_download_model().objects.exists()


def test_a_head_and_a_part_are_given(client, sample) -> None:
    assert client.head(reverse(f"{STORE}:sample", args=[sample.pk])).status_code == 200
    part = get(client, sample, range="bytes=4-8")
    assert (part.status_code, b"".join(part.streaming_content)) == (206, CONTENT[4:9])


def not_a_sample(asset, how: str) -> None:
    release, product = asset.release, asset.release.product
    match how:
        case "for owners":
            asset.visibility = "owners"
        case "processing" | "failed":
            asset.state = how
        case "draft release":
            release.published_at = None
        case "coming":
            release.published_at = timezone.now() + timedelta(days=1)
        case "withdrawn":
            release.yanked_at = timezone.now()
        case "draft product":
            product.status = "draft"
        case "archived product":
            product.status = "archived"
        case "lost":
            asset.file.storage.delete(asset.file.name)
    for row in (product, release, asset):
        row.save()


@pytest.mark.parametrize(
    "how",
    [
        "for owners",
        "processing",
        "failed",
        "draft release",
        "coming",
        "withdrawn",
        "draft product",
        "archived product",
        "lost",
    ],
)
def test_anything_else_is_not_there_not_even_for_its_seller(
    client, client_of, seller, superuser, sample, how
) -> None:
    not_a_sample(sample, how)
    nothing = get(client, 987654321)
    for visitor in (client, client_of(seller), client_of(superuser)):
        answer = get(visitor, sample)
        assert answer.status_code == nothing.status_code == 404
        assert "Content-Disposition" not in answer
    assert get(client, sample).content == nothing.content


def test_an_owners_file_is_not_given_by_the_samples_address(
    client_of, customer, product, ledger
) -> None:
    ledger.grant()
    assert get(client_of(customer), make_release_with_file(product)).status_code == 404


@pytest.mark.parametrize("pk", ["abc", "-1", "9" * 30, "%00", "é", "1;DROP"])
def test_a_key_that_is_none_is_a_404(client, sample, pk) -> None:
    assert client.get(f"/samples/{pk}/").status_code == 404


def test_it_takes_no_post(client, sample) -> None:
    assert client.post(reverse(f"{STORE}:sample", args=[sample.pk])).status_code == 405


def test_the_object_is_named_nowhere(client, sample) -> None:
    answer = get(client, sample)
    headers = "\n".join(f"{name}: {value}" for name, value in answer.items())
    assert get_asset_model()._default_manager.get().file.name not in headers
    b"".join(answer.streaming_content)
