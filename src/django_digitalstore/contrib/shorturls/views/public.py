"""The address at which a short link is clicked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.decorators import classonlymethod
from django.utils.translation import gettext as _
from django.views import View

from django_digitalstore.contrib.shorturls import attribution, clicks, resolution
from django_digitalstore.core.views import outside_transaction

__all__ = ["ShortLinkRedirectView"]


class ShortLinkRedirectView(View):
    """Sends a visitor on. GET and HEAD; no query while the cache knows the code.

    302, never 301, which browsers keep: what a link leads to changes. 404 for a code that is
    unknown, switched off or expired, and for a target that is not allowed.
    """

    http_method_names = ["get", "head", "options"]

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        # On the function: on dispatch() they would be put together anew for each click. Under
        # ATOMIC_REQUESTS a click would open a transaction, and need none.
        return outside_transaction(login_not_required(super().as_view(**initkwargs)))

    def get(self, request: HttpRequest, code: str, *args: Any, **kwargs: Any) -> HttpResponse:
        found = resolution.resolve(code)
        if found is None:
            raise Http404(_("There is no such link."))
        response = HttpResponseRedirect(found.location)
        # A click that a cache answers is not counted, and the cookie is this visitor's.
        response["Cache-Control"] = "private, no-store"
        # What is worth finding is the page that it leads to.
        response["X-Robots-Tag"] = "noindex"
        if clicks.is_click(request):
            clicks.count(found.link_id)
            attribution.remember(request, response, code)
        return response
