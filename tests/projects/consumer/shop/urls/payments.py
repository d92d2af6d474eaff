"""URLs of the checkout, the orders and the sales."""

from bookstand.views import AffiliateTermsView, ReadingRoomView
from django.urls import path

from ..views.payments import (
    AffiliateOrdersView,
    CheckoutView,
    LicenceCheckoutView,
    OrderDetailView,
    OrderHistoryView,
    OrderReceiptView,
    OrderReturnView,
    SellerOrderDetailView,
    SellerOrderHistoryView,
)

urlpatterns = [
    path("checkout/", CheckoutView.as_view(), name="checkout"),
    path("checkout/licence/", LicenceCheckoutView.as_view(), name="licence"),
    path("affiliate/", AffiliateOrdersView.as_view(), name="affiliate"),
    path("affiliate/terms/", AffiliateTermsView.as_view(), name="affiliate_terms"),
    path("read/<slug:slug>/", ReadingRoomView.as_view(), name="reading_room"),
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
]
