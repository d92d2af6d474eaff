"""The table of attacks on a link, on each backend that entitlements brings."""

from __future__ import annotations

from typing import Any

from tests.entitlements.link_attacks import LinkAttacks

BACKENDS = "django_digitalstore.entitlements.backends"


class TestStreaming(LinkAttacks):
    delivery = {"BACKEND": f"{BACKENDS}.streaming.StreamingDeliveryBackend"}

    def fetch(self, response: Any) -> bytes:
        return b"".join(response.streaming_content)
