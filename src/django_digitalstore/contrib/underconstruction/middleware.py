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
        status = flag.current()
        if status.stays_open:
            return self.get_response(request)
        now = time.time()
        response = self._foresee(request, status, now)
        if response is None or self.may_come_in(getattr(request, "user", None)):
            return self.get_response(request)
        return response

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        status = flag.known() or await sync_to_async(flag.current)()
        if not status.stays_open:
            now = time.time()
            response = self._foresee(request, status, now)
            if response is not None:
                auser = getattr(request, "auser", None)
                if not self.may_come_in(await auser() if auser else None):
                    return response
        answer: HttpResponseBase = await self.get_response(request)
        return answer

    def is_open(self, request: HttpRequest) -> bool:
        """Tell whether the page is open to everybody while the site is closed. Hook: no I/O."""
        return policies.is_file(request) or policies.is_open_page(request)

    def may_come_in(self, user: Any) -> bool:
        """Tell whether this person uses the closed site: staff do. Hook: no I/O.

        ``user`` is None where no middleware before this one knows users.
        """
        return policies.may_come_in(user)

    def _foresee(self, request: HttpRequest, status: Status, now: float) -> HttpResponse | None:
        """Return what everybody but staff gets; None where they get the page itself."""
        if not status.is_closed_at(now) or self.is_open(request):
            return None
        generation = status.preview_generation
        if preview.read(request.COOKIES.get(preview.COOKIE), generation, now):
            return None
        if request.method == "GET" and preview.PARAMETER in request.GET:
            token = request.GET[preview.PARAMETER]
            left = preview.read(token, generation, now)
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
