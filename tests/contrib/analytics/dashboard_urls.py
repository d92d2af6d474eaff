"""A site with the seller's dashboard, the staff's, and their files."""

from __future__ import annotations

from django.urls import include, path

from django_digitalstore.contrib.analytics.views import (
    GenericSalesDashboardView,
    GenericSalesExportView,
    GenericSiteSalesDashboardView,
    GenericSiteSalesExportView,
)
from django_digitalstore.core.views import IsSellerMixin


class SalesDashboardView(IsSellerMixin, GenericSalesDashboardView):
    base_template = "shop/base.html"
    active_page = "seller"
    export_url = "sales_export"


class SalesExportView(IsSellerMixin, GenericSalesExportView):
    pass


class SiteSalesDashboardView(GenericSiteSalesDashboardView):
    base_template = "shop/base.html"
    active_page = "seller"
    export_url = "site_sales_export"


class SiteSalesExportView(GenericSiteSalesExportView):
    pass


urlpatterns = [
    path("accounts/", include("django.contrib.auth.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("figures/", SalesDashboardView.as_view(), name="sales_dashboard"),
    path("figures.csv", SalesExportView.as_view(), name="sales_export"),
    path("all-figures/", SiteSalesDashboardView.as_view(), name="site_sales_dashboard"),
    path("all-figures.csv", SiteSalesExportView.as_view(), name="site_sales_export"),
]
