"""The table of attacks on a link, on each backend that entitlements brings."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote

from django_digitalstore.catalog.storage import private_storage
from tests.entitlements.link_attacks import LinkAttacks

BACKENDS = "django_digitalstore.entitlements.backends"


class TestStreaming(LinkAttacks):
    delivery = {"BACKEND": f"{BACKENDS}.streaming.StreamingDeliveryBackend"}

    def fetch(self, response: Any) -> bytes:
        return b"".join(response.streaming_content)


class TestXAccel(LinkAttacks):
    delivery = {
        "BACKEND": f"{BACKENDS}.xaccel.XAccelDeliveryBackend",
        "OPTIONS": {"location": "/protected/"},
    }

    def fetch(self, response: Any) -> bytes:
        assert response.content == b""
        inside = unquote(response["X-Accel-Redirect"].removeprefix("/protected/"))
        return Path(private_storage().path(inside)).read_bytes()


class TestXSendfile(LinkAttacks):
    delivery = {"BACKEND": f"{BACKENDS}.xsendfile.XSendfileDeliveryBackend"}

    def fetch(self, response: Any) -> bytes:
        assert response.content == b""
        return Path(response["X-Sendfile"]).read_bytes()
