"""The store's URLs."""

from . import (
    accounts,
    analytics,
    catalog,
    entitlements,
    payments,
    shorturls,
)

app_name = "shop"

urlpatterns = [
    *accounts.urlpatterns,
    *analytics.urlpatterns,
    *catalog.urlpatterns,
    *entitlements.urlpatterns,
    *payments.urlpatterns,
    *shorturls.urlpatterns,
]
