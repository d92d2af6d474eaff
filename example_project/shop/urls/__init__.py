"""The store's URLs."""

from . import accounts, analytics, catalog, entitlements, payments, shorturls, support

app_name = "shop"

urlpatterns = [
    *accounts.urlpatterns,
    *analytics.urlpatterns,
    *catalog.urlpatterns,
    *entitlements.urlpatterns,
    *payments.urlpatterns,
    *shorturls.urlpatterns,
    *support.urlpatterns,
]
