"""What the seller's pages share: whose products they are of, their forms, their buttons.

The tenant filter is ``of_seller`` of the querysets: what is not the seller's does not exist (404).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, resolve_url
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_product_model, get_release_model
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView

from .pages import HostTemplateMixin

__all__ = [
    "GoesToSuccess",
    "SellersFormPage",
    "SellersProducts",
    "SellersReleases",
    "SellersStep",
    "ToReleases",
]


class SellersProducts(HostTemplateMixin):
    """The products of the seller who looks."""

    context_object_name: str | None = "product"

    def get_page_model(self) -> type[Model]:
        return get_product_model()

    def get_queryset(self) -> QuerySet:
        """Return the seller's own products. Hook: keep to them."""
        return get_product_model().objects.of_seller(self.request.user)


class SellersReleases(HostTemplateMixin):
    """The releases of the product ``<slug>`` of the seller who looks; one of them is ``<pk>``.

    A release is found through its product, and that by ``of_seller``.
    """

    context_object_name: str | None = "release"

    def get_page_model(self) -> type[Model]:
        return get_release_model()

    @cached_property
    def product(self) -> Any:
        """The seller's product of the address. Raises ``Http404``."""
        products = get_product_model().objects.of_seller(self.request.user)
        return get_object_or_404(products, slug=self.kwargs["slug"])  # type: ignore[attr-defined]

    def get_queryset(self) -> QuerySet:
        """Return the product's releases. Hook: keep to them."""
        return get_release_model().objects.filter(product=self.product).select_related("product")

    def get_object(self, queryset: QuerySet | None = None) -> Any:
        """Return the release of the address. Raises ``Http404``, also for a key of nonsense."""
        releases = self.get_queryset() if queryset is None else queryset
        try:
            return get_object_or_404(releases, pk=self.kwargs["pk"])  # type: ignore[attr-defined]
        except (ValueError, ValidationError, OverflowError):
            raise Http404 from None

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the product and the way back. Hook."""
        context = {"product": self.product, "back_url": self.get_back_url(), **kwargs}  # type: ignore[attr-defined]
        return super().get_context_data(**context)  # type: ignore[misc]


class ToReleases:
    """Leads back to the product's releases. Stands before the other bases of a view."""

    #: URL name of the product's releases.
    releases_url: Any = None

    def get_releases_url(self) -> str:
        """Return where the product's releases are. Hook."""
        return reverse(self.releases_url, kwargs={"slug": self.kwargs["slug"]})  # type: ignore[attr-defined]

    def get_success_url(self) -> str:
        """Return where to go once it is done: to the product's releases. Hook."""
        return self.get_releases_url()

    def get_back_url(self) -> str:
        """Return where the page's way back leads. Hook."""
        return self.get_releases_url()


class GoesToSuccess(GenericView):
    """Leads to ``success_url``: a URL name, a path, or what ``resolve_url`` takes."""

    success_url: Any = None

    def get_success_url(self) -> str:
        """Return where to go once it is done. Hook."""
        return resolve_url(self.success_url)

    def get_back_url(self) -> str:
        """Return where the page's way back leads; a new object is not there yet. Hook."""
        return resolve_url(self.success_url) if self.success_url else self.get_success_url()


class SellersFormPage(GoesToSuccess):
    """A form that the seller's key goes into, and whose ``save()`` is a flow."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form its seller. Hook."""
        return {**super().get_form_kwargs(), "seller": self.request.user}  # type: ignore[misc]

    def form_valid(self, form: Any) -> HttpResponse:
        """Save by the form's flow; what that refuses is shown at its field."""
        if not form.try_to_save():
            return self.form_invalid(form)  # type: ignore[attr-defined]
        self.object = form.instance
        messages.success(self.request, self.get_success_message(), fail_silently=True)
        return HttpResponseRedirect(self.get_success_url())

    def get_success_message(self) -> str:
        """Return what the seller reads afterwards. Hook."""
        return _("“%(object)s” is saved.") % {"object": self.object}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"back_url": self.get_back_url(), **kwargs})


class SellersStep(GoesToSuccess):
    """One button: POST only, a flow, and back to where it stands. Needs a ``SingleObjectMixin``."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    http_method_names = ["post", "options"]
    # There is no page, so the host need not say how it looks.
    base_template = ""
    active_page = ""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()  # type: ignore[attr-defined]  # a SingleObjectMixin's
        try:
            text = self.take_step(self.object)
        except ProductNotReady as error:
            messages.error(request, self.get_refusal(error), fail_silently=True)
        else:
            messages.success(request, text, fail_silently=True)
        return HttpResponseRedirect(self.get_success_url())

    def take_step(self, instance: Any) -> str:
        """Call the flow and return what the seller reads. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement take_step(instance).")

    def get_refusal(self, error: ProductNotReady) -> str:
        """Return what the seller reads where the flow refused. Hook."""
        return " ".join(error.messages)

    def get_login_next(self, request: HttpRequest) -> str:
        """Come back to where the button stands: this address takes no GET."""
        return self.get_success_url()
