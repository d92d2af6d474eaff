"""Preview links: whoever has one sees the closed site as if it were open.

A link is signed, says itself when it ends, and belongs to a generation that staff can revoke.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.core import signing

from django_digitalstore.core.site_url import absolute_url

from .models import ONLY, SiteStatus

__all__ = ["COOKIE", "PARAMETER", "Preview", "make_preview_link", "read"]

#: Of the query, in a link.
PARAMETER: Final = "preview"
#: What a browser keeps that followed one.
COOKIE: Final = "digitalstore_preview"

_SALT = "django_digitalstore.contrib.underconstruction.preview"


@dataclass(frozen=True, slots=True)
class Preview:
    """A link that was made."""

    url: str
    token: str
    ends_at: datetime


def make_preview_link(path: str = "/", *, age: timedelta | None = None) -> Preview:
    """Return a link to ``path`` that lets its holder in; None is the setting's age. One query.

    The path begins with one slash; raises ``ValueError`` where it could lead to another site.
    """
    if not path.startswith("/") or path[1:2] in ("/", "\\"):
        raise ValueError(f"make_preview_link({path!r}) – that is no path of the site – write '/'.")
    age = settings.DIGITALSTORE_UNDERCONSTRUCTION_PREVIEW_AGE if age is None else age
    ends_at = int(time.time() + age.total_seconds())
    row = SiteStatus.objects.filter(pk=ONLY).first() or SiteStatus()
    token = signing.dumps([row.preview_generation, ends_at], salt=_SALT)
    page, hash_sign, place = path.partition("#")  # what stands behind it, a browser keeps to itself
    joint = "&" if "?" in page else "?"
    query = urlencode({PARAMETER: token})
    return Preview(
        url=absolute_url(f"{page}{joint}{query}{hash_sign}{place}"),
        token=token,
        ends_at=datetime.fromtimestamp(ends_at, tz=UTC),
    )


def read(token: str | None, generation: int, now: float) -> int:
    """Return for how many seconds the token still lets somebody in: 0 where it doesn't. No I/O."""
    if not token:
        return 0
    try:
        said: Any = signing.loads(token, salt=_SALT)
        of, ends_at = said
        return max(0, int(ends_at - now)) if of == generation else 0
    except (signing.BadSignature, TypeError, ValueError):
        return 0
