"""Links to attachments: bound to a user, a file and a time, and to this purpose alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.signing import TimestampSigner
from django.test import override_settings

from django_digitalstore.entitlements import links as downloads
from django_digitalstore.entitlements.links import LinkInvalid
from django_digitalstore.support.links import (
    SALT,
    AttachmentLink,
    AttachmentLinkExpired,
    mint,
    redeem,
)


def row(pk: Any) -> Any:
    return SimpleNamespace(pk=pk)


ADA, EVE, FILE = row(1), row(2), row(7)


def test_a_link_says_what_it_is_for() -> None:
    assert redeem(mint(ADA, FILE), ADA) == AttachmentLink("1", "7")


@pytest.mark.parametrize("other", [EVE, row(None), SimpleNamespace()])
def test_somebody_elses_link_is_none(other: Any) -> None:
    with pytest.raises(LinkInvalid) as stopped:
        redeem(mint(ADA, FILE), other)
    assert str(stopped.value) == "This link was made for another user."


def test_a_link_grows_old_for_its_user_and_is_none_for_others() -> None:
    token = mint(ADA, FILE)
    with override_settings(DIGITALSTORE_SUPPORT_LINK_AGE=timedelta(seconds=-1)):
        with pytest.raises(AttachmentLinkExpired) as stopped:
            redeem(token, ADA)
        assert stopped.value.link == AttachmentLink("1", "7")
        assert str(stopped.value) == (
            "The link has expired. Click on the file again for a new one."
        )
        with pytest.raises(LinkInvalid):
            redeem(token, EVE)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: "", id="nothing"),
        pytest.param(lambda: "x" * 1001, id="too long"),
        pytest.param(lambda: mint(ADA, FILE)[:-1], id="altered"),
        pytest.param(lambda: downloads.mint(ADA, FILE, FILE), id="to a download"),
        pytest.param(lambda: TimestampSigner(salt=SALT).sign_object(["u", "a"]), id="a list"),
        pytest.param(lambda: TimestampSigner(salt=SALT).sign_object({"u": "1"}), id="no file"),
    ],
)
def test_anything_else_is_no_link(make: Callable[[], str]) -> None:
    with pytest.raises(LinkInvalid) as stopped:
        redeem(make(), ADA)
    assert str(stopped.value) == "This is not a link to a file of this site."


def test_it_is_no_link_to_what_is_sold() -> None:
    with pytest.raises(LinkInvalid):
        downloads.redeem(mint(ADA, FILE), ADA)
