"""URLs of the store with conveniences: the lines that ``startstore`` prints, and the admin."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("", include("tests.projects.conveniences.shop.urls")),
]
