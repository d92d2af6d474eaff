"""URLs that are the suite's own, of the installed features: ``path("store/", include(...))``."""

from django.apps import apps
from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = []

if apps.is_installed("django_digitalstore.payments"):
    urlpatterns += [path("payments/", include("django_digitalstore.payments.urls"))]

if (
    apps.is_installed("django_digitalstore.contrib.shorturls")
    and settings.DIGITALSTORE_SHORTURLS_PREFIX is not None
):
    urlpatterns += [
        path(
            settings.DIGITALSTORE_SHORTURLS_PREFIX,
            include("django_digitalstore.contrib.shorturls.urls"),
        )
    ]
