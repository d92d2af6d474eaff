"""The customer's library, and the way of a file to its owner."""

from django_digitalstore.core.views import IsCustomerMixin
from django_digitalstore.entitlements.views import (
    GenericDownloadLinkView,
    GenericDownloadView,
    GenericMyProductListView,
)


class MyProductListView(IsCustomerMixin, GenericMyProductListView):
    base_template = "shop/base.html"
    active_page = "library"
    download_url = "shop:download_link"


class DownloadLinkView(IsCustomerMixin, GenericDownloadLinkView):
    base_template = "shop/base.html"
    active_page = "library"
    redeem_url = "shop:download"
    library_url = "shop:library"


class DownloadView(IsCustomerMixin, GenericDownloadView):
    base_template = "shop/base.html"
    active_page = "library"
    download_url = "shop:download_link"
    library_url = "shop:library"
