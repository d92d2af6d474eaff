"""URLs of the short links, where they are clicked: ``path("s/", include(…))``."""

from django.urls import path

from .views.public import ShortLinkRedirectView

app_name = "digitalstore_shorturls"

urlpatterns = [path("<slug:code>", ShortLinkRedirectView.as_view(), name="redirect")]
