"""Public samples: files that everybody gets, without an account."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase

from django_digitalstore.core.views import GenericView
from django_digitalstore.entitlements.backends import FileMissing

from .files import FileSenderMixin

__all__ = ["GenericSampleView"]


class GenericSampleView(GenericView, FileSenderMixin):
    """Sends a public sample: of an available release, of a product that is for sale.

    Anything else answers 404: a file for owners, a draft, one that is not ready or not there.
    Nothing is logged, since the log is about users.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    http_method_names = ["get", "head", "options"]
    # There is no page, so the host need not say how it looks.
    base_template = ""
    active_page = ""

    def get(self, request: HttpRequest, pk: Any, **kwargs: Any) -> HttpResponseBase:
        asset = self.get_asset(pk)
        release = asset.release
        offered = asset.is_sample and asset.is_ready and release.is_available
        if not (offered and release.product.is_for_sale):
            raise Http404
        try:
            return self.get_backend(asset).respond(request, self.get_delivery(asset))
        except FileMissing:
            raise Http404 from None

    def head(self, request: HttpRequest, pk: Any, **kwargs: Any) -> HttpResponseBase:
        return self.get(request, pk, **kwargs)
