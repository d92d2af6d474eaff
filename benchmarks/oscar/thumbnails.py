"""No thumbnails: the suite's own list shows no pictures either."""

from __future__ import annotations

from typing import Any

from oscar.core.thumbnails import AbstractThumbnailer

__all__ = ["AsItIs", "Picture"]


class Picture:
    """A thumbnail's address is all that a page wants of it."""

    url = "/static/oscar/img/image_not_found.jpg"


class AsItIs(AbstractThumbnailer):
    def generate_thumbnail(self, source: Any, **opts: Any) -> Picture:
        return Picture()
