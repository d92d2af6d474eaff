"""The short address of a link, to print, to send, to show."""

from __future__ import annotations

from django.urls import reverse

from django_digitalstore.core.site_url import absolute_url

from .models import ShortLink

__all__ = ["ROUTE", "path_of", "short_url"]

#: Name of the URL at which links are clicked; it takes a code.
ROUTE = "digitalstore_shorturls:redirect"


def path_of(code: str) -> str:
    """Return the path at which a code is clicked. No I/O. Raises ``NoReverseMatch``."""
    return reverse(ROUTE, args=[code])


def short_url(link: ShortLink) -> str:
    """Return the whole short address, as in ``https://shop.example.com/store/s/Ab3dE7x``. No I/O.

    Raises ``NoReverseMatch`` where no URL leads to short links, which a check names (E530).
    """
    return absolute_url(path_of(link.code))
