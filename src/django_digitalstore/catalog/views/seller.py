"""The seller's pages: their products and their categories, and nobody else's.

The tenant filter is ``of_seller`` of the querysets: what is not the seller's does not exist (404).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Model, ProtectedError, QuerySet, RestrictedError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import CreateView, DeleteView, ListView, UpdateView
from django.views.generic.detail import SingleObjectMixin

from django_digitalstore.catalog import flows, get_category_model
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.problems import problems_of
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView

from .pages import HostTemplateMixin, PagedMixin
from .panel import GoesToSuccess, SellersFormPage, SellersProducts, SellersStep

__all__ = [
    "GenericCategoryCreateView",
    "GenericCategoryDeleteView",
    "GenericCategoryListView",
    "GenericCategoryUpdateView",
    "GenericProductArchiveView",
    "GenericProductCreateView",
    "GenericProductPublishView",
    "GenericProductUpdateView",
    "GenericSellerProductListView",
]

_SUCCESS = {"success_url": ("get_success_url", '"shop:seller_products"')}
_CATEGORY_SUCCESS = {"success_url": ("get_success_url", '"shop:seller_categories"')}


class _SellersCategories(HostTemplateMixin):
    context_object_name: str | None = "category"

    def get_page_model(self) -> type[Model]:
        return get_category_model()

    def get_queryset(self) -> QuerySet:
        """Return the seller's own categories. Hook: keep to them."""
        return get_category_model().objects.of_seller(self.request.user)


class GenericSellerProductListView(GenericView, SellersProducts, PagedMixin, ListView):
    """The seller's products in every status, the one that was changed last first."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = {
        "create_url": ("get_create_url", '"shop:seller_product_create"'),
        "update_url": ("get_update_url", '"shop:seller_product_update"'),
        "publish_url": ("get_publish_url", '"shop:seller_product_publish"'),
        "archive_url": ("get_archive_url", '"shop:seller_product_archive"'),
    }
    page_template = "product_seller_list.html"
    context_object_name = "products"
    create_url: Any = None
    update_url: Any = None
    publish_url: Any = None
    archive_url: Any = None
    #: URL name of a product's releases; None leaves the link out.
    releases_url: Any = None

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().order_by("-updated_at", "-pk")

    def get_create_url(self) -> str:
        """Return where a product is made. Hook."""
        return resolve_url(self.create_url)

    def get_update_url(self, product: Any) -> str:
        """Return where ``product`` is edited. Hook."""
        return reverse(self.update_url, kwargs={"slug": product.slug})

    def get_publish_url(self, product: Any) -> str:
        """Return where ``product`` is published, by POST. Hook."""
        return reverse(self.publish_url, kwargs={"slug": product.slug})

    def get_archive_url(self, product: Any) -> str:
        """Return where ``product`` is archived, by POST. Hook."""
        return reverse(self.archive_url, kwargs={"slug": product.slug})

    def get_releases_url(self, product: Any) -> str:
        """Return where the releases of ``product`` are, or nothing. Hook."""
        if not self.releases_url:
            return ""
        return reverse(self.releases_url, kwargs={"slug": product.slug})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["create_url"] = self.get_create_url()
        problems = problems_of(context["products"])
        context["rows"] = [
            {
                "product": product,
                "problems": problems.get(product.pk, []),
                "update_url": self.get_update_url(product),
                "publish_url": self.get_publish_url(product),
                "archive_url": self.get_archive_url(product),
                "releases_url": self.get_releases_url(product),
            }
            for product in context["products"]
        ]
        return context


class GenericProductCreateView(SellersFormPage, SellersProducts, CreateView):
    """Makes a product of the seller's: a draft, whatever the form says."""

    needs = {"form_class": ("get_form_class", "ProductForm"), **_SUCCESS}
    page_template = "product_form.html"

    def get_success_message(self) -> str:
        return _("“%(object)s” is saved as a draft. Publish it when it is ready.") % {
            "object": self.object
        }


class GenericProductUpdateView(SellersFormPage, SellersProducts, UpdateView):
    """Edits a product of the seller's. Its status stays as it is."""

    needs = {"form_class": ("get_form_class", "ProductForm"), **_SUCCESS}
    page_template = "product_form.html"
    #: URL name of the product's releases; None leaves the link out.
    releases_url: Any = None

    def get_releases_url(self) -> str:
        """Return where the product's releases are, or nothing. Hook."""
        if not self.releases_url:
            return ""
        # The address of this page, not what the form has just been given.
        return reverse(self.releases_url, kwargs={"slug": self.kwargs["slug"]})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        problems = problems_of([self.object]).get(self.object.pk, [])
        return super().get_context_data(
            problems=problems, releases_url=self.get_releases_url(), **kwargs
        )


class _ProductStep(SellersStep, SellersProducts, SingleObjectMixin):
    needs = _SUCCESS

    def get_refusal(self, error: ProductNotReady) -> str:
        reasons = " ".join(
            f"{field}: {' '.join(texts)}" if field != "__all__" else " ".join(texts)
            for field, texts in error.message_dict.items()
        )
        return _("“%(object)s” is not ready to be published. %(reasons)s") % {
            "object": self.object,
            "reasons": reasons,
        }


class GenericProductPublishView(_ProductStep):
    """Puts a product of the seller's on sale; an archived one again."""

    def take_step(self, product: Any) -> str:
        flows.publish_product(product, actor=self.request.user)
        if not product.releases.available().filter(assets__isnull=False).exists():
            text = _("“%(object)s” has no file yet: its buyers get one with its first release.")
            messages.warning(self.request, text % {"object": product}, fail_silently=True)
        return _("“%(object)s” is published.") % {"object": product}


class GenericProductArchiveView(_ProductStep):
    """Takes a product of the seller's off the shop. Who owns it keeps it."""

    def take_step(self, product: Any) -> str:
        flows.archive_product(product, actor=self.request.user)
        return _("“%(object)s” is archived. Who owns it keeps it.") % {"object": product}


class GenericCategoryListView(GenericView, _SellersCategories, PagedMixin, ListView):
    """The seller's own categories."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = {
        "create_url": ("get_create_url", '"shop:seller_category_create"'),
        "update_url": ("get_update_url", '"shop:seller_category_update"'),
        "delete_url": ("get_delete_url", '"shop:seller_category_delete"'),
    }
    page_template = "category_seller_list.html"
    context_object_name = "categories"
    create_url: Any = None
    update_url: Any = None
    delete_url: Any = None

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().order_by("position", "name", "pk")

    def get_create_url(self) -> str:
        """Return where a category is made. Hook."""
        return resolve_url(self.create_url)

    def get_update_url(self, category: Any) -> str:
        """Return where ``category`` is edited. Hook."""
        return reverse(self.update_url, kwargs={"slug": category.slug})

    def get_delete_url(self, category: Any) -> str:
        """Return where ``category`` is deleted. Hook."""
        return reverse(self.delete_url, kwargs={"slug": category.slug})

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        context["create_url"] = self.get_create_url()
        context["rows"] = [
            {
                "category": category,
                "update_url": self.get_update_url(category),
                "delete_url": self.get_delete_url(category),
            }
            for category in context["categories"]
        ]
        return context


class GenericCategoryCreateView(SellersFormPage, _SellersCategories, CreateView):
    """Makes a category that only this seller's products lie in."""

    needs = {"form_class": ("get_form_class", "CategoryForm"), **_CATEGORY_SUCCESS}
    page_template = "category_form.html"


class GenericCategoryUpdateView(SellersFormPage, _SellersCategories, UpdateView):
    """Edits a category of the seller's."""

    needs = {"form_class": ("get_form_class", "CategoryForm"), **_CATEGORY_SUCCESS}
    page_template = "category_form.html"


class GenericCategoryDeleteView(GoesToSuccess, _SellersCategories, DeleteView):
    """Asks, then deletes a category of the seller's. Its products stay, outside of it."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    needs = _CATEGORY_SUCCESS
    page_template = "category_confirm_delete.html"

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            flows.delete_category(self.object, actor=self.request.user)
        except (ProtectedError, RestrictedError):
            text = _("“%(object)s” is still in use, so it stays.")
            messages.error(self.request, text % {"object": self.object}, fail_silently=True)
        else:
            text = _("“%(object)s” is deleted.")
            messages.success(self.request, text % {"object": self.object}, fail_silently=True)
        return HttpResponseRedirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(
            back_url=self.get_back_url(), product_count=self.object.products.count(), **kwargs
        )
