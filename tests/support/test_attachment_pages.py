"""The way of a file to who may read the message that it came with, and to nobody else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings

from django_digitalstore.catalog.testing import files_in
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.support import flows, get_support_attachment_model, links
from django_digitalstore.support.testing import open_request

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.urls")]

EVIL = b"<script>alert(document.cookie)</script>\x00\xff"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> Any:
    with files_in(tmp_path / "private") as folder:
        yield folder


@pytest.fixture
def request_(owner: Any, supported: Any) -> Any:
    with override_settings(DIGITALSTORE_SUPPORT_ATTACHMENT_EXTENSIONS=None):
        file = SimpleUploadedFile("page.html", EVIL, content_type="text/html")
        return open_request(owner, supported, files=[file])


@pytest.fixture
def attachment(request_: Any) -> Any:
    return request_.messages.get().attachments.get()


@pytest.fixture
def note(request_: Any, seller: Any) -> Any:
    """The file of an internal note."""
    file = SimpleUploadedFile("secret.txt", b"it broke")
    return flows.add_note(request_, author=seller, body="x", files=[file]).attachments.get()


def click(client: Client, attachment: Any, side: str = "") -> Any:
    return client.post(f"{side}/support/attachments/{attachment.pk}/")


def fetch(client: Client, attachment: Any, side: str = "") -> Any:
    answer = click(client, attachment, side)
    assert answer.status_code == 303
    assert "no-store" in answer["Cache-Control"]
    return client.get(answer.url)


def content(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_both_sides_get_the_file(
    client_of: Callable[[Any], Client], owner: Any, seller: Any, attachment: Any
) -> None:
    assert content(fetch(client_of(owner), attachment)) == EVIL
    assert content(fetch(client_of(seller), attachment, "/seller")) == EVIL


def test_a_browser_saves_the_file_and_never_runs_it(
    client_of: Callable[[Any], Client], owner: Any, attachment: Any
) -> None:
    answer = fetch(client_of(owner), attachment)
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="page.html"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "private, no-store"


def test_asking_for_the_head_sends_no_bytes(
    client_of: Callable[[Any], Client], owner: Any, attachment: Any
) -> None:
    client = client_of(owner)
    answer = client.head(click(client, attachment).url)
    assert (answer.status_code, answer["Content-Length"]) == (200, str(len(EVIL)))
    assert answer.content == b""


def test_nobody_else_gets_it(
    client_of: Callable[[Any], Client],
    owner: Any,
    seller: Any,
    other_customer: Any,
    other_seller: Any,
    attachment: Any,
) -> None:
    grant(other_customer, attachment.message.request.product)
    own = click(client_of(owner), attachment).url
    for user in (other_customer, other_seller, seller):
        client = client_of(user)
        assert click(client, attachment).status_code == 404
        assert client.get(own).status_code == 404
        # Not even by a link of their own, which nothing gave them.
        assert client.get(f"/support/files/{links.mint(user, attachment)}/").status_code == 404
    client = client_of(other_seller)
    assert click(client, attachment, "/seller").status_code == 404
    token = links.mint(other_seller, attachment)
    assert client.get(f"/seller/support/files/{token}/").status_code == 404
    # A customer's own file comes by their own pages.
    assert click(client_of(owner), attachment, "/seller").status_code == 403


def test_a_seller_who_may_look_at_all_requests_gets_no_file_of_others(
    client_of: Callable[[Any], Client], other_seller: Any, attachment: Any
) -> None:
    other_seller.user_permissions.add(Permission.objects.get(codename="view_supportrequest"))
    client = client_of(type(other_seller).objects.get(pk=other_seller.pk))
    assert click(client, attachment, "/seller").status_code == 404


def test_the_file_of_a_note_is_none_of_the_customers(
    client_of: Callable[[Any], Client], owner: Any, seller: Any, note: Any
) -> None:
    client = client_of(owner)
    assert click(client, note).status_code == 404
    assert client.get(f"/support/files/{links.mint(owner, note)}/").status_code == 404
    assert content(fetch(client_of(seller), note, "/seller")) == b"it broke"


def test_staff_who_may_change_requests_get_it(
    client_of: Callable[[Any], Client], staff: Any, attachment: Any, note: Any
) -> None:
    assert click(client_of(staff), attachment, "/seller").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_supportrequest"))
    client = client_of(type(staff).objects.get(pk=staff.pk))
    assert content(fetch(client, attachment, "/seller")) == EVIL
    assert content(fetch(client, note, "/seller")) == b"it broke"


def test_who_lost_access_still_reads_what_they_sent(
    client_of: Callable[[Any], Client], owner: Any, supported: Any, attachment: Any
) -> None:
    revoke(owner, supported)
    assert content(fetch(client_of(owner), attachment)) == EVIL


def test_an_old_link_offers_a_fresh_one(
    client_of: Callable[[Any], Client], owner: Any, attachment: Any
) -> None:
    client = client_of(owner)
    link = click(client, attachment).url
    with override_settings(DIGITALSTORE_SUPPORT_LINK_AGE=timedelta(0)):
        answer = client.get(link)
    assert answer.status_code == 410
    page = answer.content.decode()
    assert f'action="/support/attachments/{attachment.pk}/"' in page
    # What opens the file stands in no page.
    assert link not in page


def test_what_the_storage_lost_is_said_politely(
    client_of: Callable[[Any], Client], owner: Any, attachment: Any
) -> None:
    attachment.file.storage.delete(attachment.file.name)
    answer = fetch(client_of(owner), attachment)
    assert answer.status_code == 404
    assert "We could not find “page.html”." in answer.content.decode()


@pytest.mark.parametrize("pk", ["0", "x", "9" * 30])
def test_a_key_of_nonsense_is_no_file(
    client_of: Callable[[Any], Client], owner: Any, pk: str
) -> None:
    assert client_of(owner).post(f"/support/attachments/{pk}/").status_code == 404
    assert client_of(owner).get(f"/support/files/{pk}/").status_code == 404


def test_a_link_is_made_by_a_click_only(
    client_of: Callable[[Any], Client], owner: Any, attachment: Any
) -> None:
    assert client_of(owner).get(f"/support/attachments/{attachment.pk}/").status_code == 405


def test_an_anonymous_visitor_comes_back_to_the_list(client: Client, attachment: Any) -> None:
    answer = click(client, attachment)
    assert (answer.status_code, answer.url) == (302, "/accounts/login/?next=/support/")


def test_the_admin_shows_no_way_around(
    client_of: Callable[[Any], Client], superuser: Any, attachment: Any
) -> None:
    page = f"/admin/shop/supportattachment/{attachment.pk}/change/"
    answer = client_of(superuser).get(page)
    assert answer.status_code == 200
    assert attachment.file.name not in answer.content.decode()
    assert get_support_attachment_model().objects.get() == attachment
