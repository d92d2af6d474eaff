"""The site that the payments' pages are tested on: subclasses of the generic views, routed."""

from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.urls import include, path

from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.payments import (
    admin,
    get_dispute_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
    views,
)
from django_digitalstore.payments.models import InboxMessage, RefundRequest

site = AdminSite()
site.register(get_order_model(), admin.AbstractOrderAdmin)
site.register(get_payment_model(), admin.AbstractPaymentAdmin)
site.register(get_refund_model(), admin.AbstractRefundAdmin)
site.register(get_dispute_model(), admin.AbstractDisputeAdmin)
site.register(InboxMessage, admin.InboxMessageAdmin)
site.register(RefundRequest, admin.RefundRequestAdmin)


class CheckoutView(IsCustomerMixin, views.GenericCheckoutView):
    base_template = "base.html"
    active_page = "shop"
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"


class OrderReturnView(IsCustomerMixin, views.GenericOrderReturnView):
    base_template = "base.html"
    active_page = "orders"
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"
    receipt_url = "shop:order_receipt"


class OrderHistoryView(IsCustomerMixin, views.GenericOrderHistoryView):
    base_template = "base.html"
    active_page = "orders"
    detail_url = "shop:order_detail"


class OrderDetailView(IsCustomerMixin, views.GenericOrderDetailView):
    base_template = "base.html"
    active_page = "orders"
    return_url = "shop:order_return"
    receipt_url = "shop:order_receipt"
    list_url = "shop:order_list"
    owned_url = "shop:library"


class OrderReceiptView(IsCustomerMixin, views.GenericOrderReceiptView):
    base_template = "base.html"
    active_page = "orders"
    seller_name = "Ada's Books"


class SellerOrderHistoryView(IsSellerMixin, views.GenericOrderHistoryView):
    base_template = "base.html"
    active_page = "seller"
    detail_url = "shop:seller_order_detail"


class SellerOrderDetailView(IsSellerMixin, views.GenericOrderDetailView):
    base_template = "base.html"
    active_page = "seller"
    list_url = "shop:seller_orders"
    refund_url = "shop:seller_order_refund"


class SellerOrderRefundView(IsSellerMixin, views.GenericSellerOrderRefundView):
    base_template = "base.html"
    active_page = "seller"
    detail_url = "shop:seller_order_detail"


def library(request):
    return HttpResponse("library")


shop = [
    path("library/", library, name="library"),
    path("products/<slug:slug>/", library, name="product_detail"),
    path("checkout/", CheckoutView.as_view(), name="checkout"),
    path("orders/", OrderHistoryView.as_view(), name="order_list"),
    path("orders/<str:public_id>/", OrderDetailView.as_view(), name="order_detail"),
    path("orders/<str:public_id>/return/", OrderReturnView.as_view(), name="order_return"),
    path("orders/<str:public_id>/receipt/", OrderReceiptView.as_view(), name="order_receipt"),
    path("seller/orders/", SellerOrderHistoryView.as_view(), name="seller_orders"),
    path(
        "seller/orders/<str:public_id>/",
        SellerOrderDetailView.as_view(),
        name="seller_order_detail",
    ),
    path(
        "seller/orders/<str:public_id>/refund/",
        SellerOrderRefundView.as_view(),
        name="seller_order_refund",
    ),
]

urlpatterns = [
    path("admin/", site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("", include((shop, "shop"))),
]
