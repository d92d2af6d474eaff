"""The changelog of a product: every version that its owners see, and what is new in each."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db.models import Model, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property
from django.views.generic import ListView

from django_digitalstore.catalog import get_product_model, get_release_model
from django_digitalstore.core.views import GenericView

from .pages import HostTemplateMixin, PagedMixin

__all__ = ["GenericProductChangelogView"]


class GenericProductChangelogView(GenericView, HostTemplateMixin, PagedMixin, ListView):
    """The published versions of a product and their notes, the newest first; files are not named.

    For everybody where the product is for sale; else for whom ``may_see`` lets in, and 404 for the
    others. ``?page=``.
    """

    roles: ClassVar[tuple[str, ...]] = ()
    page_template = "product_changelog.html"
    context_object_name = "releases"

    def get_page_model(self) -> type[Model]:
        return get_product_model()

    def get_paginate_by(self, queryset: Any) -> int:
        """Return ``DIGITALSTORE_RELEASES_PER_PAGE``. Hook."""
        return settings.DIGITALSTORE_RELEASES_PER_PAGE

    @cached_property
    def product(self) -> Any:
        """The product of the address. Raises ``Http404``."""
        product = get_object_or_404(get_product_model(), slug=self.kwargs["slug"])
        if not (product.is_for_sale or self.may_see(product)):
            raise Http404
        return product

    def may_see(self, product: Any) -> bool:
        """Tell whether this visitor sees a product that is not for sale. Hook: nobody does.

        As in ``return has_access(self.request.user, product)``, for its owners.
        """
        return False

    def get_queryset(self) -> QuerySet:
        """Return the releases that owners see. Hook."""
        return get_release_model().objects.available().filter(product=self.product)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(product=self.product, **kwargs)
