"""Telling the owners of a release, and the page that ends such e-mails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.decorators import classonlymethod, method_decorator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_protect
from django.views.generic import TemplateView, View

from django_digitalstore.catalog import get_product_model, get_release_model
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView
from django_digitalstore.entitlements import flows, policies, unsubscribe_links
from django_digitalstore.entitlements.exceptions import ReleaseNotAvailable

__all__ = ["GenericReleaseNotifyView", "GenericUnsubscribeView"]


class GenericReleaseNotifyView(GenericView, View):
    """Tells the owners of a release of the seller's: one button, POST only, and back.

    The URL takes the slug of the product and the release's key, as all of a release do.
    """

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = {"releases_url": ("get_success_url", '"shop:seller_releases"')}
    http_method_names = ["post", "options"]
    # There is no page, so the host need not say how it looks.
    base_template = ""
    active_page = ""
    #: URL name of the product's releases.
    releases_url: str | None = None

    def get_queryset(self) -> QuerySet:
        """Return the releases of the seller's product. Hook: keep to the seller's own."""
        products = get_product_model().objects.of_seller(self.request.user)
        releases = get_release_model()._default_manager.select_related("product")
        return releases.filter(product__in=products.filter(slug=self.kwargs["slug"]))

    def get_release(self) -> Any:
        """Return the release; ``Http404`` where the seller's product has none of this key."""
        queryset = self.get_queryset()
        try:
            return queryset.get(pk=self.kwargs["pk"])
        except (queryset.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            raise Http404 from None

    def get_success_url(self) -> str:
        """Return where to go once it is done: to the product's releases. Hook."""
        return reverse(str(self.releases_url), kwargs={"slug": self.kwargs["slug"]})

    def get_login_next(self, request: HttpRequest) -> str:
        """Come back to the product's releases: this address takes no GET."""
        return self.get_success_url()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        release = self.get_release()
        try:
            told = flows.notify_owners(release, actor=request.user)
        except ReleaseNotAvailable as error:
            messages.error(request, str(error), fail_silently=True)
        else:
            messages.success(request, told_text(release, told), fail_silently=True)
        response = HttpResponseRedirect(self.get_success_url())
        response.status_code = 303
        return response


def told_text(release: Any, told: int | None) -> str:
    """Say what ``flows.notify_owners`` did."""
    if told is None:
        return _("The owners of “%(release)s” were told before. Nobody is told twice.") % {
            "release": release
        }
    if not told:
        return _("Nobody is to be told of “%(release)s”.") % {"release": release}
    text = ngettext(
        "%(number)d owner of “%(release)s” is told by e-mail.",
        "%(number)d owners of “%(release)s” are told by e-mail.",
        told,
    )
    return text % {"number": told, "release": release}


class GenericUnsubscribeView(GenericView, TemplateView):
    """Ends e-mails about releases, for whoever holds the link of such an e-mail; no login.

    GET shows what the user gets now, and changes nothing: programs follow links. POST with
    ``action``: ``product`` ends the e-mails about this product, ``all`` those about any, ``again``
    takes both back. A mail program's own button posts ``List-Unsubscribe=One-Click`` (RFC 8058):
    that alone needs no CSRF token, and ends those about the product. 404 for a link that is not
    ours. The page shows nothing about the user: links are forwarded.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    #: A mail program that posts here does not come again.
    open_under_construction = True
    http_method_names = ["get", "head", "post", "options"]
    user: Any = None
    product: Any = None

    @classonlymethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:  # noqa: N805
        """Return the view function, which asks for the CSRF token itself."""
        view = super().as_view(**initkwargs)
        view.csrf_exempt = True  # type: ignore[attr-defined]
        return view

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Find whom the link is for."""
        super().setup(request, *args, **kwargs)
        try:
            link = unsubscribe_links.read(kwargs["token"])
        except unsubscribe_links.UnsubscribeLinkInvalid:
            raise Http404 from None
        self.user = get_object_or_404(get_user_model(), pk=link.user_id)
        self.product = get_object_or_404(get_product_model(), pk=link.product_id)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        add_never_cache_headers(response)
        # The link is in the address: no other site is told it. With no-referrer, browsers would
        # post the form with "Origin: null", which no CSRF check lets pass.
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["X-Robots-Tag"] = "noindex"
        return response

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_release_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/release_unsubscribe.html",
            "digitalstore/entitlements/release_unsubscribe.html",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``product``, and whether the user wants no e-mails about it or about any."""
        return super().get_context_data(
            product=self.product,
            is_out=policies.is_opted_out(self.user, self.product),
            is_out_of_all=policies.is_opted_out(self.user),
            **kwargs,
        )

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.POST.get("List-Unsubscribe") == "One-Click":
            flows.opt_out(self.user, self.product)
            # Mail programs follow no redirect.
            return HttpResponse(_("You are unsubscribed."), content_type="text/plain")
        return self.post_form(request)

    @method_decorator(csrf_protect)
    def post_form(self, request: HttpRequest) -> HttpResponseBase:
        """Do what a button of the page says; 400 for anything else."""
        match request.POST.get("action"):
            case "product":
                flows.opt_out(self.user, self.product)
            case "all":
                flows.opt_out(self.user)
            case "again":
                flows.opt_in(self.user, self.product)
            case _:
                return self.render_to_response(self.get_context_data(), status=400)
        response = HttpResponseRedirect(request.path)
        response.status_code = 303
        return response
