"""Sellers and staff look at files that they do not own: by an address of its own, and logged."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.entitlements import get_download_model, links, policies
from django_digitalstore.entitlements.backends import delivery_backends
from django_digitalstore.entitlements.testing import grant, make_release_with_file

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.entitlements.urls")]

STORE = settings.DIGITALSTORE_STORE_APP
CONTENT = b"the words of a draft"


@pytest.fixture
def product(make_product, seller):
    return make_product("A book", seller=seller, released=False, status="draft")


@pytest.fixture
def asset(product):
    """A file of a draft of a draft."""
    return make_release_with_file(product, CONTENT, "draft.epub", published=False)


@pytest.fixture
def editor(staff):
    """Staff who may change files, and sell nothing."""
    options = get_asset_model()._meta
    staff.user_permissions.add(
        Permission.objects.get(
            content_type__app_label=options.app_label, codename=f"change_{options.model_name}"
        )
    )
    return staff


def click(client: Client, asset: Any) -> Any:
    return client.post(reverse(f"{STORE}:asset_preview_link", args=[getattr(asset, "pk", asset)]))


def lines() -> list[tuple[Any, str]]:
    log = get_download_model().objects.order_by("pk")
    return [(line.user, line.outcome) for line in log]


@pytest.mark.parametrize("who", ["seller", "editor", "superuser"])
def test_the_seller_and_staff_look_at_a_draft_and_it_is_logged(
    request, client_of, asset, who
) -> None:
    user = request.getfixturevalue(who)
    client = client_of(user)
    answer = click(client, asset)
    assert answer.status_code == 303
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert lines() == []
    response = client.get(answer["Location"])
    assert b"".join(response.streaming_content) == CONTENT
    assert response["Content-Disposition"] == 'attachment; filename="draft.epub"'
    assert lines() == [(user, "previewed")]


@pytest.mark.parametrize("who", ["seller", "editor", "superuser"])
def test_it_gives_no_access(request, client_of, asset, product, who) -> None:
    user = request.getfixturevalue(who)
    client = client_of(user)
    b"".join(client.get(click(client, asset)["Location"]).streaming_content)
    assert not policies.has_access(user, product)
    link = reverse(f"{STORE}:download_link", args=[asset.pk])
    assert client.post(link).status_code == 404


def test_strangers_meet_nothing_and_are_not_logged(
    client, client_of, asset, product, customer, other_seller, staff
) -> None:
    assert click(client, asset).status_code == 302
    assert click(client_of(customer), asset).status_code == 403  # no seller
    assert click(client_of(staff), asset).status_code == 403  # without the permission
    foreign, nothing = (click(client_of(other_seller), pk) for pk in (asset.pk, 987654321))
    assert foreign.status_code == nothing.status_code == 404
    assert foreign.content == nothing.content
    grant(customer, product)
    assert click(client_of(customer), asset).status_code == 403
    assert lines() == []


def test_a_permission_without_the_staffs_status_shows_nothing(client_of, editor, asset) -> None:
    editor.is_staff = False
    editor.save()
    assert click(client_of(editor), asset).status_code in {403, 404}
    assert not policies.may_preview(editor, asset)


def test_a_file_of_the_site_is_for_staff_alone(make_product, client_of, seller, editor) -> None:
    asset = make_release_with_file(make_product("The site's", released=False))
    assert click(client_of(seller), asset).status_code == 404
    assert click(client_of(editor), asset).status_code == 303


def test_who_lost_the_right_meanwhile_gets_nothing(client_of, seller, asset, product) -> None:
    client = client_of(seller)
    link = click(client, asset)["Location"]
    product.seller = None
    product.save()
    assert client.get(link).status_code == 404
    assert lines() == []


def test_an_inactive_seller_may_not_look(seller, asset) -> None:
    assert policies.may_preview(seller, asset)
    seller.is_active = False
    assert not policies.may_preview(seller, asset)


def test_a_preview_is_no_download_and_a_download_no_preview(
    client_of, seller, asset, product
) -> None:
    grant(seller, product)
    client = client_of(seller)
    preview = links.mint_preview(seller, asset)
    download = links.mint(seller, product.purchases.get(), asset)
    assert client.get(reverse(f"{STORE}:download", args=[preview])).status_code == 404
    assert client.get(reverse(f"{STORE}:asset_preview", args=[download])).status_code == 404


def test_a_link_of_another_seller_or_altered_is_none(client_of, seller, superuser, asset) -> None:
    link = click(client_of(seller), asset)["Location"]
    assert client_of(superuser).get(link).status_code == 404
    assert client_of(seller).get(link[:-3] + "xx/").status_code == 404


def test_an_expired_link_has_a_button_for_a_fresh_one(client_of, seller, asset) -> None:
    client = client_of(seller)
    link = click(client, asset)["Location"]
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        answer = client.get(link)
    assert (answer.status_code, answer.context["code"]) == (410, "expired")
    again = reverse(f"{STORE}:asset_preview_link", args=[asset.pk])
    assert f'<form method="post" action="{again}"' in answer.content.decode()
    assert lines() == []


def test_heads_and_the_rest_of_a_preview_are_not_logged(client_of, seller, asset) -> None:
    client = client_of(seller)
    link = click(client, asset)["Location"]
    assert client.head(link).status_code == 200
    assert client.get(link, headers={"range": "bytes=4000-"}).status_code == 416
    assert lines() == []
    assert client.get(link, headers={"range": "bytes=0-3"}).status_code == 206
    assert client.get(link, headers={"range": "bytes=4-"}).status_code == 206
    assert lines() == [(seller, "previewed")]


@pytest.mark.parametrize("wanted", ["bytes=1-", f"bytes=-{len(CONTENT) - 1}"])
def test_nobody_looks_at_a_part_unseen(client_of, seller, editor, asset, wanted) -> None:
    for number, who in enumerate([seller, editor], 1):
        client = client_of(who)
        link = click(client, asset)["Location"]
        for _ in range(2):
            assert client.get(link, headers={"range": wanted}).status_code == 206
        assert len(lines()) == number  # another's preview is none of one's own
    get_download_model()._default_manager.update(at=timezone.now() - timedelta(days=2))
    assert client.get(link, headers={"range": wanted}).status_code == 206
    assert lines() == [(seller, "previewed"), (editor, "previewed"), (editor, "previewed")]


@pytest.mark.parametrize("state", ["processing", "failed"])
def test_what_is_not_ready_is_shown_to_nobody(client_of, seller, asset, state) -> None:
    client = client_of(seller)
    link = click(client, asset)["Location"]
    get_asset_model()._default_manager.update(state=state)
    for answer in (click(client, asset), client.get(link)):
        assert (answer.status_code, answer.context["code"]) == (404, "processing")
        assert "Back to your products" in answer.content.decode()
    assert lines() == []


def test_a_file_that_the_storage_lost_is_a_clear_404(client_of, seller, asset) -> None:
    client = client_of(seller)
    asset.file.storage.delete(asset.file.name)
    answer = client.get(click(client, asset)["Location"])
    assert (answer.status_code, answer.context["code"]) == (404, "missing")
    assert lines() == [(seller, "missing")]


def test_withdrawn_and_coming_releases_and_samples_are_shown(client_of, seller, product) -> None:
    client = client_of(seller)
    yanked = make_release_with_file(product, yanked_at=timezone.now())
    coming = make_release_with_file(product, published_at=timezone.now() + timedelta(days=1))
    sample = make_release_with_file(product)
    get_asset_model()._default_manager.filter(pk=sample.pk).update(visibility="sample")
    for asset in (yanked, coming, sample):
        assert click(client, asset).status_code == 303


def test_nothing_is_shown_that_cannot_be_logged(client_of, seller, asset, monkeypatch) -> None:
    client = client_of(seller)
    link = click(client, asset)["Location"]
    backend = type(delivery_backends["default"])
    deliver, given = backend.deliver, []

    def remembering(self: Any, request: Any, delivery: Any) -> Any:
        given.append(deliver(self, request, delivery))
        return given[-1]

    monkeypatch.setattr(backend, "deliver", remembering)
    with override_settings(DIGITALSTORE_DOWNLOAD_LOG_ADDRESS=[]), pytest.raises(TypeError):
        client.get(link)
    (close,) = given[0]._resource_closers
    assert close.__self__._file.closed


def test_a_preview_takes_nothing_of_the_sellers_own_limit(client_of, seller, product) -> None:
    product.download_limit = 1
    product.save()
    asset = make_release_with_file(product)
    purchase = grant(seller, product)
    client = client_of(seller)
    b"".join(client.get(click(client, asset)["Location"]).streaming_content)
    assert policies.downloads_used(purchase) == 0


def test_a_preview_is_made_by_post_only(client_of, seller, asset) -> None:
    url = reverse(f"{STORE}:asset_preview_link", args=[asset.pk])
    assert client_of(seller).get(url).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(seller)
    assert strict.post(url).status_code == 403


def test_a_button_beside_each_file_that_is_ready_leads_to_it(client_of, seller, product, asset):
    release = asset.release
    other = get_asset_model()._default_manager.create(release=release, name="b", state="processing")
    page = client_of(seller).get(f"/seller/releases/{release.pk}/files/").content.decode()
    preview = '<form method="post" action="/seller/assets/{}/preview/">'
    assert preview.format(asset.pk) in page
    assert preview.format(other.pk) not in page
    assert 'Look at it<span class="visually-hidden"> draft.epub</span>' in page
