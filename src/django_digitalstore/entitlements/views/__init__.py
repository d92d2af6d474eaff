"""The pages of who owns what: the library, the way of a file to its owner, notices."""

from .downloads import GenericDownloadLinkView, GenericDownloadView
from .library import (
    GenericMyProductListView,
    GenericMyReleaseListView,
    LibraryFile,
    LibraryItem,
    LibraryRelease,
)
from .notices import GenericReleaseNotifyView, GenericUnsubscribeView
from .previews import GenericAssetPreviewLinkView, GenericAssetPreviewView
from .samples import GenericSampleView
from .seller import DownloadLine, GenericDownloadResetView, GenericSellerDownloadListView

__all__ = [
    "DownloadLine",
    "GenericAssetPreviewLinkView",
    "GenericAssetPreviewView",
    "GenericDownloadLinkView",
    "GenericDownloadResetView",
    "GenericDownloadView",
    "GenericMyProductListView",
    "GenericMyReleaseListView",
    "GenericReleaseNotifyView",
    "GenericSampleView",
    "GenericSellerDownloadListView",
    "GenericUnsubscribeView",
    "LibraryFile",
    "LibraryItem",
    "LibraryRelease",
]
