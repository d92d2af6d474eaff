"""Hands a download over to a mirror, by an address that is signed and short-lived."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from django_digitalstore.entitlements.backends import BaseDeliveryBackend, Delivery, FileMissing

__all__ = ["MirrorDeliveryBackend", "signature"]


def signature(key: str, path: str, until: int) -> str:
    """Return what the mirror compares with, in hex."""
    return hmac.new(key.encode(), f"{path}:{until}".encode(), hashlib.sha256).hexdigest()


class MirrorDeliveryBackend(BaseDeliveryBackend):
    """OPTIONS: ``MIRROR`` (https address), ``KEY`` (shared secret), ``SECONDS`` (default 60)."""

    known_options: ClassVar[frozenset[str]] = frozenset({"SECONDS"})
    required_options: ClassVar[frozenset[str]] = frozenset({"MIRROR", "KEY"})
    supports_ranges = True  # the mirror answers them

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        if not str(options["MIRROR"]).startswith("https://"):
            raise ImproperlyConfigured("MIRROR must be an address. Write 'https://…'.")

    def deliver(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        if not delivery.name:
            raise FileMissing(f"“{delivery.file_name}” has no file. Upload it again.")
        until = int(time.time()) + int(self.options.get("SECONDS", 60))
        path = quote(f"/{delivery.name}")
        signed = signature(self.options["KEY"], path, until)
        return HttpResponseRedirect(f"{self.options['MIRROR']}{path}?until={until}&sig={signed}")
