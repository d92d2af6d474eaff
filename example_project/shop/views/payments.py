"""Buying, and what was bought: the customer's orders and the seller's sales."""

from django_digitalstore.contrib.shorturls.views import AttributesLinksMixin
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.payments.views import (
    GenericCheckoutView,
    GenericCustomerPortalView,
    GenericOrderDetailView,
    GenericOrderHistoryView,
    GenericOrderInvoiceView,
    GenericOrderReceiptView,
    GenericOrderReturnView,
    GenericSellerOrderRefundView,
)


class CheckoutView(AttributesLinksMixin, IsCustomerMixin, GenericCheckoutView):
    base_template = "base.html"
    active_page = "shop"
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"


class OrderReturnView(IsCustomerMixin, GenericOrderReturnView):
    base_template = "base.html"
    active_page = "orders"
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"
    receipt_url = "shop:order_receipt"


class OrderHistoryView(IsCustomerMixin, GenericOrderHistoryView):
    base_template = "base_customer.html"
    active_page = "orders"
    detail_url = "shop:order_detail"
    portal_url = "shop:customer_portal"


class OrderDetailView(IsCustomerMixin, GenericOrderDetailView):
    base_template = "base_customer.html"
    active_page = "orders"
    return_url = "shop:order_return"
    receipt_url = "shop:order_receipt"
    list_url = "shop:order_list"
    owned_url = "shop:library"
    invoice_url = "shop:order_invoice"


class OrderReceiptView(IsCustomerMixin, GenericOrderReceiptView):
    base_template = "base.html"
    active_page = "orders"
    seller_name = "Quire"


class OrderInvoiceView(IsCustomerMixin, GenericOrderInvoiceView):
    base_template = "base_customer.html"
    active_page = "orders"
    detail_url = "shop:order_detail"


class CustomerPortalView(IsCustomerMixin, GenericCustomerPortalView):
    base_template = "base_customer.html"
    active_page = "orders"
    return_url = "shop:order_list"


class SellerOrderHistoryView(IsSellerMixin, GenericOrderHistoryView):
    base_template = "base_seller.html"
    active_page = "seller"
    detail_url = "shop:seller_order_detail"


class SellerOrderDetailView(IsSellerMixin, GenericOrderDetailView):
    base_template = "base_seller.html"
    active_page = "seller"
    list_url = "shop:seller_orders"
    refund_url = "shop:seller_order_refund"


class SellerOrderRefundView(IsSellerMixin, GenericSellerOrderRefundView):
    base_template = "base_seller.html"
    active_page = "seller"
    detail_url = "shop:seller_order_detail"
