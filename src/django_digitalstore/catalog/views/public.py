"""The pages that everybody sees: the list of products, and one product."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Model, Prefetch, QuerySet
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.safestring import mark_safe
from django.views.generic import DetailView, ListView

from django_digitalstore.catalog import (
    get_asset_model,
    get_category_model,
    get_product_model,
    get_release_model,
)
from django_digitalstore.core.views import GenericView

from .pages import HostTemplateMixin, PagedMixin

__all__ = ["GenericProductDetailView", "GenericProductListView"]

LONGEST_SEARCH = 200


class _ProductPage(HostTemplateMixin):
    """Queries and template parts that the public pages share."""

    def get_page_model(self) -> type[Model]:
        return get_product_model()

    def get_products(self) -> QuerySet:
        """Return the products that the page may show. Hook: keep to those for sale."""
        return self.annotate_products(get_product_model().objects.for_sale().with_updates())

    def annotate_products(self, queryset: QuerySet) -> QuerySet:
        """Add to the products what the templates show, as in
        ``with_ownership(queryset, self.request.user)``. Hook: no query of its own.
        """
        return queryset

    def get_partials(self) -> dict[str, list[str]]:
        """Return the names of each part of the page that others may replace, best first. Hook.

        The host's template comes first, then that of a feature above the catalog (entitlements
        shows what one owns), then the catalog's own.
        """
        app_label = get_product_model()._meta.app_label
        return {
            part: [
                f"{app_label}/_product_{part}.html",
                f"digitalstore/extensions/catalog/_product_{part}.html",
                f"digitalstore/catalog/_{part}.html",
            ]
            for part in ("cover", "price", "buy", "more")
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(partials=self.get_partials(), **kwargs)  # type: ignore[misc]


class GenericProductListView(GenericView, _ProductPage, PagedMixin, ListView):
    """The shop: products for sale, featured ones first, by search, categories and page.

    ``?q=`` words, ``?category=a&category=b`` any of these, ``?featured=1``, ``?page=``. What is
    unknown or nonsense finds nothing or the nearest page, never an error.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    page_template = "product_list.html"
    context_object_name = "products"
    ordering = ("-featured", "-published_at", "-pk")

    @cached_property
    def search_text(self) -> str:
        """What the visitor looks for."""
        # Databases refuse NUL in text.
        return self.request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]

    @cached_property
    def categories(self) -> list[Any]:
        """The categories in which something is for sale."""
        on_sale = get_product_model().objects.for_sale().filter(categories__isnull=False)
        return list(
            get_category_model().objects.filter(pk__in=on_sale.order_by().values("categories"))
        )

    @cached_property
    def chosen_categories(self) -> list[Any]:
        """Those of the categories that the visitor chose."""
        asked = set(self.request.GET.getlist("category"))
        return [category for category in self.categories if category.slug in asked]

    @cached_property
    def featured_only(self) -> bool:
        """Whether the visitor wants featured products only."""
        return self.request.GET.get("featured") in {"1", "true", "on"}

    def get_queryset(self) -> QuerySet:
        """Return the products that match. Hook."""
        products = self.get_products().prefetch_related("categories")
        if self.search_text:
            products = products.search(self.search_text)  # type: ignore[attr-defined]
        if any(self.request.GET.getlist("category")):
            slugs = [category.slug for category in self.chosen_categories]
            products = products.in_categories(slugs) if slugs else products.none()  # type: ignore[attr-defined]
        if self.featured_only:
            products = products.filter(featured=True)
        ordering = self.get_ordering() or ()
        return products.order_by(*([ordering] if isinstance(ordering, str) else ordering))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context.update(
            search_text=self.search_text,
            categories=self.categories,
            chosen_categories=self.chosen_categories,
            featured_only=self.featured_only,
            is_filtered=bool(
                self.search_text or self.featured_only or any(self.request.GET.getlist("category"))
            ),
        )
        return context


class GenericProductDetailView(GenericView, _ProductPage, DetailView):
    """One product that is for sale: what it is, what the buyer gets, its versions.

    Drafts and archived products answer 404, also to their sellers. Files are named, and only public
    samples are linked.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    needs = {"checkout_url": ("get_buy_url", '"shop:checkout"')}
    page_template = "product_detail.html"
    context_object_name = "product"
    #: URL name of the checkout; ``""`` where nothing can be bought, and there is no button.
    checkout_url: str | None = None
    #: URL name of the list of products, for the way back; None leaves it out.
    list_url: str | None = None
    #: URL name of the changelog; None leaves it out, and the page shows every version.
    changelog_url: str | None = None
    #: URL name of the entitlements' ``GenericSampleView``, which takes the file's key; None leaves
    #: the samples out.
    sample_url: str | None = None
    #: How many versions the page shows where there is a changelog.
    newest_releases: int = 3

    def get_queryset(self) -> QuerySet:
        """Return the products that have a page, with releases that owners see. Hook."""
        releases = get_release_model().objects.available()
        assets = get_asset_model().objects.for_owners()
        releases = releases.prefetch_related(Prefetch("assets", queryset=assets))  # type: ignore[misc]
        if self.sample_url:
            samples = get_asset_model().objects.samples()
            releases = releases.prefetch_related(  # type: ignore[assignment]
                Prefetch("assets", queryset=samples, to_attr="samples")
            )
        if self.changelog_url:
            releases = releases[: self.newest_releases]
        return self.get_products().prefetch_related(
            "categories", Prefetch("releases", queryset=releases, to_attr="available_releases")
        )

    def get_buy_url(self) -> str:
        """Return where the product is bought: the checkout with ``?product=<slug>``. Hook."""
        if not self.checkout_url:
            return ""
        return f"{resolve_url(self.checkout_url)}?{urlencode({'product': self.object.slug})}"

    def get_list_url(self) -> str:
        """Return where all products are, or nothing. Hook."""
        return resolve_url(self.list_url) if self.list_url else ""

    def get_changelog_url(self) -> str:
        """Return where all versions are, or nothing. Hook."""
        if not self.changelog_url:
            return ""
        return reverse(self.changelog_url, kwargs={"slug": self.object.slug})

    def get_sample_url(self, asset: Any) -> str:
        """Return where everybody gets the sample ``asset``. Hook: no I/O."""
        return reverse(str(self.sample_url), args=[asset.pk])

    def get_samples(self) -> list[dict[str, Any]]:
        """Return the samples of the newest version that has any: ``asset`` and ``url``. Hook."""
        if not self.sample_url:
            return []
        releases = self.object.available_releases
        samples: list[Any] = next((r.samples for r in releases if r.samples), [])
        return [{"asset": asset, "url": self.get_sample_url(asset)} for asset in samples]

    def get_cover(self) -> str:
        """Return the cover's HTML, or nothing where the host has none. Hook."""
        html = render_to_string(
            self.get_partials()["cover"], {"product": self.object}, request=self.request
        )
        return mark_safe(html.strip())  # a template's output: it is escaped there

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            buy_url=self.get_buy_url(),
            list_url=self.get_list_url(),
            changelog_url=self.get_changelog_url(),
            samples=self.get_samples(),
            cover=self.get_cover(),
            **kwargs,
        )
