"""URLs of a host without payments."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("", include("tests.projects.entitlements_only.shop.urls")),
]
