"""The seller's pages for what support their products come with."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic import FormView, ListView

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import SeeOther
from django_digitalstore.support import flows, policies
from django_digitalstore.support.exceptions import InvalidSupport
from django_digitalstore.support.forms import SupportTermsForm

from .pages import PagedMixin, SupportPage

__all__ = ["GenericSupportTermsListView", "GenericSupportTermsUpdateView"]


class _TermsPage(SupportPage):
    """A page about the seller's own products, and nobody else's."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)

    def get_products(self) -> Any:
        """Return the seller's own products. Hook: keep to them."""
        return get_product_model().objects.of_seller(self.request.user)


class GenericSupportTermsListView(PagedMixin, _TermsPage, ListView):
    """The seller's products, and what support each comes with now. Constant queries."""

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "update_url": ("get_update_url", '"shop:seller_support_terms_update"'),
    }
    page_template = "terms_list.html"
    context_object_name = "products"
    #: Name of the URL of your ``GenericSupportTermsUpdateView``; it takes the product's slug.
    update_url: str | None = None
    #: URL, or its name, of the seller's queue; None leaves the way back out.
    queue_url: str | None = None

    def get_update_url(self, product: Any) -> str:
        """Return where the terms of ``product`` are set. Hook: no I/O."""
        return reverse(str(self.update_url), args=[product.slug])

    def get_queryset(self) -> Any:
        return self.get_products().order_by("title", "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``rows``: products with their ``terms`` (None: none yet) and ``update_url``."""
        context = super().get_context_data(**kwargs)
        products = list(context["products"])
        terms = policies.terms_by_product(products)
        context["queue_url"] = resolve_url(self.queue_url) if self.queue_url else ""
        context["rows"] = [
            {
                "product": product,
                "terms": terms.get(product.pk),
                "update_url": self.get_update_url(product),
            }
            for product in products
        ]
        return context


class GenericSupportTermsUpdateView(_TermsPage, FormView):
    """Sets what support a product of the seller's comes with, and what more of it costs.

    Who has bought keeps what they were promised. Another seller's product is a 404.
    """

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "success_url": ("get_success_url", '"shop:seller_support_terms"'),
    }
    page_template = "terms_form.html"
    form_class: Any = SupportTermsForm
    success_url: Any = None

    def get_success_url(self) -> str:
        """Return where to go once it is done. Hook."""
        return resolve_url(self.success_url)

    @cached_property
    def product(self) -> Any:
        """The seller's product of the address. Raises ``Http404``."""
        found = self.get_products().filter(slug=self.kwargs["slug"]).first()
        if found is None:
            raise Http404
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data())

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form the product and its terms. Hook."""
        kwargs = super().get_form_kwargs()
        kwargs.pop("initial")  # the terms are
        return {
            **kwargs,
            "product": self.product,
            "terms": policies.terms_in_force(self.product),
        }

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            flows.save_terms(self.product, actor=self.request.user, **form.cleaned_data)
        except InvalidSupport as error:
            form.take_errors(error)
            return self.form_invalid(form)
        text = _("The support of “%(product)s” is saved.") % {"product": self.product}
        messages.success(self.request, text, fail_silently=True)
        return SeeOther(self.get_success_url())

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=400)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``product`` and ``back_url``."""
        return super().get_context_data(
            product=self.product, back_url=self.get_success_url(), **kwargs
        )
