"""A site with the seller's panel and the library."""

from __future__ import annotations

from django.conf import settings
from django.urls import include, path

from tests.catalog.urls import pages
from tests.entitlements.urls import store

urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path("suite/", include("django_digitalstore.urls")),
    path("", include(([*store, *pages], settings.DIGITALSTORE_STORE_APP))),
]
