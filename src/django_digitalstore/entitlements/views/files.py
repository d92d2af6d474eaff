"""What all pages share by which a file goes out: finding it, the log, the pages of refusal."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.cache import add_never_cache_headers
from django.views.generic.base import ContextMixin, TemplateResponseMixin

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.core.views import OutsideTransactionView
from django_digitalstore.entitlements import flows
from django_digitalstore.entitlements.backends import (
    BaseDeliveryBackend,
    Delivery,
    delivery_backends,
)
from django_digitalstore.entitlements.choices import DownloadOutcome, Refusal

__all__ = ["FileSenderMixin", "LoggedFilePage"]


class FileSenderMixin:
    """Finds an asset, and lets a delivery backend send it."""

    #: Alias in ``DIGITALSTORE_DELIVERY``.
    delivery_alias = "default"

    def get_asset(self, pk: Any) -> Any:
        """Return the asset with its release and product; ``Http404`` where there is none."""
        assets = get_asset_model()._default_manager.select_related("release__product")
        try:
            return assets.get(pk=pk)
        except (assets.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            raise Http404 from None

    def get_backend(self, asset: Any) -> BaseDeliveryBackend:
        """Return what delivers ``asset``. Hook: no I/O."""
        return delivery_backends[self.delivery_alias]

    def get_delivery(self, asset: Any) -> Delivery:
        """Return what the backend needs to know. Hook: no queries."""
        return Delivery(
            storage=asset.file.storage,
            name=asset.file.name or "",
            file_name=asset.name,
            size=asset.size,
            sha256=asset.sha256,
            version=asset.release.version,
            modified_at=asset.created_at,
        )

    @staticmethod
    def discard(response: HttpResponseBase) -> None:
        """Close the file of a response that is not sent, and nothing else.

        ``response.close()`` says that the request is finished, whereupon Django closes the
        connection to the database, in the middle of a transaction too.
        """
        for close in response._resource_closers:  # type: ignore[attr-defined]
            close()

    @staticmethod
    def gives_bytes(response: HttpResponseBase) -> bool:
        """Tell whether bytes follow: a 304 or a 416 brings none, and counts as nothing."""
        return response.status_code < 400 and response.status_code != 304


class LoggedFilePage(OutsideTransactionView, FileSenderMixin, TemplateResponseMixin, ContextMixin):
    """A step on the way to a file: it writes the log, and its refusals have a page."""

    #: The status of each refusal's page.
    statuses: ClassVar[Mapping[str, int]] = MappingProxyType(
        {
            Refusal.REVOKED: 403,
            Refusal.REFUNDED: 403,
            Refusal.DISPUTED: 403,
            Refusal.ENDED: 403,
            Refusal.EXPIRED: 410,
            Refusal.LIMIT: 403,
            Refusal.UPDATES_ENDED: 403,
            Refusal.WITHDRAWN: 404,
            Refusal.PROCESSING: 404,
            Refusal.MISSING: 404,
        }
    )

    def get_address(self) -> str | None:
        """Return the visitor's address from REMOTE_ADDR, or None. Headers are the client's text.

        Behind a proxy, let the proxy's own middleware or server option set REMOTE_ADDR. Hook.
        """
        address = str(self.request.META.get("REMOTE_ADDR", "")).partition("%")[0]
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            return None

    def get_visitor(self) -> dict[str, Any]:
        """Return what the log is told of the visitor: address and browser."""
        agent = self.request.headers.get("User-Agent", "")
        return {
            "address": self.get_address(),
            "agent": "".join(c for c in agent if c.isprintable()),
        }

    def log(self, asset: Any, outcome: DownloadOutcome, code: str = "") -> None:
        """Write a line of the download log that does not count. One INSERT."""
        flows.log_download(
            self.request.user, asset, outcome=outcome, code=code, **self.get_visitor()
        )

    def is_rest(self, backend: BaseDeliveryBackend, response: HttpResponseBase) -> bool:
        """Tell whether only a later part goes out. What we send ourselves from its first byte is
        none, whatever was asked for: ``If-Range`` may have named another file, and the last
        thousand bytes of a short file are all of it.
        """
        part = response.headers.get("Content-Range", "")
        whole = response.status_code == 200 or part.startswith("bytes 0-")
        return not ((response.streaming and whole) or backend.starts_download(self.request))

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_asset_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/asset_download_refused.html",
            "digitalstore/entitlements/download_refused.html",
        ]

    def get_refusal_back_url(self) -> str:
        """Return where the pages of refusal lead back to. Hook: no I/O."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_refusal_back_url().")

    def say_no(
        self,
        code: Refusal,
        asset: Any,
        *,
        outcome: DownloadOutcome | None = DownloadOutcome.REFUSED,
        **context: Any,
    ) -> HttpResponse:
        """Return the page of ``code`` with the status that it has."""
        return self.refuse(code, self.statuses[code], asset, outcome=outcome, **context)

    def refuse(
        self, code: str, status: int, asset: Any, *, outcome: DownloadOutcome | None, **context: Any
    ) -> HttpResponse:
        """Return the page that says why, after logging ``outcome``; a HEAD logs nothing.

        Only somebody whom the file concerns comes here: to anybody else it looks like no file
        (404). The page knows ``code``, ``asset``, ``release``, ``product``, and ``context``.
        """
        if outcome is not None and self.request.method != "HEAD":
            self.log(asset, outcome, code)
        page = {
            **self.get_context_data(),
            "code": str(code),
            "asset": asset,
            "release": asset.release,
            "product": asset.release.product,
            "library_url": self.get_refusal_back_url(),
            **context,
        }
        response = self.render_to_response(page, status=status)
        add_never_cache_headers(response)
        # Not no-referrer, with which browsers post the page's form with "Origin: null": no CSRF
        # check lets that pass.
        response.headers["Referrer-Policy"] = "same-origin"
        return response

    def lead_to(self, url: str) -> HttpResponseRedirect:
        """Send the browser to a link that was made now: the one place where it is written."""
        response = HttpResponseRedirect(url)
        response.status_code = 303
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def get_login_next(self, request: HttpRequest) -> str:
        """Come back to where the refusals lead: the page to log in shows where one comes back to,
        and the path of this one takes no GET, or is a link. Hook: no I/O.
        """
        return self.get_refusal_back_url()
