"""Requests to the WSGI application, in process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.test import Client

__all__ = ["cookie_of", "request"]

_application = get_wsgi_application()


def cookie_of(user: Any) -> str:
    """Return the Cookie header of somebody who is logged in by a session in the database."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def request(
    path: str,
    *,
    method: str = "GET",
    body: bytes = b"",
    cookie: str = "",
    headers: Mapping[str, str] | None = None,
    expected: int = 200,
    application: Any = None,
) -> Callable[[], bytes]:
    """Return a function that makes this request, and raises where another status comes."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path.partition("?")[0],
        "QUERY_STRING": path.partition("?")[2],
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "testserver",
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": "application/json",
        "wsgi.url_scheme": "http",
        "wsgi.version": (1, 0),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "wsgi.errors": BytesIO(),
    }
    if cookie:
        environ["HTTP_COOKIE"] = cookie
    for name, value in (headers or {}).items():
        environ["HTTP_" + name.upper().replace("-", "_")] = value

    def call() -> bytes:
        seen: list[str] = []
        answer = (application or _application)(
            {**environ, "wsgi.input": BytesIO(body)},
            lambda status, found, error=None: seen.append(status),
        )
        try:
            content = b"".join(answer)
        finally:
            if close := getattr(answer, "close", None):
                close()
        if not seen[0].startswith(str(expected)):
            raise RuntimeError(f"{method} {path} was answered {seen[0]}: {content[:500]!r}")
        return content

    return call
