"""The store's pages as a bookshop wants them. A host names templates and URLs in its subclasses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.generic import TemplateView

from django_digitalstore.accounts.views import GenericPasswordChangeView, GenericUserProfileView
from django_digitalstore.catalog import get_product_model
from django_digitalstore.catalog.views import (
    GenericProductCreateView,
    GenericProductDetailView,
    GenericProductListView,
    GenericProductUpdateView,
    GenericSellerProductListView,
)
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.entitlements.mixins import OwnershipMixin, RequiresProductMixin
from django_digitalstore.entitlements.views import GenericMyProductListView
from django_digitalstore.payments import get_order_line_model, get_order_model
from django_digitalstore.payments.views import (
    GenericCheckoutView,
    GenericOrderDetailView,
    GenericOrderHistoryView,
    GenericOrderReceiptView,
)

from . import get_licence_model
from .forms import BookCheckoutForm
from .roles import AFFILIATE, IsAffiliateMixin

__all__ = [
    "AffiliateOrdersView",
    "AffiliateTermsView",
    "BookCheckoutView",
    "BookCreateView",
    "BookDetailView",
    "BookLibraryView",
    "BookListView",
    "BookOrderDetailView",
    "BookOrderHistoryView",
    "BookReceiptView",
    "BookUpdateView",
    "LicenceCheckoutView",
    "ReaderPasswordView",
    "ReaderProfileView",
    "ReadingRoomView",
    "SellerBookListView",
]

#: The session's key for who sent the visitor.
SENT_BY = "bookstand_affiliate"


class BookListView(OwnershipMixin, GenericProductListView):
    """Queryset, context, and the block ``page_header``."""

    template_name = "bookstand/book_list.html"

    def get_products(self) -> QuerySet:
        return super().get_products().shown()  # type: ignore[attr-defined]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.GET.get("from", "").isdigit():
            request.session[SENT_BY] = int(request.GET["from"])
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(motto="Read more.", **kwargs)


class BookDetailView(OwnershipMixin, GenericProductDetailView):
    """Queryset, context, and the block ``description``."""

    template_name = "bookstand/book_detail.html"
    licence_url = ""

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().select_related("seller")

    def get_licence_url(self) -> str:
        """Return where a team licence is bought, or nothing. Hook: no I/O."""
        if not self.licence_url or self.object.licence_price is None:
            return ""
        return f"{reverse(self.licence_url)}?product={self.object.slug}"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(licence_url=self.get_licence_url(), **kwargs)


class BookCheckoutView(IsCustomerMixin, GenericCheckoutView):
    """Form, context, own columns of the order, and the block ``checkout_header``."""

    template_name = "bookstand/checkout.html"
    form_class = BookCheckoutForm

    def get_order_fields(self, form: Any) -> dict[str, Any]:
        users = get_user_model()._default_manager
        affiliate = users.filter(pk=self.request.session.get(SENT_BY, 0)).first()
        return {
            **super().get_order_fields(form),
            "affiliate": affiliate if affiliate != self.request.user else None,
            "dedication": form.cleaned_data["dedication"],
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(heading="Buy a book", **kwargs)


class LicenceCheckoutView(BookCheckoutView):
    """The same for a line of the kind ``licence``."""

    line_kind = "licence"


class BookLibraryView(IsCustomerMixin, GenericMyProductListView):
    """Queryset (by title), context, and the block ``heading``."""

    template_name = "bookstand/library.html"

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().order_by("product__title", "pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        licences = get_licence_model()._default_manager.filter(
            owner_id=self.request.user.pk, ended_at=None
        )
        return super().get_context_data(licences=licences.select_related("product"), **kwargs)


class BookOrderHistoryView(IsCustomerMixin, GenericOrderHistoryView):
    """Queryset (no checkout that was left), context, and the block ``list_header``."""

    template_name = "bookstand/orders.html"

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().exclude(status="expired")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(heading="Your book parcels", **kwargs)


class BookOrderDetailView(IsCustomerMixin, GenericOrderDetailView):
    """Context, and the block ``detail_actions``: the dedication."""

    template_name = "bookstand/order_detail.html"

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().select_related("affiliate")


class BookReceiptView(IsCustomerMixin, GenericOrderReceiptView):
    """Context: who sells."""

    def get_seller_name(self) -> str:
        return "The Bookstand"


class SellerBookListView(IsSellerMixin, GenericSellerProductListView):
    """Queryset: by title."""

    def get_queryset(self) -> QuerySet:
        return super().get_queryset().order_by("title", "pk")


class BookCreateView(IsSellerMixin, GenericProductCreateView):
    """Success URL: straight to the new book. Also the message."""

    def get_success_url(self) -> str:
        assert self.object is not None
        return self.object.get_absolute_url()

    def get_success_message(self) -> str:
        return f"“{self.object}” stands on the shelf, as a draft."


class BookUpdateView(IsSellerMixin, GenericProductUpdateView):
    """Form (its initial values) and context."""

    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "summary": self.object.summary or "A book."}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(isbn=self.object.isbn, **kwargs)


class ReaderProfileView(IsCustomerMixin, GenericUserProfileView):
    """Success URL, message, and the block ``title``."""

    template_name = "bookstand/profile.html"

    def get_success_message(self) -> str:
        return "Noted, dear reader."

    def get_success_url(self) -> str:
        return f"{super().get_success_url()}?saved"


class ReaderPasswordView(IsCustomerMixin, GenericPasswordChangeView):
    """Success URL."""

    def get_success_url(self) -> str:
        return f"{super().get_success_url()}?password"


class AffiliateOrdersView(IsAffiliateMixin, GenericOrderHistoryView):
    """A generic page for a role that the suite doesn't know: what an affiliate brought."""

    roles = (AFFILIATE,)
    template_name = "bookstand/orders.html"

    def get_queryset(self) -> QuerySet:
        lines = get_order_line_model().objects.order_by("position")
        brought: Any = get_order_model().objects
        return brought.of_affiliate(self.request.user).prefetch_related(
            Prefetch("lines", queryset=lines, to_attr="shown_lines")
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(heading="What you brought", **kwargs)


class AffiliateTermsView(IsAffiliateMixin, TemplateView):
    """A page of one's own for that role."""

    template_name = "bookstand/terms.html"


class ReadingRoomView(RequiresProductMixin, TemplateView):
    """A page of one's own for those who own the book."""

    template_name = "bookstand/reading_room.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        known = get_product_model()._default_manager.count()
        return super().get_context_data(book=self.required_product, known=known, **kwargs)
