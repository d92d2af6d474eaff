"""How a seller or staff look at a file that they do not own: by pages of their own, and logged."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import reverse

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.core.roles import SELLER
from django_digitalstore.entitlements import links, policies
from django_digitalstore.entitlements.backends import FileMissing
from django_digitalstore.entitlements.choices import DownloadOutcome, Refusal

from .files import LoggedFilePage

__all__ = ["GenericAssetPreviewLinkView", "GenericAssetPreviewView"]


class _PreviewPage(LoggedFilePage):
    """Either step of a preview: the file's seller, and staff who may change files, get in.

    Drafts and withdrawn releases are shown. It gives no access, and takes none of anybody's limit.
    """

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    #: URL name or path of the seller's pages, which the pages of refusal link to.
    back_url: str | None = None

    def check_role(self, request: HttpRequest) -> HttpResponseBase | None:
        """Let staff in too who may change files, whether or not they sell."""
        if policies.may_preview_all(request.user):
            return None
        return super().check_role(request)

    def get_refusal_back_url(self) -> str:
        """Return where the pages of refusal lead back to. Hook: no I/O."""
        return resolve_url(str(self.back_url))

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_asset_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/asset_preview_refused.html",
            "digitalstore/entitlements/preview_refused.html",
        ]

    def get_asset(self, pk: Any) -> Any:
        """Return the asset; ``Http404`` where this user may not look at it."""
        asset = super().get_asset(pk)
        if not policies.may_preview(self.request.user, asset):
            raise Http404
        return asset


class GenericAssetPreviewLinkView(_PreviewPage):
    """A click on a file of one's own shop: makes a link and sends the browser there. POST only."""

    http_method_names = ["post", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "redeem_url": ("get_redeem_url", '"shop:asset_preview"'),
        "back_url": ("get_refusal_back_url", '"shop:seller_products"'),
    }
    #: Name of the URL of your ``GenericAssetPreviewView``; it takes the token.
    redeem_url: str | None = None

    def get_redeem_url(self, token: str) -> str:
        """Return where ``token`` is redeemed. Hook: no I/O."""
        return reverse(str(self.redeem_url), args=[token])

    def post(self, request: HttpRequest, pk: Any, **kwargs: Any) -> HttpResponseBase:
        asset = self.get_asset(pk)
        if not asset.is_ready:
            return self.say_no(Refusal.PROCESSING, asset, outcome=None)
        return self.lead_to(self.get_redeem_url(links.mint_preview(request.user, asset)))


class GenericAssetPreviewView(_PreviewPage):
    """Redeems a preview's link: asks again who looks, logs, and lets a backend send the file.

    404 for what is no link of this user; 410 with a button for a fresh one where it is too old.
    """

    http_method_names = ["get", "head", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "preview_url": ("get_preview_url", '"shop:asset_preview_link"'),
        "back_url": ("get_refusal_back_url", '"shop:seller_products"'),
    }
    #: Name of the URL of your ``GenericAssetPreviewLinkView``; it takes the asset's key.
    preview_url: str | None = None

    def get_preview_url(self, asset: Any) -> str:
        """Return where a POST makes a fresh link to ``asset``. Hook: no I/O."""
        return reverse(str(self.preview_url), args=[asset.pk])

    def get(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        try:
            link = links.redeem_preview(token, request.user)
        except links.LinkInvalid:
            raise Http404 from None
        except links.LinkExpired as error:
            asset = self.get_asset(error.link.asset_id)
            again = self.get_preview_url(asset)
            return self.say_no(Refusal.EXPIRED, asset, outcome=None, download_url=again)
        asset = self.get_asset(link.asset_id)
        if not asset.is_ready:
            return self.say_no(Refusal.PROCESSING, asset, outcome=None)
        backend = self.get_backend(asset)
        try:
            response = backend.respond(request, self.get_delivery(asset))
        except FileMissing:
            return self.say_no(Refusal.MISSING, asset, outcome=DownloadOutcome.MISSING)
        if request.method == "HEAD" or not self.gives_bytes(response):
            return response
        try:
            # A later part alone is a look at the file too: it must not go out unseen.
            if not (
                self.is_rest(backend, response) and policies.is_rest_of_preview(request.user, asset)
            ):
                self.log(asset, DownloadOutcome.PREVIEWED)
        except BaseException:
            self.discard(response)
            raise
        return response

    def head(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        return self.get(request, token, **kwargs)
