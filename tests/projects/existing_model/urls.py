"""URLs of a host whose shop is one part of the site."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("shop/", include("tests.projects.existing_model.shop.urls")),
]
