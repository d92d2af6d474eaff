"""URLs of the support: the customer's requests, and the seller's queue."""

from django.urls import path

from ..views import support as views

urlpatterns = [
    path("support/", views.MySupportListView.as_view(), name="support_list"),
    path("support/ask/", views.SupportProductListView.as_view(), name="support_products"),
    path("support/ask/<slug:slug>/", views.SupportRequestOpenView.as_view(), name="support_open"),
    path("support/buy/<slug:slug>/", views.SupportCheckoutView.as_view(), name="support_buy"),
    path(
        "support/requests/<str:public_id>/",
        views.SupportRequestDetailView.as_view(),
        name="support_request",
    ),
    path(
        "support/attachments/<pk>/",
        views.AttachmentLinkView.as_view(),
        name="support_attachment_link",
    ),
    path("support/files/<str:token>/", views.AttachmentView.as_view(), name="support_attachment"),
    path("seller/support/", views.SellerSupportListView.as_view(), name="seller_support"),
    path(
        "seller/support/requests/<str:public_id>/",
        views.SellerSupportRequestDetailView.as_view(),
        name="seller_support_request",
    ),
    path(
        "seller/support/attachments/<pk>/",
        views.SellerAttachmentLinkView.as_view(),
        name="seller_support_attachment_link",
    ),
    path(
        "seller/support/files/<str:token>/",
        views.SellerAttachmentView.as_view(),
        name="seller_support_attachment",
    ),
    path(
        "seller/support/terms/",
        views.SupportTermsListView.as_view(),
        name="seller_support_terms",
    ),
    path(
        "seller/support/terms/<slug:slug>/",
        views.SupportTermsUpdateView.as_view(),
        name="seller_support_terms_update",
    ),
]
