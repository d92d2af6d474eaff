"""Closes the site to visitors while it is under construction; otherwise it does nothing, quickly.

In ``MIDDLEWARE`` it stands behind Django's ``AuthenticationMiddleware`` (and ``LocaleMiddleware``).
It answers before the view, CSRF and everything behind it, so nothing happens on a closed site.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.encoding import escape_uri_path
from django.utils.http import escape_leading_slashes

from . import policies, preview
from .flag import Status, flag
from .page import ClosedResponse

__all__ = ["UnderConstructionMiddleware"]


class UnderConstructionMiddleware:
    """Answers 503 while the site is closed, except where and to whom it is open.

    A subclass may override ``is_open()`` and ``may_come_in()``. Works under WSGI and ASGI.
    """

    sync_capable = True
    async_capable = True

    def __init__(
        self,
        get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]],
    ) -> None:
        self.get_response: Any = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if self._is_async:
            return self._acall(request)
        status, now = flag.current(), time.time()
        if not status.is_closed_at(now) or self.is_open(request):
            return self.get_response(request)
        if _has_preview(request, status, now) or self.may_come_in(getattr(request, "user", None)):
            return _for_one_person(self.get_response(request))
        return _closed(request, status, now)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        status, now = flag.known() or await sync_to_async(flag.current)(), time.time()
        if not status.is_closed_at(now) or self.is_open(request):
            answer: HttpResponseBase = await self.get_response(request)
            return answer
        comes_in = _has_preview(request, status, now)
        if not comes_in:
            auser = getattr(request, "auser", None)
            comes_in = self.may_come_in(await auser() if auser else None)
        if comes_in:
            return _for_one_person(await self.get_response(request))
        return _closed(request, status, now)

    def is_open(self, request: HttpRequest) -> bool:
        """Tell whether the page is open to everybody while the site is closed. Hook: no I/O."""
        return policies.is_file(request) or policies.is_open_page(request)

    def may_come_in(self, user: Any) -> bool:
        """Tell whether this person uses the closed site: staff do. Hook: no I/O.

        ``user`` is None where no middleware before this one knows users.
        """
        return policies.may_come_in(user)


def _has_preview(request: HttpRequest, status: Status, now: float) -> bool:
    token = request.COOKIES.get(preview.COOKIE)
    return bool(preview.read(token, status.preview_generation, now))


def _for_one_person(response: HttpResponseBase) -> HttpResponseBase:
    """Have nobody keep a page that others don't get: it could be read while the site is closed."""
    patch_cache_control(response, private=True, no_store=True)
    patch_vary_headers(response, ("Cookie",))
    return response


def _closed(request: HttpRequest, status: Status, now: float) -> HttpResponse:
    if request.method == "GET" and preview.PARAMETER in request.GET:
        token = request.GET[preview.PARAMETER]
        left = preview.read(token, status.preview_generation, now)
        if left:
            return _remember(request, token, left)
    return ClosedResponse(status, now)


def _remember(request: HttpRequest, token: str, seconds: int) -> HttpResponse:
    """Give the browser the token, and the same address without it: no page tells it to others."""
    query = request.GET.copy()
    del query[preview.PARAMETER]
    # Two slashes at its beginning would be another site.
    path = escape_leading_slashes(escape_uri_path(request.path))
    response = HttpResponseRedirect(f"{path}?{query.urlencode()}" if query else path)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response.set_cookie(
        preview.COOKIE,
        token,
        max_age=seconds,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response
