"""Honest ways to set a scene in tests: what these make went through the flows."""

from __future__ import annotations

from typing import Any

from django.test import Client

from . import addresses, flows
from .models import ShortLink

__all__ = ["click", "make_link", "saved_clicks"]

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def make_link(product: Any = None, **fields: Any) -> ShortLink:
    """Make a short link in the site's name, to ``product`` or to ``path=`` or ``url=``.

    Without any it leads to ``/``. ``fields`` are those of ``flows.create_link``. In a TestCase its
    commit never comes: what the cache knew of the same code stays.
    """
    if product is None and not fields.keys() & {"path", "url"}:
        fields["path"] = "/"
    return flows.create_link(product=product, **fields)


def click(link: ShortLink | str, client: Client | None = None, **headers: str) -> Any:
    """Click a link, or a code, as a visitor does; return the response, which is not followed.

    ``headers`` as in ``user_agent="Googlebot"``; without this one it is a browser's.
    """
    address = addresses.path_of(link if isinstance(link, str) else link.code)
    given = {"user_agent": _BROWSER, **headers}
    return (client or Client()).get(
        address, headers={name.replace("_", "-"): text for name, text in given.items()}
    )


def saved_clicks(link: ShortLink) -> int:
    """Save what the cache has counted, as the periodic job does; return all clicks of a link."""
    flows.record_clicks()
    link.refresh_from_db()
    return link.clicks
