"""The shop's URLs, its list by pages of any length, and the least that a list needs."""

from django.apps import apps
from django.urls import include, path
from oscar.apps.search.views import CatalogueView

from . import floors

urlpatterns = [
    path("floor/products/", floors.product_list),
    path("products/of/10/", CatalogueView.as_view(paginate_by=10)),
    path("products/of/100/", CatalogueView.as_view(paginate_by=100)),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
