"""URLs of the seller's short links. Where they are clicked is the suite's own URL."""

from django.urls import path

from ..views import shorturls as views

urlpatterns = [
    path("seller/links/", views.SellerLinkListView.as_view(), name="seller_links"),
    path("seller/links/new/", views.SellerLinkCreateView.as_view(), name="seller_link_create"),
    path("seller/links/at/<slug:code>/", views.SellerLinkDetailView.as_view(), name="seller_link"),
    path(
        "seller/links/at/<slug:code>/edit/",
        views.SellerLinkUpdateView.as_view(),
        name="seller_link_update",
    ),
    path(
        "seller/links/at/<slug:code>/switch/",
        views.SellerLinkSwitchView.as_view(),
        name="seller_link_switch",
    ),
]
