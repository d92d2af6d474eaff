"""The customer's library, the way of a file to its owner, and e-mails about new versions."""

from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.entitlements.views import (
    GenericDownloadLinkView,
    GenericDownloadView,
    GenericMyProductListView,
    GenericReleaseNotifyView,
    GenericUnsubscribeView,
)


class MyProductListView(IsCustomerMixin, GenericMyProductListView):
    base_template = "base_customer.html"
    active_page = "library"
    download_url = "shop:download_link"


class DownloadLinkView(IsCustomerMixin, GenericDownloadLinkView):
    base_template = "base_customer.html"
    active_page = "library"
    redeem_url = "shop:download"
    library_url = "shop:library"


class DownloadView(IsCustomerMixin, GenericDownloadView):
    base_template = "base_customer.html"
    active_page = "library"
    download_url = "shop:download_link"
    library_url = "shop:library"


class ReleaseNotifyView(IsSellerMixin, GenericReleaseNotifyView):
    success_url = "shop:seller_products"


class UnsubscribeView(GenericUnsubscribeView):
    base_template = "base.html"
    active_page = "library"
