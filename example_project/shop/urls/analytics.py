"""URLs of the figures."""

from django.urls import path

from ..views.analytics import (
    SalesDashboardView,
    SalesExportView,
    SiteSalesDashboardView,
    SiteSalesExportView,
)

urlpatterns = [
    path("seller/analytics/", SalesDashboardView.as_view(), name="sales_dashboard"),
    path("seller/analytics/csv/", SalesExportView.as_view(), name="sales_export"),
    path("staff/analytics/", SiteSalesDashboardView.as_view(), name="site_sales_dashboard"),
    path("staff/analytics/csv/", SiteSalesExportView.as_view(), name="site_sales_export"),
]
