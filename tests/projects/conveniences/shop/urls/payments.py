"""URLs of the checkout, the orders and the sales."""

from django.urls import path

from ..views.payments import (
    CheckoutView,
    CustomerPortalView,
    OrderDetailView,
    OrderHistoryView,
    OrderInvoiceView,
    OrderReceiptView,
    OrderReturnView,
    SellerOrderDetailView,
    SellerOrderHistoryView,
    SellerOrderRefundView,
)

urlpatterns = [
    path("checkout/", CheckoutView.as_view(), name="checkout"),
    path("orders/", OrderHistoryView.as_view(), name="order_list"),
    path("orders/<str:public_id>/", OrderDetailView.as_view(), name="order_detail"),
    path("orders/<str:public_id>/return/", OrderReturnView.as_view(), name="order_return"),
    path("orders/<str:public_id>/receipt/", OrderReceiptView.as_view(), name="order_receipt"),
    path("orders/<str:public_id>/invoice/", OrderInvoiceView.as_view(), name="order_invoice"),
    path("billing/", CustomerPortalView.as_view(), name="customer_portal"),
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
