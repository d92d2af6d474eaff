"""What was sold: a seller's own figures, and for staff those of the whole site."""

from django_digitalstore.contrib.analytics.views import (
    GenericSalesDashboardView,
    GenericSalesExportView,
    GenericSiteSalesDashboardView,
    GenericSiteSalesExportView,
)
from django_digitalstore.core.views import IsSellerMixin


class SalesDashboardView(IsSellerMixin, GenericSalesDashboardView):
    base_template = "base_seller.html"
    active_page = "seller"
    export_url = "shop:sales_export"


class SalesExportView(IsSellerMixin, GenericSalesExportView):
    pass


class SiteSalesDashboardView(GenericSiteSalesDashboardView):
    base_template = "base.html"
    active_page = "all_sales"
    export_url = "shop:site_sales_export"


class SiteSalesExportView(GenericSiteSalesExportView):
    pass
