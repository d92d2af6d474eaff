"""Apache sends the file, by ``X-Sendfile`` (mod_xsendfile)."""

from __future__ import annotations

import os
from urllib.parse import quote

from .webserver import FileOnDisk, WebServerDeliveryBackend

__all__ = ["XSendfileDeliveryBackend"]


class XSendfileDeliveryBackend(WebServerDeliveryBackend):
    """Names the file's absolute path to Apache, which sends it if ``XSendFilePath`` allows it."""

    header = "X-Sendfile"

    def header_value(self, file: FileOnDisk) -> str:
        """Return the path, percent-encoded: mod_xsendfile decodes it, as its default is."""
        return quote(os.fsencode(file.path.as_posix()))
