"""Download links: short-lived tokens bound to a user, to the row of a purchase, and to a file.

A token is no permission. Redeeming one proves who asked for which file and when; the view asks for
access again. Tokens are never stored, mailed, or written into a page: a click makes one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = [
    "DownloadLink",
    "LinkExpired",
    "LinkInvalid",
    "PreviewLink",
    "mint",
    "mint_preview",
    "redeem",
    "redeem_preview",
]

#: The purpose: a token that was signed for anything else fails here.
SALT = "digitalstore.download.v1"
PREVIEW_SALT = "digitalstore.preview.v1"
L = TypeVar("L", "DownloadLink", "PreviewLink")
_LONGEST = 1000  # characters; ours have about 100, with three UUIDs about 220


class LinkInvalid(DigitalStoreError):
    """The link was altered, is not one of ours, or is somebody else's: it looks like no link."""


class LinkExpired(DigitalStoreError):
    """The link is genuine and this user's own, but too old. ``link`` says what it was for."""

    def __init__(self, link: DownloadLink | PreviewLink) -> None:
        super().__init__("The download link has expired. Click on the file again for a new one.")
        self.link = link


@dataclass(frozen=True, slots=True)
class DownloadLink:
    """What a link is bound to: the keys of user, ``PurchasedProduct`` row and asset, as text."""

    user_id: str
    purchase_id: str
    asset_id: str


@dataclass(frozen=True, slots=True)
class PreviewLink:
    """What a preview is bound to: the keys of user and asset, as text. It is no access."""

    user_id: str
    asset_id: str


def mint(user: Any, purchase: Any, asset: Any) -> str:
    """Return a token for ``asset``, for this user and this row of a purchase. Pure: no I/O.

    It works for ``DIGITALSTORE_DOWNLOAD_LINK_AGE``, while the row lives.
    """
    payload = {"u": str(user.pk), "e": str(purchase.pk), "a": str(asset.pk)}
    return TimestampSigner(salt=SALT).sign_object(payload)


def mint_preview(user: Any, asset: Any) -> str:
    """Return a token by which ``user`` looks at ``asset`` without owning it. Pure: no I/O.

    It works as long as a download link; no download link is one, nor the other way round.
    """
    payload = {"u": str(user.pk), "a": str(asset.pk)}
    return TimestampSigner(salt=PREVIEW_SALT).sign_object(payload)


def redeem(token: str, user: Any) -> DownloadLink:
    """Return what ``token`` is for. Pure: no I/O; asking for access stays with the caller.

    Raises ``LinkExpired`` for the user's own link that is too old, and ``LinkInvalid``, and
    nothing else, for any other text and for anybody else's link, expired or not.
    """
    return _read(token, user, SALT, lambda found: DownloadLink(found["u"], found["e"], found["a"]))


def redeem_preview(token: str, user: Any) -> PreviewLink:
    """Return what a preview's ``token`` is for, as ``redeem`` does; it raises the same."""
    return _read(token, user, PREVIEW_SALT, lambda found: PreviewLink(found["u"], found["a"]))


def _read(token: str, user: Any, salt: str, link_of: Callable[[Any], L]) -> L:
    expired = False
    signer = TimestampSigner(salt=salt)
    try:
        if len(token) > _LONGEST:
            raise BadSignature("too long")
        try:
            payload = signer.unsign_object(token, max_age=settings.DIGITALSTORE_DOWNLOAD_LINK_AGE)
        except SignatureExpired:
            expired = True
            payload = signer.unsign_object(token)
        link = link_of(payload)
    except (BadSignature, ValueError, TypeError, KeyError) as error:
        raise LinkInvalid("This is not a download link of this site.") from error
    if getattr(user, "pk", None) is None or link.user_id != str(user.pk):
        raise LinkInvalid("This download link was made for another user.")
    if expired:
        raise LinkExpired(link)
    return link
