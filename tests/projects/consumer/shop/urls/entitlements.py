"""URLs of the library and the downloads."""

from django.urls import path

from ..views.entitlements import (
    DownloadLinkView,
    DownloadView,
    MyProductListView,
    UnsubscribeView,
)

urlpatterns = [
    path("library/", MyProductListView.as_view(), name="library"),
    path("downloads/assets/<pk>/", DownloadLinkView.as_view(), name="download_link"),
    path("downloads/<str:token>/", DownloadView.as_view(), name="download"),
    path("unsubscribe/<str:token>/", UnsubscribeView.as_view(), name="unsubscribe"),
]
