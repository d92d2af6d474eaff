"""Lists of requests: a customer's own, and the seller's queue."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, ClassVar

from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.views.generic import ListView

from django_digitalstore.core.roles import CUSTOMER, SELLER
from django_digitalstore.support import policies

from .pages import PagedMixin, RequestsPage, SupportPage

__all__ = [
    "GenericMySupportListView",
    "GenericSellerSupportListView",
    "GenericSupportProductListView",
]

LONGEST_SEARCH = 200


class _RequestList(PagedMixin, RequestsPage, ListView):
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:support_request"'),
    }
    context_object_name = "support_requests"
    #: Name of the URL of a request's page; it takes the request's number.
    detail_url: str | None = None

    def get_detail_url(self, request: Any) -> str:
        """Return the URL of a request's page. Hook: no I/O."""
        return reverse(str(self.detail_url), args=[request.public_id])

    def get_queryset(self) -> Any:
        """Return the requests that this user may see in this role. Hook: keep to them."""
        return self.get_requests()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``rows``: requests with their ``url``."""
        context = super().get_context_data(**kwargs)
        context["rows"] = [
            {"support_request": request, "url": self.get_detail_url(request)}
            for request in context["support_requests"]
        ]
        return context


class GenericMySupportListView(_RequestList):
    """What a customer asked, the latest first. As many queries, whatever the number of requests."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    page_template = "request_list.html"
    #: URL, or its name, of your ``GenericSupportProductListView``; None shows no button.
    products_url: str | None = None

    def get_queryset(self) -> Any:
        return super().get_queryset().order_by("-last_message_at", "-pk")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``products_url``."""
        url = resolve_url(self.products_url) if self.products_url else ""
        return super().get_context_data(products_url=url, **kwargs)


class GenericSupportProductListView(PagedMixin, SupportPage, ListView):
    """What a customer owns and may have questions about: the way to ask one."""

    roles: ClassVar[tuple[str, ...]] = (CUSTOMER,)
    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "open_url": ("get_open_url", '"shop:support_open"'),
        "list_url": ("get_list_url", '"shop:support_list"'),
    }
    page_template = "request_products.html"
    context_object_name = "purchases"
    #: Name of the URL of your ``GenericSupportRequestOpenView``; it takes the product's slug.
    open_url: str | None = None
    #: URL, or its name, of the customer's requests.
    list_url: str | None = None

    def get_open_url(self, product: Any) -> str:
        """Return where a request about ``product`` is opened. Hook: no I/O."""
        return reverse(str(self.open_url), args=[product.slug])

    def get_list_url(self) -> str:
        """Return the URL of the customer's requests. Hook: no I/O."""
        return resolve_url(str(self.list_url))

    def get_queryset(self) -> Any:
        """Return the visitor's purchases that come with support, newest first. Hook."""
        return policies.supported_purchases(self.request.user)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``list_url``, and ``rows``: products with their ``url``."""
        context = super().get_context_data(list_url=self.get_list_url(), **kwargs)
        context["rows"] = [
            {"product": purchase.product, "url": self.get_open_url(purchase.product)}
            for purchase in context["purchases"]
        ]
        return context


class GenericSellerSupportListView(_RequestList):
    """The seller's queue. As many queries, whatever the number of requests.

    ``?show=`` one of ``FILTERS`` (what waits for an answer, without), ``?q=`` words, ``?sort=`` one
    of ``ORDERS``, ``?page=``. Nonsense shows the first of each. A search looks in everything unless
    a filter is named.
    """

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    page_template = "request_queue.html"
    #: URL, or its name, of your ``GenericSupportTermsListView``; None shows no link.
    terms_url: str | None = None

    FILTERS: ClassVar[Any] = MappingProxyType(
        {
            "waiting": _("Waiting for an answer"),
            "overdue": _("Overdue"),
            "mine": _("Mine"),
            "unassigned": _("Unassigned"),
            "open": _("Not resolved"),
            "all": _("All"),
        }
    )
    ORDERS: ClassVar[Any] = MappingProxyType(
        {"promise": _("Promised first"), "age": _("Waiting longest")}
    )

    @cached_property
    def search_text(self) -> str:
        """What the seller looks for."""
        # Databases refuse NUL in text.
        return self.request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]

    @cached_property
    def shown(self) -> str:
        """The filter that is chosen."""
        asked = self.request.GET.get("show", "")
        if asked in self.FILTERS:
            return asked
        return "all" if self.search_text else next(iter(self.FILTERS))

    @cached_property
    def order(self) -> str:
        """The order that is chosen."""
        asked = self.request.GET.get("sort", "")
        return asked if asked in self.ORDERS else next(iter(self.ORDERS))

    def get_queryset(self) -> Any:
        requests = super().get_queryset()
        match self.shown:
            case "waiting":
                requests = requests.waiting()
            case "overdue":
                requests = requests.overdue()
            case "mine":
                requests = requests.mine(self.request.user).ongoing()
            case "unassigned":
                requests = requests.unassigned().ongoing()
            case "open":
                requests = requests.ongoing()
        if self.search_text:
            requests = requests.search(self.search_text)
        return requests.by_age() if self.order == "age" else requests.by_promise()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the filters and orders with those that are chosen, and the link to the terms."""
        return super().get_context_data(
            filters=self.FILTERS,
            shown=self.shown,
            orders=self.ORDERS,
            order=self.order,
            search_text=self.search_text,
            is_filtered=bool(self.request.GET.get("q") or self.request.GET.get("show")),
            terms_url=resolve_url(self.terms_url) if self.terms_url else "",
            **kwargs,
        )
