"""The table of attacks on a download link, for every delivery backend.

A subclass says which backend delivers, and how what an owner is given becomes bytes::

    class TestStreaming(LinkAttacks):
        delivery = {"BACKEND": "…StreamingDeliveryBackend"}

        def fetch(self, response): return b"".join(response.streaming_content)
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse

from django_digitalstore.entitlements import flows
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import (
    customer_who_owns,
    grant,
    make_product,
    make_release_with_file,
    revoke,
)

__all__ = ["CONTENT", "LinkAttacks"]

STORE = settings.DIGITALSTORE_STORE_APP
#: What the asset under attack holds.
CONTENT = b"what only its owner may read " * 40
#: What would be in an answer that hands the file over, whatever the backend.
HANDED_OVER = {
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Last-Modified",
    "Location",
    "X-Accel-Redirect",
    "X-Sendfile",
}

#: How each refused link is asked for: a refusal is no way of asking for a part, or for the headers.
WAYS = [
    pytest.param("get", {}, id="get"),
    pytest.param("head", {}, id="head"),
    pytest.param("get", {"range": "bytes=5-"}, id="a-part"),
]


@pytest.mark.django_db
@pytest.mark.urls("tests.entitlements.urls")
class LinkAttacks:
    """What nobody gets by a link, and what its owner does."""

    #: The entry ``default`` of ``DIGITALSTORE_DELIVERY``.
    delivery: ClassVar[dict[str, Any]]

    def storage(self, folder: Path) -> dict[str, Any]:
        """Return the entry of ``STORAGES`` that holds what is sold: by itself, a private folder."""
        return {
            "BACKEND": "django_digitalstore.catalog.storage.PrivateFileSystemStorage",
            "OPTIONS": {"location": folder},
        }

    def fetch(self, response: Any) -> bytes:
        """Return what the owner gets of ``response``, as the web server or the bucket gives it."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def delivered(self, tmp_path: Path) -> Iterator[None]:
        with override_settings(
            DIGITALSTORE_DELIVERY={"default": self.delivery},
            DIGITALSTORE_STORAGE="sold",
            STORAGES={**settings.STORAGES, "sold": self.storage(tmp_path / "sold")},
        ):
            yield

    @pytest.fixture
    def product(self, delivered: None) -> Any:
        return make_product(title="A book")

    @pytest.fixture
    def asset(self, product: Any) -> Any:
        return make_release_with_file(product, CONTENT, "book.epub")

    @pytest.fixture
    def owner(self, product: Any) -> Any:
        return customer_who_owns(product)

    @pytest.fixture
    def shopper(self, owner: Any) -> Client:
        return browser_of(owner)

    @pytest.fixture
    def link(self, shopper: Client, asset: Any) -> str:
        return click(shopper, asset)

    def gives(self, client: Client, link: str) -> bytes:
        response = client.get(link)
        assert response.status_code in {200, 302}, response.status_code
        return self.fetch(response)

    def refuses(
        self, client: Client, link: str, status: int, method: str = "get", headers: Any = None
    ) -> None:
        response = getattr(client, method)(link, headers=headers or {})
        assert response.status_code == status
        assert HANDED_OVER & set(response.headers) == set()
        assert CONTENT[:20] not in response.content

    # --- the table ------------------------------------------------------------------------------

    def test_the_owner_gets_the_file_as_often_as_the_link_lives(self, shopper, link) -> None:
        assert self.gives(shopper, link) == CONTENT
        assert self.gives(shopper, link) == CONTENT

    @pytest.mark.parametrize(("method", "headers"), WAYS)
    def test_another_user_gets_nothing(self, product, link, method, headers) -> None:
        other_owner = browser_of(customer_who_owns(product))
        self.refuses(other_owner, link, 404, method, headers)

    def test_a_visitor_who_is_not_logged_in_is_asked_to(self, link) -> None:
        response = Client().get(link)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/?next=/")

    def test_a_link_altered_in_any_byte_is_none(self, shopper, link) -> None:
        first, last = link.index("/downloads/") + len("/downloads/"), len(link) - 1
        assert last - first > 60
        for position in range(first, last):
            for other in "A", "B", link[position].swapcase():
                if other != link[position]:
                    altered = link[:position] + other + link[position + 1 :]
                    self.refuses(shopper, altered, 404)

    def test_a_link_with_a_byte_more_or_less_is_none(self, shopper, link) -> None:
        first, last = link.index("/downloads/") + len("/downloads/"), len(link) - 1
        for position in range(first, last):
            self.refuses(shopper, link[:position] + link[position + 1 :], 404)
        for more in "A", "=", "%00", "%20", "%0d%0aX-Accel-Redirect: x":
            self.refuses(shopper, f"{link[:last]}{more}/", 404)

    @pytest.mark.parametrize(("method", "headers"), WAYS)
    def test_a_link_gives_no_other_file(self, shopper, product, link, method, headers) -> None:
        other = make_release_with_file(product, b"another", "other.txt")
        head, tail = click(shopper, other).split(":", 1)[0], link.split(":", 1)[1]
        self.refuses(shopper, f"{head}:{tail}", 404, method, headers)

    @pytest.mark.parametrize(("method", "headers"), WAYS)
    def test_a_link_dies_with_the_access(
        self, shopper, owner, product, link, method, headers
    ) -> None:
        revoke(owner, product)
        self.refuses(shopper, link, 403, method, headers)

    @pytest.mark.parametrize(("method", "headers"), WAYS)
    def test_after_buying_again_the_old_link_is_dead_and_a_new_one_works(
        self, shopper, owner, product, asset, link, method, headers
    ) -> None:
        flows.revoke_product(owner, product, source=Source("test"), reason="refunded")
        grant(owner, product, source=Source("test", "bought again"))
        self.refuses(shopper, link, 410, method, headers)
        assert self.gives(shopper, click(shopper, asset)) == CONTENT

    @pytest.mark.parametrize(("method", "headers"), WAYS)
    def test_a_link_that_expired_stays_so(self, shopper, asset, link, method, headers) -> None:
        assert self.gives(shopper, link) == CONTENT
        with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
            self.refuses(shopper, link, 410, method, headers)
            self.refuses(shopper, link, 410, method, headers)
        assert self.gives(shopper, click(shopper, asset)) == CONTENT


def browser_of(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


def click(client: Client, asset: Any) -> str:
    """Make a link as a click does."""
    response = client.post(reverse(f"{STORE}:download_link", args=[asset.pk]))
    assert response.status_code == 303, response.content
    return str(response["Location"])
