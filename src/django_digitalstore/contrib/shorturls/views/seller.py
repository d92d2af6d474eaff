"""The seller's short links, and nobody else's: what is not theirs does not exist (404)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, resolve_url
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.generic import DetailView, FormView, ListView, View

from django_digitalstore.catalog.views.pages import PagedMixin
from django_digitalstore.contrib.shorturls import addresses, clicks, flows, policies
from django_digitalstore.contrib.shorturls.forms import ShortLinkForm
from django_digitalstore.contrib.shorturls.models import ShortLink, ShortLinkQuerySet
from django_digitalstore.contrib.shorturls.policies import OrderCount
from django_digitalstore.core.roles import SELLER
from django_digitalstore.core.views import GenericView, OutsideTransactionView

__all__ = [
    "GenericShortLinkCreateView",
    "GenericShortLinkDetailView",
    "GenericShortLinkListView",
    "GenericShortLinkSwitchView",
    "GenericShortLinkUpdateView",
]

#: Days that the page of a link shows.
_SHOWN_DAYS = 90


class _SellersLinks(GenericView):
    """What the pages share: the tenant filter, and whose template is taken."""

    roles: ClassVar[tuple[str, ...]] = (SELLER,)
    #: Name of our template in ``digitalstore/shorturls/``; the host's ends alike.
    page_template: ClassVar[str] = ""
    template_name: str | None = None

    def get_queryset(self) -> ShortLinkQuerySet:
        """Return the seller's own links. Hook: keep to them."""
        return policies.links_of(self.request.user)

    def get_link(self) -> ShortLink:
        """Return the link of the address. Raises ``Http404`` where it is not the seller's."""
        return get_object_or_404(self.get_queryset(), code=self.kwargs["code"])

    def get_template_names(self) -> list[str]:
        """Return the host's template, ``shop/shortlink_list.html``, then ours. Hook: no I/O."""
        if self.template_name:
            return [self.template_name]
        app = settings.DIGITALSTORE_STORE_APP
        return [f"{app}/{self.page_template}", f"digitalstore/shorturls/{self.page_template}"]


class GenericShortLinkListView(_SellersLinks, PagedMixin, OutsideTransactionView, ListView):
    """The seller's links, the newest first, with their clicks and the orders they led to.

    ``?q=`` searches code, label and target. The same number of queries whatever is shown.
    """

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "create_url": ("get_create_url", '"shop:seller_link_create"'),
        "detail_url": ("get_detail_url", '"shop:seller_link"'),
    }
    page_template = "shortlink_list.html"
    context_object_name = "links"
    create_url: Any = None
    detail_url: Any = None

    def get_queryset(self) -> ShortLinkQuerySet:
        # Before the seller looks, what only this process knows: on a site with one process that
        # is all there is.
        clicks.save_own()
        return super().get_queryset().search(self.request.GET.get("q", "")).order_by("-pk")

    def get_paginate_by(self, queryset: Any) -> int:
        """Return how many links a page has. Hook."""
        return settings.DIGITALSTORE_SHORTURLS_PER_PAGE

    def get_create_url(self) -> str:
        """Return where a link is made. Hook."""
        return resolve_url(self.create_url)

    def get_detail_url(self, link: ShortLink) -> str:
        """Return the page of a link. Hook."""
        return reverse(self.detail_url, args=[link.code])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``rows`` (``link``, ``url``, ``detail_url``, ``orders``), ``q``, ``create_url``."""
        context = super().get_context_data(**kwargs)
        links = list(context["links"])
        orders = policies.count_orders(links, seller=self.request.user)
        context["rows"] = [
            {
                "link": link,
                "url": addresses.short_url(link),
                "detail_url": self.get_detail_url(link),
                "orders": orders.get(link.pk, OrderCount()),
            }
            for link in links
        ]
        context["q"] = self.request.GET.get("q", "").replace("\x00", "")
        context["create_url"] = self.get_create_url()
        return context


class GenericShortLinkDetailView(_SellersLinks, OutsideTransactionView, DetailView):
    """One link: where it leads, its clicks day by day, the orders with products of the seller's."""

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "list_url": ("get_list_url", '"shop:seller_links"'),
        "update_url": ("get_update_url", '"shop:seller_link_update"'),
        "switch_url": ("get_switch_url", '"shop:seller_link_switch"'),
    }
    page_template = "shortlink_detail.html"
    context_object_name = "link"
    list_url: Any = None
    update_url: Any = None
    switch_url: Any = None
    #: Name of the URL of an order's page, which takes its public id; None shows no link.
    order_url: str | None = None

    def get_object(self, queryset: Any = None) -> ShortLink:
        """Return the link. Hook: keep to the seller's own."""
        clicks.save_own()
        return self.get_link()

    def get_list_url(self) -> str:
        """Return the page of all links. Hook."""
        return resolve_url(self.list_url)

    def get_update_url(self) -> str:
        """Return where the link is edited. Hook."""
        return reverse(self.update_url, args=[self.object.code])

    def get_switch_url(self) -> str:
        """Return where the link is switched off and on, by POST. Hook."""
        return reverse(self.switch_url, args=[self.object.code])

    def get_order_url(self, order: Any) -> str:
        """Return the page of an order, or nothing. Hook."""
        return reverse(self.order_url, args=[order.public_id]) if self.order_url else ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``url``, ``days``, ``orders`` (the newest hundred: ``order``, ``url``).

        ``order_count`` has all of them; three URLs say where the buttons lead.
        """
        seller = self.request.user
        orders = policies.orders_of_link(self.object, seller=seller)
        counts = policies.count_orders([self.object], seller=seller)
        return super().get_context_data(
            order_count=counts.get(self.object.pk, OrderCount()),
            url=addresses.short_url(self.object),
            days=self.object.days.order_by("-day")[:_SHOWN_DAYS],
            orders=[{"order": order, "url": self.get_order_url(order)} for order in orders],
            list_url=self.get_list_url(),
            update_url=self.get_update_url(),
            switch_url=self.get_switch_url(),
            **kwargs,
        )


class _LinkForm(_SellersLinks, FormView):
    """A form whose ``try_to_save()`` is a flow; afterwards comes the link's page."""

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:seller_link"'),
        "list_url": ("get_list_url", '"shop:seller_links"'),
    }
    page_template = "shortlink_form.html"
    form_class: Any = ShortLinkForm
    detail_url: Any = None
    list_url: Any = None

    def get_link_to_edit(self) -> ShortLink | None:
        """Return the link that the form is about; None makes a new one."""
        return None

    def get_form_kwargs(self) -> dict[str, Any]:
        """Give the form its seller and its link. Hook."""
        link = self.get_link_to_edit()
        return {**super().get_form_kwargs(), "seller": self.request.user, "link": link}

    def form_valid(self, form: Any) -> HttpResponse:
        if not form.try_to_save():
            return self.form_invalid(form)
        text = _("The link “%(link)s” is saved.") % {"link": form.link}
        messages.success(self.request, text, fail_silently=True)
        return HttpResponseRedirect(self.get_detail_url(form.link))

    def get_detail_url(self, link: ShortLink) -> str:
        """Return the page of a link. Hook."""
        return reverse(self.detail_url, args=[link.code])

    def get_list_url(self) -> str:
        """Return the page of all links. Hook."""
        return resolve_url(self.list_url)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add ``link``, which is None for a new one, and ``back_url``."""
        context = super().get_context_data(**kwargs)
        # As the address names it: a form that failed may have changed the object.
        link = self.get_link_to_edit()
        context["link"] = link
        context["back_url"] = self.get_list_url() if link is None else self.get_detail_url(link)
        return context


class GenericShortLinkCreateView(_LinkForm):
    """Makes a link of the seller's: to a product of theirs, or to an address that is allowed."""


class GenericShortLinkUpdateView(_LinkForm):
    """Edits a link of the seller's. Its code stays: it is printed somewhere."""

    def get_link_to_edit(self) -> ShortLink | None:
        return self.get_link()


class GenericShortLinkSwitchView(_SellersLinks, View):
    """Switches a link off (POST ``on=0``) and on again (``on=1``)."""

    needs: ClassVar[dict[str, tuple[str, str]]] = {
        "detail_url": ("get_detail_url", '"shop:seller_link"'),
        "list_url": ("get_list_url", '"shop:seller_links"'),
    }
    http_method_names = ["post", "options"]
    # There is no page, so the host need not say how it looks.
    base_template = ""
    active_page = ""
    detail_url: Any = None
    list_url: Any = None

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        link = self.get_link()
        if request.POST.get("on") == "1":
            flows.enable_link(link, actor=request.user)
            text = _("The link “%(link)s” is switched on.")
        else:
            flows.disable_link(link, actor=request.user)
            text = _("The link “%(link)s” is switched off. Who clicks it finds nothing.")
        messages.success(request, text % {"link": link}, fail_silently=True)
        return HttpResponseRedirect(self.get_detail_url(link))

    def get_detail_url(self, link: ShortLink) -> str:
        """Return the page of a link. Hook."""
        return reverse(self.detail_url, args=[link.code])

    def get_list_url(self) -> str:
        """Return the page of all links. Hook."""
        return resolve_url(self.list_url)

    def get_login_next(self, request: HttpRequest) -> str:
        """Come back to a page: this address takes no GET."""
        return self.get_list_url()
