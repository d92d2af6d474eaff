"""The library: what a customer owns now, and all versions of one thing that they own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.generic import ListView

from django_digitalstore.catalog import get_asset_model, get_release_model
from django_digitalstore.core.paginator import CountlessPaginator
from django_digitalstore.core.roles import CUSTOMER
from django_digitalstore.core.views import GenericView
from django_digitalstore.entitlements import get_purchased_product_model, policies

__all__ = [
    "GenericMyProductListView",
    "GenericMyReleaseListView",
    "LibraryFile",
    "LibraryItem",
    "LibraryRelease",
]


@dataclass(frozen=True, slots=True)
class LibraryFile:
    """A file in the library: ``download_url`` takes a POST, which answers with a fresh link."""

    asset: Any
    download_url: str


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """A product in the library, with its newest release that this owner gets (None: none yet)."""

    purchase: Any
    product: Any
    release: Any | None
    files: list[LibraryFile]
    #: When updates ended, where there is a later release that this owner does not get.
    updates_ended_at: datetime | None = None
    #: Whether the release is newer than any that this owner has downloaded.
    is_new: bool = False
    #: Whether the release, which is not the first, came within ``DIGITALSTORE_UPDATED_BADGE_AGE``.
    is_updated: bool = False
    #: Where all versions are; "" where this one is the only one.
    releases_url: str = ""
    #: Where its owner asks for help; "" where there is no such page.
    help_url: str = ""


@dataclass(frozen=True, slots=True)
class LibraryRelease:
    """A release of a product that one owns, with its files."""

    release: Any
    files: list[LibraryFile]


class _OwnersList(GenericView, ListView):
    """A paged list of what the visitor owns, with files that a click downloads."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    open_under_construction = "owners"
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "download_url": ("get_download_url", '"shop:download_link"'),
    }
    #: Name of the URL of your ``GenericDownloadLinkView``; it takes the asset's key.
    download_url: str | None = None
    paginator_class = CountlessPaginator

    def get_download_url(self, asset: Any) -> str:
        """Return where a POST makes a link to ``asset``. Hook: no I/O."""
        return reverse(str(self.download_url), args=[asset.pk])

    def get_files(self, release: Any) -> list[LibraryFile]:
        """Return the files of a release as the page shows them. Hook: no queries."""
        return [LibraryFile(asset, self.get_download_url(asset)) for asset in release.owners_files]

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        response = super().render_to_response(context, **kwargs)
        add_never_cache_headers(response)
        return response


def _with_files(releases: QuerySet[Any]) -> QuerySet[Any]:
    files = get_asset_model().objects.for_owners()
    return releases.prefetch_related(Prefetch("assets", queryset=files, to_attr="owners_files"))


class GenericMyProductListView(_OwnersList):
    """The customer's library: what they own now, with the files of each newest release.

    Context: ``library``, a list of ``LibraryItem``, and the usual names of a paged list. The number
    of queries does not depend on the number of rows; nothing is counted. Releases from after the
    end of an owner's updates are not shown to them, and the item says so.
    """

    #: Name of the URL of your ``GenericMyReleaseListView``, which takes the product's slug; None
    #: leaves the link out.
    releases_url: str | None = None
    #: Name of the URL where an owner asks for help, which takes the product's slug; None leaves the
    #: link out.
    help_url: str | None = None
    context_object_name = "purchases"

    def get_queryset(self) -> QuerySet:
        """Return the visitor's live purchases, newest first. Hook."""
        purchases = get_purchased_product_model().objects.of_customer(self.request.user)
        return purchases.select_related("product")

    def get_paginate_by(self, queryset: QuerySet) -> int:
        """Return ``DIGITALSTORE_PURCHASES_PER_PAGE``, or the class's ``paginate_by``. Hook."""
        return self.paginate_by or settings.DIGITALSTORE_PURCHASES_PER_PAGE

    def get_releases_url(self, product: Any) -> str:
        """Return where all versions of ``product`` are, or nothing. Hook: no I/O."""
        return reverse(self.releases_url, args=[product.slug]) if self.releases_url else ""

    def get_help_url(self, product: Any) -> str:
        """Return where an owner of ``product`` asks for help, or nothing. Hook: no I/O."""
        return reverse(self.help_url, args=[product.slug]) if self.help_url else ""

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        return [*super().get_template_names(), "digitalstore/entitlements/library.html"]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``library``."""
        context = super().get_context_data(**kwargs)
        purchases = list(context["object_list"])
        self.shelf = _Shelf(self.request.user, purchases)
        context["library"] = [self.get_library_item(purchase) for purchase in purchases]
        return context

    def get_library_item(self, purchase: Any) -> LibraryItem:
        """Return what a template needs of one purchase. Hook: no queries."""
        product, release = purchase.product, self.shelf.newest.get(purchase.product_id)
        ended_at = self.shelf.ended.get(purchase.product_id)
        help_url = self.get_help_url(product)
        if release is None:
            return LibraryItem(purchase, product, None, [], ended_at, help_url=help_url)
        seen = self.shelf.seen.get(purchase.product_id)
        recent = timezone.now() - settings.DIGITALSTORE_UPDATED_BADGE_AGE
        return LibraryItem(
            purchase,
            product,
            release,
            self.get_files(release),
            ended_at,
            is_new=seen is not None and release.published_at > seen,
            is_updated=release.is_update and release.published_at > recent,
            releases_url=self.get_releases_url(product) if release.has_older else "",
            help_url=help_url,
        )


class _Shelf:
    """What a page of purchases shows of their releases, in four queries, whatever its length."""

    def __init__(self, user: Any, purchases: list[Any]) -> None:
        releases = get_release_model().objects.available()
        #: Product → when updates ended for this owner, where later releases are kept from them.
        self.ended: dict[Any, datetime] = {}
        chosen: list[Any] = []
        limited = {
            purchase.product_id: until
            for purchase in purchases
            if (until := policies.updates_until(purchase, purchase.product)) is not None
        }
        if limited:
            # Each has an end of its own, so the newest before it is found here: of keys and dates.
            dated = releases.filter(product__in=limited).order_by("-published_at", "-pk")
            found = set()
            for pk, product_id, at in dated.values_list("pk", "product_id", "published_at"):
                if at is not None and at > limited[product_id]:
                    self.ended[product_id] = limited[product_id]
                elif product_id not in found:
                    found.add(product_id)
                    chosen.append(pk)
        others = [p.product_id for p in purchases if p.product_id not in limited]
        same_product = releases.filter(product_id=OuterRef("product_id"))
        newest = same_product.order_by("-published_at", "-pk").values("pk")[:1]
        before = {"product": OuterRef("product"), "published_at__lt": OuterRef("published_at")}
        shown = releases.filter(
            Q(pk__in=chosen) | Q(product__in=others, pk=Subquery(newest))
        ).annotate(
            has_older=Exists(releases.filter(**before)),
            # What follows a withdrawn release is an update too, as everywhere.
            is_update=Exists(get_release_model().objects.filter(**before)),
        )
        #: Product → the newest release that its owner gets.
        self.newest = {release.product_id: release for release in _with_files(shown)}
        #: Product → when the newest release was published that the visitor has downloaded.
        self.seen = policies.newest_downloaded(user, [p.product_id for p in purchases])


class GenericMyReleaseListView(_OwnersList):
    """All versions of one product that the visitor owns, newest first, with their files.

    Context: ``product``, ``purchase``, ``library_releases`` (a list of ``LibraryRelease``),
    ``updates_ended_at`` and the names of a paged list. 404 for what they do not own.
    """

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "library_url": ("get_library_url", '"shop:library"'),
    }
    library_url: str | None = None
    context_object_name = "releases"
    slug_url_kwarg = "slug"

    def get_library_url(self) -> str:
        """Return the URL of the library. Hook: no I/O."""
        return reverse(str(self.library_url))

    def get_purchase(self) -> Any:
        """Return the visitor's purchase of the product in the URL. Raises ``Http404``. Hook."""
        purchases = get_purchased_product_model().objects.of_customer(self.request.user)
        slug = self.kwargs[self.slug_url_kwarg]
        purchase = purchases.select_related("product").filter(product__slug=slug).first()
        if purchase is None:
            raise Http404
        return purchase

    def get_queryset(self) -> QuerySet:
        """Return the releases that this owner gets. Hook."""
        self.purchase = self.get_purchase()
        releases = policies.releases_for(self.purchase, self.purchase.product)
        return _with_files(releases).order_by("-published_at", "-pk")

    def get_paginate_by(self, queryset: QuerySet) -> int:
        """Return ``DIGITALSTORE_RELEASES_PER_PAGE``, or the class's ``paginate_by``. Hook."""
        return self.paginate_by or settings.DIGITALSTORE_RELEASES_PER_PAGE

    def get_template_names(self) -> list[str]:
        """Look for the host's template first. Hook."""
        label = get_release_model()._meta.app_label
        own = [self.template_name] if self.template_name else []
        return [
            *own,
            f"{label}/release_library_list.html",
            "digitalstore/entitlements/library_releases.html",
        ]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the product, its releases with their files, and when updates ended."""
        context = super().get_context_data(**kwargs)
        product = self.purchase.product
        until = policies.updates_until(self.purchase, product)
        later = get_release_model().objects.available().filter(product=product)
        has_ended = until is not None and later.filter(published_at__gt=until).exists()
        context.update(
            purchase=self.purchase,
            product=product,
            library_url=self.get_library_url(),
            updates_ended_at=until if has_ended else None,
            library_releases=[
                LibraryRelease(release, self.get_files(release))
                for release in context["object_list"]
            ],
        )
        return context
