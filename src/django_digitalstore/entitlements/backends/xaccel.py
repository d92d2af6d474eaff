"""nginx sends the file, by ``X-Accel-Redirect``; so does Caddy."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from .webserver import FileOnDisk, WebServerDeliveryBackend

__all__ = ["XAccelDeliveryBackend"]

#: Plain segments, so that what is written here and in nginx's configuration is the same text.
_LOCATION = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)+")


class XAccelDeliveryBackend(WebServerDeliveryBackend):
    """Names the file to nginx, below a location that is ``internal`` there.

    The option ``location`` is that location, as ``"/protected/"``; its ``alias`` in nginx is the
    folder of the private storage. See the how-to for nginx and for Caddy.
    """

    required_options: ClassVar[frozenset[str]] = frozenset({"location"})
    header = "X-Accel-Redirect"

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        location = self.options["location"]
        if not (isinstance(location, str) and _LOCATION.fullmatch(location)):
            raise ImproperlyConfigured(
                f"the option 'location' is {location!r}, and must be a path that begins and ends "
                "with a slash, of letters, digits, '-', '_', '.' and '~'. Write the name of the "
                "internal location in nginx, as 'location': '/protected/'."
            )
        self.location = location

    def header_value(self, file: FileOnDisk) -> str:
        """Return the location and the path below the storage's folder, percent-encoded.

        nginx decodes it: a ``%2e`` in a name would be a dot, and a ``?`` would end the path.
        """
        inside = file.path.relative_to(file.root)
        return self.location + quote(os.fsencode(inside.as_posix()))

    def check(self) -> list[CheckMessage]:
        """Report also a location that overlaps with what is served to everybody (E204)."""
        messages = super().check()
        for setting in ("MEDIA_URL", "STATIC_URL"):
            public = getattr(settings, setting, None) or ""
            if not public.startswith("/") or public == "/":
                continue  # on another host, or the whole site, as where nothing is configured
            if self.location.startswith(public) or public.startswith(self.location):
                messages.append(
                    Error(
                        f"DIGITALSTORE_DELIVERY[{self.alias!r}] has the location "
                        f"{self.location!r}, which overlaps with {setting} = {public!r}: one of "
                        "the two would be served as the other, what is sold to everybody.",
                        hint="Write a location of its own, as '/protected/', here and in nginx.",
                        id="digitalstore.E204",
                    )
                )
        return messages
