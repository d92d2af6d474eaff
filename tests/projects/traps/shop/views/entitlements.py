"""The customer's library, the way of a file to its owner, and what sellers see of it."""

from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.entitlements.views import (
    GenericAssetPreviewLinkView,
    GenericAssetPreviewView,
    GenericDownloadLinkView,
    GenericDownloadResetView,
    GenericDownloadView,
    GenericMyProductListView,
    GenericMyReleaseListView,
    GenericReleaseNotifyView,
    GenericSampleView,
    GenericSellerDownloadListView,
    GenericUnsubscribeView,
)


class MyProductListView(IsCustomerMixin, GenericMyProductListView):
    base_template = "shop/base.html"
    active_page = "library"
    download_url = "shop:download_link"
    releases_url = "shop:library_releases"
    help_url = "shop:support_open"


class MyReleaseListView(IsCustomerMixin, GenericMyReleaseListView):
    base_template = "shop/base.html"
    active_page = "library"
    download_url = "shop:download_link"
    library_url = "shop:library"


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


class ReleaseNotifyView(IsSellerMixin, GenericReleaseNotifyView):
    releases_url = "shop:seller_releases"


class UnsubscribeView(GenericUnsubscribeView):
    base_template = "shop/base.html"
    active_page = "library"


class SampleView(GenericSampleView):
    pass


class AssetPreviewLinkView(IsSellerMixin, GenericAssetPreviewLinkView):
    base_template = "shop/base.html"
    active_page = "seller"
    redeem_url = "shop:asset_preview"
    back_url = "shop:seller_products"


class AssetPreviewView(IsSellerMixin, GenericAssetPreviewView):
    base_template = "shop/base.html"
    active_page = "seller"
    preview_url = "shop:asset_preview_link"
    back_url = "shop:seller_products"


class SellerDownloadListView(IsSellerMixin, GenericSellerDownloadListView):
    base_template = "shop/base.html"
    active_page = "seller"
    reset_url = "shop:seller_download_reset"


class SellerDownloadResetView(IsSellerMixin, GenericDownloadResetView):
    base_template = "shop/base.html"
    active_page = "seller"
    success_url = "shop:seller_downloads"
