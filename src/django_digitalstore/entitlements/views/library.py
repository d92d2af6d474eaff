"""The library: what a customer owns now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.generic import ListView

from django_digitalstore.catalog import get_asset_model, get_release_model
from django_digitalstore.core.paginator import CountlessPaginator
from django_digitalstore.core.roles import CUSTOMER
from django_digitalstore.core.views import GenericView
from django_digitalstore.entitlements import get_purchased_product_model

__all__ = ["GenericMyProductListView", "LibraryFile", "LibraryItem"]


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file in the library: ``download_url`` takes a POST, which answers with a fresh link."""

    asset: Any
    download_url: str


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """A product in the library, with its newest release that owners may see (None: none yet)."""

    purchase: Any
    product: Any
    release: Any | None
    files: list[LibraryFile]


class GenericMyProductListView(GenericView, ListView):
    """The customer's library: what they own now, with the files of each newest release.

    Context: ``library``, a list of ``LibraryItem``, and the usual names of a paged list. The number
    of queries does not depend on the number of rows; nothing is counted.
    """

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "download_url": ("get_download_url", '"shop:download_link"'),
    }
    #: Name of the URL of your ``GenericDownloadLinkView``; it takes the asset's key.
    download_url: str | None = None
    context_object_name = "purchases"
    paginator_class = CountlessPaginator

    def get_queryset(self) -> QuerySet:
        """Return the visitor's live purchases, newest first. Hook."""
        releases: Any = get_release_model()._default_manager
        newest = (
            releases.available()
            .filter(product_id=OuterRef("product_id"))
            .order_by("-published_at", "-pk")
        )
        shown = releases.available().filter(pk=Subquery(newest.values("pk")[:1]))
        files: Any = get_asset_model()._default_manager
        files = files.for_owners()
        return (
            get_purchased_product_model()
            .objects.of_customer(self.request.user)
            .select_related("product")
            .prefetch_related(
                Prefetch(
                    "product__releases",
                    queryset=shown.prefetch_related(Prefetch("assets", queryset=files)),
                    to_attr="shown_releases",
                )
            )
        )

    def get_paginate_by(self, queryset: QuerySet) -> int:
        """Return ``DIGITALSTORE_PURCHASES_PER_PAGE``, or the class's ``paginate_by``. Hook."""
        return self.paginate_by or settings.DIGITALSTORE_PURCHASES_PER_PAGE

    def get_download_url(self, asset: Any) -> str:
        """Return where a POST makes a link to ``asset``. Hook: no I/O."""
        return reverse(str(self.download_url), args=[asset.pk])

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        return [*super().get_template_names(), "digitalstore/entitlements/library.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``library``."""
        context = super().get_context_data(**kwargs)
        context["library"] = [self.get_library_item(p) for p in context["object_list"]]
        return context

    def get_library_item(self, purchase: Any) -> LibraryItem:
        """Return what a template needs of one purchase. Hook: no queries."""
        release = next(iter(purchase.product.shown_releases), None)
        assets = release.assets.all() if release is not None else []
        files = [LibraryFile(asset, self.get_download_url(asset)) for asset in assets]
        return LibraryItem(purchase, purchase.product, release, files)

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        add_never_cache_headers(response)
        return response
