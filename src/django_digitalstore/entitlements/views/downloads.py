"""The way of a file to its owner: a click makes a link, the link is redeemed."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.generic.base import ContextMixin, TemplateResponseMixin

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.core.roles import CUSTOMER
from django_digitalstore.core.views import GenericView
from django_digitalstore.entitlements import flows, links, policies
from django_digitalstore.entitlements.backends import (
    BaseDeliveryBackend,
    Delivery,
    FileMissing,
    delivery_backends,
)
from django_digitalstore.entitlements.choices import DownloadOutcome

__all__ = ["GenericDownloadLinkView", "GenericDownloadView"]


class _FilePage(GenericView, TemplateResponseMixin, ContextMixin):
    """What the two steps of a download share: finding the file, the log, the pages of refusal."""

    library_url: str | None = None

    def get_library_url(self) -> str:
        """Return the URL of the library, which the pages of refusal link to. Hook: no I/O."""
        return reverse(str(self.library_url))

    def get_asset(self, pk: str) -> Any:
        """Return the asset with its release and product; ``Http404`` where there is none."""
        assets = get_asset_model()._default_manager.select_related("release__product")
        try:
            return assets.get(pk=pk)
        except (assets.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            raise Http404 from None

    def get_address(self) -> str | None:
        """Return the visitor's address from REMOTE_ADDR, or None. Headers are the client's text.

        Behind a proxy, let the proxy's own middleware or server option set REMOTE_ADDR. Hook.
        """
        address = str(self.request.META.get("REMOTE_ADDR", "")).partition("%")[0]
        try:
            return str(ipaddress.ip_address(address))
        except ValueError:
            return None

    def log(self, asset: Any, outcome: DownloadOutcome) -> None:
        """Write a line of the download log. One INSERT."""
        agent = "".join(c for c in self.request.headers.get("User-Agent", "") if c.isprintable())
        flows.log_download(
            self.request.user, asset, outcome=outcome, address=self.get_address(), agent=agent
        )

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_asset_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/asset_download_refused.html",
            "digitalstore/entitlements/download_refused.html",
        ]

    def refuse(
        self, code: str, status: int, asset: Any, *, outcome: DownloadOutcome | None, **context: Any
    ) -> HttpResponse:
        """Return the page that says why, after logging ``outcome``; a HEAD logs nothing.

        ``code`` is one of ``access_ended``, ``expired``, ``withdrawn``, ``missing``. Only somebody
        whom the file concerns comes here: to anybody else it looks like no file (404).
        """
        if outcome is not None and self.request.method != "HEAD":
            self.log(asset, outcome)
        page = {
            **self.get_context_data(),
            "code": code,
            "asset": asset,
            "product": asset.release.product,
            "library_url": self.get_library_url(),
            **context,
        }
        response = self.render_to_response(page, status=status)
        add_never_cache_headers(response)
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    def refuse_without_access(self, asset: Any) -> HttpResponse:
        """Tell somebody who once had access that it ended (403); a stranger gets a 404.

        Strangers are not logged either: the log would grow by whatever anybody types.
        """
        if not policies.had_access(self.request.user, asset.release.product):
            raise Http404
        return self.refuse("access_ended", 403, asset, outcome=DownloadOutcome.REFUSED)


class GenericDownloadLinkView(_FilePage):
    """A click on a file: asks for access, makes a link, and sends the browser there.

    POST only, since it makes something. The link is in no page: only the answer's Location has it.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    http_method_names = ["post", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "redeem_url": ("get_redeem_url", '"shop:download"'),
        "library_url": ("get_library_url", '"shop:library"'),
    }
    #: Name of the URL of your ``GenericDownloadView``; it takes the token.
    redeem_url: str | None = None

    def get_redeem_url(self, token: str) -> str:
        """Return where ``token`` is redeemed. Hook: no I/O."""
        return reverse(str(self.redeem_url), args=[token])

    def get_login_next(self, request: HttpRequest) -> str:
        """Come back to the library: this page itself takes no GET."""
        return self.get_library_url()

    def post(self, request: HttpRequest, pk: Any, **kwargs: Any) -> HttpResponseBase:
        asset = self.get_asset(pk)
        purchase = policies.live_purchase(request.user, asset.release.product)
        if purchase is None:
            return self.refuse_without_access(asset)
        if not asset.release.is_available:
            if asset.release.yanked_at is None:
                raise Http404  # a draft: not even owners know of it
            return self.refuse("withdrawn", 404, asset, outcome=DownloadOutcome.REFUSED)
        response = HttpResponseRedirect(
            self.get_redeem_url(links.mint(request.user, purchase, asset))
        )
        response.status_code = 303
        response.headers["Cache-Control"] = "private, no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response


class GenericDownloadView(_FilePage):
    """Redeems a link: asks for access again, logs, and lets a delivery backend send the file.

    404 for what is no link, was altered, or is another user's; 410 with a button for a fresh one
    where the user's own link is too old or from before a new purchase; 403 where access has ended;
    404 with a page where the release was withdrawn or the storage lost the file.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    http_method_names = ["get", "head", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "download_url": ("get_download_url", '"shop:download_link"'),
        "library_url": ("get_library_url", '"shop:library"'),
    }
    #: Name of the URL of your ``GenericDownloadLinkView``; it takes the asset's key.
    download_url: str | None = None
    #: Alias in ``DIGITALSTORE_DELIVERY``.
    delivery_alias = "default"

    def get_download_url(self, asset: Any) -> str:
        """Return where a POST makes a fresh link to ``asset``. Hook: no I/O."""
        return reverse(str(self.download_url), args=[asset.pk])

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

    def get(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        try:
            link = links.redeem(token, request.user)
        except links.LinkInvalid:
            raise Http404 from None
        except links.LinkExpired as error:
            return self.refuse_stale(self.get_asset(error.link.asset_id))
        asset = self.get_asset(link.asset_id)
        purchase = policies.live_purchase(request.user, asset.release.product)
        if purchase is None:
            return self.refuse_without_access(asset)
        if str(purchase.pk) != link.purchase_id:
            return self.refuse_stale(asset)
        if not asset.release.is_available:
            return self.refuse("withdrawn", 404, asset, outcome=DownloadOutcome.REFUSED)
        return self.deliver(asset)

    def head(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        return self.get(request, token, **kwargs)

    def deliver(self, asset: Any) -> HttpResponseBase:
        """Log and deliver. The file is open before the log says that it was served."""
        backend = self.get_backend(asset)
        try:
            response = backend.respond(self.request, self.get_delivery(asset))
        except FileMissing:
            return self.refuse("missing", 404, asset, outcome=DownloadOutcome.MISSING)
        if backend.starts_download(self.request):
            try:
                self.log(asset, DownloadOutcome.SERVED)
            except BaseException:
                response.close()
                raise
        return response

    def refuse_stale(self, asset: Any) -> HttpResponse:
        """Offer a fresh link (410). Not logged: one click gives what was refused."""
        return self.refuse(
            "expired", 410, asset, outcome=None, download_url=self.get_download_url(asset)
        )
