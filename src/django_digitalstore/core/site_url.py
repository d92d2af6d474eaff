"""Absolute URLs: from ``DIGITALSTORE_SITE_URL``, never from the Host header of a request."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

__all__ = ["absolute_url", "site_url"]

_LOCAL = "http://127.0.0.1:8000"


def site_url() -> str:
    """Return the site's address without a slash at its end. Raises ``ImproperlyConfigured``."""
    configured = settings.DIGITALSTORE_SITE_URL
    if configured:
        return str(configured).rstrip("/")
    if settings.DIGITALSTORE_TEST_MODE:
        return _LOCAL
    raise ImproperlyConfigured(
        "DIGITALSTORE_SITE_URL is not set, and every link in e-mails and at payment providers "
        "needs it. Write DIGITALSTORE_SITE_URL = 'https://shop.example.com', or "
        "DIGITALSTORE_TEST_MODE = DEBUG while you develop."
    )


def absolute_url(path: str) -> str:
    """Return the absolute URL of a path of the site, which begins with a slash."""
    return f"{site_url()}{path}"
