"""The site that the support is tested on: the store that is written, and the suite's own URLs."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("store/", include("django_digitalstore.urls")),
    path("", include("tests.projects.full_store.shop.urls")),
]
