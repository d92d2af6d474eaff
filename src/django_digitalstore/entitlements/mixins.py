"""Protects a host's own class-based page, and shows on product pages who owns what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from django.contrib.auth.views import redirect_to_login
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.generic import View

from django_digitalstore.catalog import get_product_model

from . import policies
from .decorators import not_entitled

__all__ = ["OwnershipMixin", "RequiresProductMixin"]


if TYPE_CHECKING:
    # Whatever a view responds with, so that the mixin agrees with every view of Django's.
    _View: TypeAlias = View[Any]
else:
    _View = View


class RequiresProductMixin(_View):
    """Lets only those see a page who own its product; write it before the page's other bases.

    Anonymous visitors are sent to log in and come back, others get ``handle_not_entitled()``.
    """

    #: The URL's keyword with the product's slug, unless ``get_required_product`` is overridden.
    product_slug_kwarg = "slug"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        self.required_product = self.get_required_product()
        if policies.has_access(request.user, self.required_product):
            return super().dispatch(request, *args, **kwargs)
        return self.handle_not_entitled(self.required_product)

    def get_required_product(self) -> Any:
        """Return the product that the page is for. Hook; raises ``Http404`` for an unknown slug."""
        return get_object_or_404(get_product_model(), slug=self.kwargs[self.product_slug_kwarg])

    def handle_not_entitled(self, product: Any) -> HttpResponseBase:
        """Answer somebody who does not own ``product``. Hook: ``return redirect(product)``.

        Left alone, it raises ``NotEntitled``: the 403 page, which names what to buy.
        """
        raise not_entitled(product)


class OwnershipMixin:
    """Annotates a product view's queryset with what the visitor owns, within its own query.

    Write it before the generic view: ``class Products(OwnershipMixin, GenericProductListView)``.
    Then ``{% if product|owned_by:user %}`` needs no query of its own.
    """

    request: HttpRequest

    def get_queryset(self) -> QuerySet:
        """Annotate the view's own queryset with who owns what. Hook."""
        queryset = super().get_queryset()  # type: ignore[misc]
        return policies.with_ownership(queryset, self.request.user)
