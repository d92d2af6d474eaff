"""The seller's short links."""

from django_digitalstore.contrib.shorturls.views import (
    GenericShortLinkCreateView,
    GenericShortLinkDetailView,
    GenericShortLinkListView,
    GenericShortLinkSwitchView,
    GenericShortLinkUpdateView,
)
from django_digitalstore.core.views import IsSellerMixin


class SellerLinkListView(IsSellerMixin, GenericShortLinkListView):
    base_template = "base_seller.html"
    active_page = "seller"
    create_url = "shop:seller_link_create"
    detail_url = "shop:seller_link"


class SellerLinkDetailView(IsSellerMixin, GenericShortLinkDetailView):
    base_template = "base_seller.html"
    active_page = "seller"
    list_url = "shop:seller_links"
    update_url = "shop:seller_link_update"
    switch_url = "shop:seller_link_switch"
    order_url = "shop:seller_order_detail"


class SellerLinkCreateView(IsSellerMixin, GenericShortLinkCreateView):
    base_template = "base_seller.html"
    active_page = "seller"
    detail_url = "shop:seller_link"
    list_url = "shop:seller_links"


class SellerLinkUpdateView(IsSellerMixin, GenericShortLinkUpdateView):
    base_template = "base_seller.html"
    active_page = "seller"
    detail_url = "shop:seller_link"
    list_url = "shop:seller_links"


class SellerLinkSwitchView(IsSellerMixin, GenericShortLinkSwitchView):
    detail_url = "shop:seller_link"
    list_url = "shop:seller_links"
