"""The store's URLs."""

from . import accounts, catalog, entitlements, payments, support

app_name = "shop"

urlpatterns = [
    *accounts.urlpatterns,
    *catalog.urlpatterns,
    *entitlements.urlpatterns,
    *payments.urlpatterns,
    *support.urlpatterns,
]
