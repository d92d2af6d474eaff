"""The pages of who owns what: the library, the way of a file to its owner, notices."""

from .downloads import GenericDownloadLinkView, GenericDownloadView
from .library import GenericMyProductListView, LibraryFile, LibraryItem
from .notices import GenericReleaseNotifyView, GenericUnsubscribeView

__all__ = [
    "GenericDownloadLinkView",
    "GenericDownloadView",
    "GenericMyProductListView",
    "GenericReleaseNotifyView",
    "GenericUnsubscribeView",
    "LibraryFile",
    "LibraryItem",
]
