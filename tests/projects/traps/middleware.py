"""What stands before the site: a proxy that ends TLS, and a policy against what is inline."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]

POLICY = "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; form-action *"
INLINE = re.compile(
    r"<style\b|<script\b(?![^>]*\bsrc=)(?![^>]*type=.application/json)|\sstyle=|\son[a-z]+=|"
    r"=[\"']javascript:",
    re.IGNORECASE,
)


def proxy(get_response: GetResponse) -> GetResponse:
    """Say that a request came by HTTPS, as a proxy does; ``X-Bare`` leaves it out."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "HTTP_X_BARE" not in request.META:
            request.META["HTTP_X_FORWARDED_PROTO"] = "https"
            # What a browser sends along with a form over HTTPS; the tests' buyers don't.
            request.META.setdefault("HTTP_ORIGIN", f"https://{request.META.get('HTTP_HOST', '')}")
        return get_response(request)

    return middleware


def strict_content_security_policy(get_response: GetResponse) -> GetResponse:
    """Send the policy, and fail for a page that a browser would not show as it is meant."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.get("Content-Type", "").startswith("text/html"):
            return response
        response["Content-Security-Policy"] = POLICY
        if not response.streaming and "/admin/" not in request.path:
            found = INLINE.search(response.content.decode())
            assert found is None, f"{request.path} has something inline: {found.group()}"
        return response

    return middleware


def forbidden(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token in plain text: Django's own page has a style inside."""
    return HttpResponse("Forbidden\n", status=403, content_type="text/plain")
