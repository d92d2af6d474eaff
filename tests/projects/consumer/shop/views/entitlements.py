"""The customer's library, and the way of a file to its owner."""

from bookstand import views as books

from django_digitalstore.core.views import IsCustomerMixin
from django_digitalstore.entitlements.views import (
    GenericDownloadLinkView,
    GenericDownloadView,
    GenericUnsubscribeView,
)


class MyProductListView(books.BookLibraryView):
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


class UnsubscribeView(GenericUnsubscribeView):
    base_template = "shop/base.html"
    active_page = "library"
