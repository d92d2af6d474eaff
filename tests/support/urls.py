"""The site that the support is tested on: the host's own store, and the suite's own URLs."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

store = apps.get_app_config(settings.DIGITALSTORE_STORE_APP).name

urlpatterns = [
    path("admin/", admin.site.urls),
    path("store/", include("django_digitalstore.urls")),
    path("", include(f"{store}.urls")),
]
