"""From a click to an order: a signed cookie that the checkout reads."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.signing import BadSignature, TimestampSigner
from django.db import DatabaseError
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from . import flows

__all__ = ["COOKIE", "attribute", "code_of", "remember"]

logger = logging.getLogger(__name__)

#: Name of the cookie. It holds the code of the link that was clicked last, and when.
COOKIE = "digitalstore_link"


def remember(request: HttpRequest, response: HttpResponseBase, code: str) -> None:
    """Let the visitor carry the code for ``DIGITALSTORE_SHORTURLS_ATTRIBUTION``. No I/O."""
    age = settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION
    if not age:
        return
    response.set_cookie(
        COOKIE,
        _signer().sign(code),
        max_age=age,
        domain=settings.SESSION_COOKIE_DOMAIN,
        secure=request.is_secure() or settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",  # it has to come along when a visitor arrives from elsewhere
    )


def code_of(request: HttpRequest) -> str:
    """Return the code that the visitor carries, or nothing: none, forged, too old. No I/O."""
    age = settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION
    value = request.COOKIES.get(COOKIE)
    if not age or not value:
        return ""
    try:
        return _signer().unsign(value, max_age=age)
    except BadSignature:
        return ""


def attribute(request: HttpRequest, order_public_id: str) -> None:
    """Note the order for the link that the visitor clicked last. A failure never stops a sale."""
    code = code_of(request)
    if not code:
        return
    try:
        flows.attribute_order(code, order_public_id)
    except DatabaseError:
        logger.exception("The order %s could not be noted for a short link.", order_public_id)


def _signer() -> TimestampSigner:
    return TimestampSigner(salt=__name__)
