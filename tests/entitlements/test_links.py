"""Download links: bound to user, row and file; whatever else is sent is no link."""

from __future__ import annotations

import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.test import override_settings

from django_digitalstore.entitlements.links import (
    DownloadLink,
    LinkExpired,
    LinkInvalid,
    mint,
    redeem,
)


def row(pk: Any) -> Any:
    return SimpleNamespace(pk=pk)


USER, PURCHASE, ASSET = row(1), row(22), row(333)
NOT_A_LINK = "This is not a download link of this site."
ANOTHERS = "This download link was made for another user."


def refusal(token: Any, user: Any = USER) -> str:
    with pytest.raises(LinkInvalid) as caught:
        redeem(token, user)
    return str(caught.value)


def test_a_link_says_what_it_is_for() -> None:
    assert redeem(mint(USER, PURCHASE, ASSET), USER) == DownloadLink("1", "22", "333")


def test_keys_may_be_uuids() -> None:
    user, purchase, asset = (row(uuid.uuid4()) for _ in range(3))
    link = redeem(mint(user, purchase, asset), user)
    assert link == DownloadLink(str(user.pk), str(purchase.pk), str(asset.pk))


def test_a_link_fits_into_one_part_of_a_path() -> None:
    assert set("/?#&% ").isdisjoint(mint(USER, PURCHASE, ASSET))


def test_a_link_of_another_user_is_no_link() -> None:
    token = mint(USER, PURCHASE, ASSET)
    assert refusal(token, row(2)) == ANOTHERS
    assert refusal(token, AnonymousUser()) == ANOTHERS
    assert refusal(token, None) == ANOTHERS


def test_a_link_that_was_altered_in_any_character_is_no_link() -> None:
    token = mint(USER, PURCHASE, ASSET)
    for position, character in enumerate(token):
        for other in ("A", "b", "0", "_", ":", "é"):
            if other != character:
                altered = token[:position] + other + token[position + 1 :]
                assert refusal(altered) == NOT_A_LINK
        assert refusal(token[:position] + token[position + 1 :]) == NOT_A_LINK
        assert refusal(token[:position]) == NOT_A_LINK
    assert refusal(token + "a") == NOT_A_LINK


@pytest.mark.parametrize(
    "text",
    ["", ":", "::", "a:b:c", "\x00", "\ud800", "x" * 100_000, "é:ü:ß", "a" * 900 + ":b:c", None, 7],
)
def test_any_other_text_is_no_link(text: Any) -> None:
    assert refusal(text) == NOT_A_LINK


@pytest.mark.parametrize("payload", [None, 7, "text", [], ["u", "e", "a"], {}, {"u": "1"}])
def test_something_else_that_was_signed_for_downloads_is_no_link(payload: Any) -> None:
    signer = signing.TimestampSigner(salt="digitalstore.download.v1")
    assert refusal(signer.sign_object(payload)) == NOT_A_LINK


def test_what_was_signed_for_another_purpose_is_no_link() -> None:
    payload = {"u": "1", "e": "22", "a": "333"}
    assert refusal(signing.dumps(payload)) == NOT_A_LINK
    assert refusal(signing.TimestampSigner().sign_object(payload)) == NOT_A_LINK


def test_a_link_dies_with_the_secret_key_and_lives_on_with_a_fallback() -> None:
    token = mint(USER, PURCHASE, ASSET)
    with override_settings(SECRET_KEY="another-key"):
        assert refusal(token) == NOT_A_LINK
    with override_settings(
        SECRET_KEY="another-key",
        SECRET_KEY_FALLBACKS=["only-for-tests-0123456789-0123456789-0123456789"],
    ):
        assert redeem(token, USER).asset_id == "333"


def test_an_old_link_is_told_from_an_altered_one() -> None:
    token = mint(USER, PURCHASE, ASSET)
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        with pytest.raises(LinkExpired) as caught:
            redeem(token, USER)
        assert caught.value.link == DownloadLink("1", "22", "333")
        assert str(caught.value) == (
            "The download link has expired. Click on the file again for a new one."
        )
        assert refusal(token + "a") == NOT_A_LINK


def test_an_old_link_of_another_user_is_no_link() -> None:
    token = mint(USER, PURCHASE, ASSET)
    with override_settings(DIGITALSTORE_DOWNLOAD_LINK_AGE=timedelta(seconds=-1)):
        assert refusal(token, row(2)) == ANOTHERS
