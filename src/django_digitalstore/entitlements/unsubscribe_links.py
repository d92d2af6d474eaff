"""Links that end e-mails about releases: bound to a user and a product, working without a login.

A token gives nothing but the e-mails of this user, so it has no end: mails are read years later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signing import BadSignature, Signer
from django.urls import NoReverseMatch, reverse

from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.core.site_url import absolute_url

__all__ = [
    "UnsubscribeLink",
    "UnsubscribeLinkInvalid",
    "UnsubscribeNotRouted",
    "mint",
    "read",
    "require_route",
    "unsubscribe_url",
    "url_name",
]

#: The purpose: a token that was signed for anything else fails here.
SALT = "digitalstore.unsubscribe.v1"


class UnsubscribeLinkInvalid(DigitalStoreError):
    """The link was altered, or is not one of ours."""


class UnsubscribeNotRouted(ImproperlyConfigured):
    """The site has no page for unsubscribing, so it may tell nobody of a release."""


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """What a link is bound to: the keys of user and product, as text."""

    user_id: str
    product_id: str


def mint(user: Any, product: Any) -> str:
    """Return the token of this user and product, the same each time. Pure: no I/O."""
    payload = {"u": str(user.pk), "p": str(product.pk)}
    return Signer(salt=SALT).sign_object(payload)


def read(token: str) -> UnsubscribeLink:
    """Return what ``token`` is for. Pure: no I/O. Raises ``UnsubscribeLinkInvalid``."""
    try:
        payload = Signer(salt=SALT).unsign_object(token)
        return UnsubscribeLink(payload["u"], payload["p"])
    except (BadSignature, ValueError, TypeError, KeyError) as error:
        raise UnsubscribeLinkInvalid("This is not an unsubscribe link of this site.") from error


def url_name() -> str:
    """Return the name of the page's URL; empty where the site says that it tells nobody."""
    configured = settings.DIGITALSTORE_UNSUBSCRIBE_URL
    if configured is None:
        return f"{settings.DIGITALSTORE_STORE_APP}:unsubscribe"
    return str(configured)


def unsubscribe_url(user: Any, product: Any) -> str:
    """Return the absolute URL of the page. Pure: no I/O. Raises ``UnsubscribeNotRouted``."""
    return absolute_url(_path(mint(user, product)))


def require_route() -> None:
    """Raise ``UnsubscribeNotRouted`` where no link could be made."""
    _path("token")


def _path(token: str) -> str:
    name = url_name()
    if not name:
        raise UnsubscribeNotRouted(
            "DIGITALSTORE_UNSUBSCRIBE_URL is empty: this site tells nobody of releases. To tell "
            "owners, write the name of the URL of your UnsubscribeView."
        )
    try:
        return reverse(name, args=[token])
    except NoReverseMatch:
        raise UnsubscribeNotRouted(
            f"No owner can be told of a release: no URL is named {name!r} and takes a token, for "
            f"the link that unsubscribes. Route a subclass of GenericUnsubscribeView as "
            f"path('unsubscribe/<str:token>/', UnsubscribeView.as_view(), name='unsubscribe'), or "
            f"name yours in DIGITALSTORE_UNSUBSCRIBE_URL."
        ) from None
