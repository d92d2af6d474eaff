"""Links to attachments: short-lived tokens bound to a user and a file.

As the links of products' files, a token is no permission: whoever redeems one is asked again. The
salt is another, so that a token of the one is none of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.entitlements.links import LinkInvalid

__all__ = ["AttachmentLink", "AttachmentLinkExpired", "mint", "redeem"]

#: The purpose: a token that was signed for anything else fails here.
SALT = "digitalstore.support.attachment.v1"
_LONGEST = 1000  # characters


class AttachmentLinkExpired(DigitalStoreError):
    """The link is genuine and this user's own, but too old. ``link`` says what it was for."""

    def __init__(self, link: AttachmentLink) -> None:
        super().__init__("The link has expired. Click on the file again for a new one.")
        self.link = link


@dataclass(frozen=True, slots=True)
class AttachmentLink:
    """What a link is bound to: the keys of user and attachment, as text."""

    user_id: str
    attachment_id: str


def mint(user: Any, attachment: Any) -> str:
    """Return a token for ``attachment`` and this user. Pure: no I/O.

    It works for ``DIGITALSTORE_SUPPORT_LINK_AGE``.
    """
    payload = {"u": str(user.pk), "a": str(attachment.pk)}
    return TimestampSigner(salt=SALT).sign_object(payload)


def redeem(token: str, user: Any) -> AttachmentLink:
    """Return what ``token`` is for. Pure: no I/O; ``policies.can_download`` is the caller's to ask.

    Raises ``AttachmentLinkExpired`` for the user's own link that is too old, and ``LinkInvalid``
    for any other text and for anybody else's link, expired or not.
    """
    expired = False
    signer = TimestampSigner(salt=SALT)
    try:
        if len(token) > _LONGEST:
            raise BadSignature("too long")
        try:
            payload = signer.unsign_object(token, max_age=settings.DIGITALSTORE_SUPPORT_LINK_AGE)
        except SignatureExpired:
            expired = True
            payload = signer.unsign_object(token)
        link = AttachmentLink(payload["u"], payload["a"])
    except (BadSignature, ValueError, TypeError, KeyError) as error:
        raise LinkInvalid("This is not a link to a file of this site.") from error
    if getattr(user, "pk", None) is None or link.user_id != str(user.pk):
        raise LinkInvalid("This link was made for another user.")
    if expired:
        raise AttachmentLinkExpired(link)
    return link
