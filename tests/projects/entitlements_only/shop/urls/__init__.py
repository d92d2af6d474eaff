"""The store's URLs."""

from . import catalog, entitlements

app_name = "shop"

urlpatterns = [
    *catalog.urlpatterns,
    *entitlements.urlpatterns,
]
