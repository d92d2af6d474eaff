"""The seller's pages about downloads of their products: the log, and counting from nothing again.

The tenant filter is ``of_seller`` of the log's queryset: what is not the seller's is a 404.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, ListView

from django_digitalstore.core.paginator import CountlessPaginator
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView
from django_digitalstore.entitlements import (
    flows,
    get_download_model,
    get_grant_model,
    policies,
)
from django_digitalstore.entitlements.choices import DownloadOutcome, Refusal
from django_digitalstore.entitlements.exceptions import InvalidGrant
from django_digitalstore.entitlements.forms import DownloadResetForm

__all__ = ["DownloadLine", "GenericDownloadResetView", "GenericSellerDownloadListView"]


@dataclass(frozen=True, slots=True)
class DownloadLine:
    """A line of the log as its seller sees it; ``reset_url`` is "" where no limit applies.

    ``purchase`` names what was bought, as the number of an order, and not who bought it.
    """

    download: Any
    reset_url: str
    purchase: str = ""


class GenericSellerDownloadListView(GenericView, ListView):
    """The downloads of the seller's products, newest first: what, when, and how it ended.

    A seller sees the number of the purchase, and not who bought: name, address and browser are for
    staff. Context: ``lines``, a list of ``DownloadLine``.
    """

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "reset_url": ("get_reset_url", '"shop:seller_download_reset"'),
    }
    #: Name of the URL of your ``GenericDownloadResetView``; it takes the line's key.
    reset_url: str | None = None
    context_object_name = "downloads"
    paginator_class = CountlessPaginator
    paginate_by = 50

    def get_queryset(self) -> QuerySet:
        """Return the lines about the seller's products. Hook: keep to them."""
        log = get_download_model().objects.of_seller(self.request.user)
        return log.select_related("product").order_by("-at", "-pk")

    def get_reset_url(self, download: Any) -> str:
        """Return where the downloads of the line's buyer and product are reset. Hook: no I/O."""
        return reverse(str(self.reset_url), args=[download.pk])

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_download_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/download_seller_list.html",
            "digitalstore/entitlements/download_seller_list.html",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``lines``."""
        context = super().get_context_data(**kwargs)
        downloads = list(context["object_list"])
        self.purchases = _purchases_of(downloads, self.get_purchase_name)
        context["lines"] = [self.get_line(download) for download in downloads]
        return context

    def get_line(self, download: Any) -> DownloadLine:
        """Return what a template needs of one line. Hook: no queries."""
        counts = download.outcome == DownloadOutcome.SERVED or download.code == Refusal.LIMIT
        is_limited = counts and policies.download_limit(download.product) is not None
        purchase = self.purchases.get((download.user_id, download.product_id), "")
        return DownloadLine(download, self.get_reset_url(download) if is_limited else "", purchase)

    def get_purchase_name(self, grant: Any) -> str:
        """Return by what the seller knows a purchase: the number of its order. Hook: no I/O.

        That is the source's reference up to the first ``/``; its kind where it has none.
        """
        return _purchase_name(grant)


def _purchase_name(grant: Any) -> str:
    """Return the reference of the grant's source up to the first ``/``, or its kind."""
    return grant.source_reference.partition("/")[0] or grant.source_kind


def _purchases_of(
    downloads: Iterable[Any], name: Callable[[Any], str]
) -> dict[tuple[Any, Any], str]:
    """Return (user, product) → the newest purchase that stood, by name. One query."""
    pairs = {(download.user_id, download.product_id) for download in downloads}
    if not pairs:
        return {}
    grants = get_grant_model().objects.allowing()
    found = grants.filter(
        user__in={user for user, _product in pairs},
        product__in={product for _user, product in pairs},
    )
    return {
        pair: name(grant)
        for grant in found.order_by("pk")
        if (pair := (grant.user_id, grant.product_id)) in pairs
    }


class GenericDownloadResetView(GenericView, FormView):
    """Lets a buyer's downloads of one product count from nothing again; asks the seller why.

    The URL names a line of the log; another seller's is a 404.
    """

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "success_url": ("get_success_url", '"shop:seller_downloads"'),
    }
    form_class = DownloadResetForm
    success_url: Any = None

    @cached_property
    def download(self) -> Any:
        """The line of the log that says whose downloads, and of what."""
        log = get_download_model().objects.of_seller(self.request.user)
        try:
            return log.select_related("user", "product").get(pk=self.kwargs["pk"])
        except (log.model.DoesNotExist, ValueError, ValidationError, OverflowError):
            raise Http404 from None

    def get_success_url(self) -> str:
        """Return where the seller goes afterwards. Hook."""
        return resolve_url(self.success_url)

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_download_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/download_reset.html",
            "digitalstore/entitlements/download_reset.html",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the line, and what is used of the limit (None where access has ended)."""
        context = super().get_context_data(**kwargs)
        line = self.download
        purchase = policies.live_purchase(line.user, line.product)
        context.update(
            download=line,
            back_url=self.get_success_url(),
            purchase_name=_purchases_of([line], _purchase_name).get(
                (line.user_id, line.product_id), ""
            ),
            limit=policies.download_limit(line.product),
            used=None if purchase is None else policies.downloads_used(purchase),
        )
        return context

    def form_valid(self, form: Any) -> HttpResponse:
        line, reason = self.download, form.cleaned_data["reason"]
        names = {"product": line.product}
        try:
            done = flows.reset_downloads(
                line.user, line.product, actor=self.request.user, reason=reason
            )
        except InvalidGrant:
            text = _("The buyer has no access to “%(product)s” any more: nothing to reset.")
            messages.warning(self.request, text % names, fail_silently=True)
        else:
            if done is None:
                text = _("The buyer has used no download of “%(product)s”: nothing to reset.")
            else:
                text = _("The downloads of “%(product)s” count from nothing again.")
            level = messages.SUCCESS if done is not None else messages.WARNING
            messages.add_message(self.request, level, text % names, fail_silently=True)
        return HttpResponseRedirect(self.get_success_url())
