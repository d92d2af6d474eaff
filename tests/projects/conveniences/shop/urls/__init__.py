"""The store's URLs."""

from . import accounts, catalog, entitlements, payments, shorturls

app_name = "shop"

urlpatterns = [
    *accounts.urlpatterns,
    *catalog.urlpatterns,
    *entitlements.urlpatterns,
    *payments.urlpatterns,
    *shorturls.urlpatterns,
]
