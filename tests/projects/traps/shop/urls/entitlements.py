"""URLs of the library, the downloads and the e-mails about new versions."""

from django.urls import path

from ..views.entitlements import (
    DownloadLinkView,
    DownloadView,
    MyProductListView,
    ReleaseNotifyView,
    UnsubscribeView,
)

urlpatterns = [
    path("library/", MyProductListView.as_view(), name="library"),
    path("downloads/assets/<pk>/", DownloadLinkView.as_view(), name="download_link"),
    path("downloads/<str:token>/", DownloadView.as_view(), name="download"),
    path(
        "seller/releases/<pk>/notify/", ReleaseNotifyView.as_view(), name="seller_release_notify"
    ),
    path("unsubscribe/<str:token>/", UnsubscribeView.as_view(), name="unsubscribe"),
]
