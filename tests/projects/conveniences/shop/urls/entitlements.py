"""URLs of the library, the downloads, the seller's log of them, and mails about releases."""

from django.urls import path

from ..views import entitlements as views

urlpatterns = [
    path("library/", views.MyProductListView.as_view(), name="library"),
    path("library/<slug:slug>/", views.MyReleaseListView.as_view(), name="library_releases"),
    path("downloads/assets/<pk>/", views.DownloadLinkView.as_view(), name="download_link"),
    path("downloads/<str:token>/", views.DownloadView.as_view(), name="download"),
    path("samples/<pk>/", views.SampleView.as_view(), name="sample"),
    path(
        "seller/assets/<pk>/preview/",
        views.AssetPreviewLinkView.as_view(),
        name="asset_preview_link",
    ),
    path("previews/<str:token>/", views.AssetPreviewView.as_view(), name="asset_preview"),
    path("seller/downloads/", views.SellerDownloadListView.as_view(), name="seller_downloads"),
    path(
        "seller/downloads/<pk>/reset/",
        views.SellerDownloadResetView.as_view(),
        name="seller_download_reset",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/notify/",
        views.ReleaseNotifyView.as_view(),
        name="seller_release_notify",
    ),
    path("unsubscribe/<str:token>/", views.UnsubscribeView.as_view(), name="unsubscribe"),
]
