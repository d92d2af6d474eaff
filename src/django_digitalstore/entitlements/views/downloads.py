"""The way of a file to its owner: a click makes a link, the link is redeemed."""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse

from django_digitalstore.core.roles import CUSTOMER
from django_digitalstore.entitlements import flows, links, policies
from django_digitalstore.entitlements.backends import FileMissing
from django_digitalstore.entitlements.choices import DownloadOutcome, Refusal
from django_digitalstore.entitlements.exceptions import DownloadLimitReached

from .files import LoggedFilePage

__all__ = ["GenericDownloadLinkView", "GenericDownloadView"]


class _OwnersFilePage(LoggedFilePage):
    """Either step of a download: who may have the file, asked each time."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    open_under_construction = "owners"
    library_url: str | None = None

    def get_library_url(self) -> str:
        """Return the URL of the library, which the pages of refusal link to. Hook: no I/O."""
        return reverse(str(self.library_url))

    def get_refusal_back_url(self) -> str:
        return self.get_library_url()

    def refuse_without_access(self, asset: Any) -> HttpResponse:
        """Tell somebody who once had access why it ended (403); a stranger gets a 404.

        Strangers are not logged either: the log would grow by whatever anybody types. Of what
        owners do not know of, nobody is told.
        """
        if not policies.is_known_to_owners(asset):
            raise Http404
        code = policies.why_access_ended(self.request.user, asset.release.product)
        if code is None:
            raise Http404
        return self.say_no(code, asset)

    def refuse_to_owner(self, purchase: Any, asset: Any) -> HttpResponse | None:
        """Return the page for an owner who does not get this file, None where they do.

        Raises ``Http404`` for what owners do not know of.
        """
        if not policies.is_known_to_owners(asset):
            raise Http404
        code = policies.why_refused(purchase, asset)
        if code is None:
            return None
        until = policies.updates_until(purchase, asset.release.product)
        return self.say_no(code, asset, updates_until=until)

    def refuse_at_limit(self, asset: Any) -> HttpResponse:
        """Tell an owner that all downloads of the purchase were made (403)."""
        limit = policies.download_limit(asset.release.product)
        return self.say_no(Refusal.LIMIT, asset, limit=limit)


class GenericDownloadLinkView(_OwnersFilePage):
    """A click on a file: asks for access, makes a link, and sends the browser there.

    POST only, since it makes something. The link is in no page: only the answer's Location has it.
    """

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

    def post(self, request: HttpRequest, pk: Any, **kwargs: Any) -> HttpResponseBase:
        asset = self.get_asset(pk)
        purchase = policies.live_purchase(request.user, asset.release.product)
        if purchase is None:
            return self.refuse_without_access(asset)
        refusal = self.refuse_to_owner(purchase, asset)
        if refusal is not None:
            return refusal
        if not policies.has_downloads_left(purchase, asset):
            return self.refuse_at_limit(asset)
        return self.lead_to(self.get_redeem_url(links.mint(request.user, purchase, asset)))


class GenericDownloadView(_OwnersFilePage):
    """Redeems a link: asks for access again, counts, and lets a delivery backend send the file.

    404 for what is no link, was altered, or is another user's; 410 with a button for a fresh one
    where the user's own link is too old or from before a new purchase; 403 where access or updates
    have ended, or the limit of downloads is reached; 404 with a page where the release was
    withdrawn, the file is not ready, or the storage lost it. Each has a code: see ``Refusal``.
    """

    http_method_names = ["get", "head", "options"]
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "download_url": ("get_download_url", '"shop:download_link"'),
        "library_url": ("get_library_url", '"shop:library"'),
    }
    #: Name of the URL of your ``GenericDownloadLinkView``; it takes the asset's key.
    download_url: str | None = None

    def get_download_url(self, asset: Any) -> str:
        """Return where a POST makes a fresh link to ``asset``. Hook: no I/O."""
        return reverse(str(self.download_url), args=[asset.pk])

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
        self.purchase = purchase
        return self.refuse_to_owner(purchase, asset) or self.deliver(asset)

    def head(self, request: HttpRequest, token: str, **kwargs: Any) -> HttpResponseBase:
        return self.get(request, token, **kwargs)

    def deliver(self, asset: Any) -> HttpResponseBase:
        """Deliver and count. The file is open before the log says that it was served."""
        backend = self.get_backend(asset)
        try:
            response = backend.respond(self.request, self.get_delivery(asset))
        except FileMissing:
            return self.say_no(Refusal.MISSING, asset, outcome=DownloadOutcome.MISSING)
        if self.request.method == "HEAD" or not self.gives_bytes(response):
            return response
        try:
            flows.record_download(
                self.purchase, asset, is_rest=self.is_rest(backend, response), **self.get_visitor()
            )
        except DownloadLimitReached:
            self.discard(response)
            return self.refuse_at_limit(asset)
        except BaseException:
            self.discard(response)
            raise
        return response

    def refuse_stale(self, asset: Any) -> HttpResponse:
        """Offer a fresh link (410). Not logged: one click gives what was refused."""
        return self.say_no(
            Refusal.EXPIRED, asset, outcome=None, download_url=self.get_download_url(asset)
        )
