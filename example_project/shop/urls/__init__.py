"""The store's URLs."""

from . import accounts, analytics, catalog, entitlements, payments, support

app_name = "shop"

urlpatterns = [
    *accounts.urlpatterns,
    *analytics.urlpatterns,
    *catalog.urlpatterns,
    *entitlements.urlpatterns,
    *payments.urlpatterns,
    *support.urlpatterns,
]
