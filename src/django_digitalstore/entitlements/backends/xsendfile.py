"""Apache sends the file, by ``X-Sendfile`` (mod_xsendfile)."""

from __future__ import annotations

import os

from .base import Delivery
from .webserver import FileOnDisk, WebServerDeliveryBackend

__all__ = ["XSendfileDeliveryBackend"]


class XSendfileDeliveryBackend(WebServerDeliveryBackend):
    """Names the file's absolute path to Apache, which sends it if ``XSendFilePath`` allows it.

    A path with control characters, which no header can carry, raises ``ValueError``.
    """

    header = "X-Sendfile"

    def header_value(self, file: FileOnDisk) -> str:
        """Return the path byte by byte: mod_xsendfile 0.12 decodes nothing."""
        path = os.fsencode(file.path)
        if any(byte < 0x20 or byte == 0x7F for byte in path):
            raise ValueError(f"No header can name the file {file.path!s:.200}.")
        # Django sends text as latin-1: what comes out are the very bytes of the path.
        return path.decode("latin-1")

    def further_headers(self, delivery: Delivery, file: FileOnDisk) -> dict[str, str]:
        """Return the validators: without them mod_xsendfile says ``ETag: "0"`` of every file."""
        found = file.path.stat()
        changed = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
        return {
            "Accept-Ranges": "bytes",
            "ETag": changed,
            **delivery.validators(found.st_size),
        }
