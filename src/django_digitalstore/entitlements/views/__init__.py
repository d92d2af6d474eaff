"""The pages of who owns what: the library, and the way of a file to its owner."""

from .downloads import GenericDownloadLinkView, GenericDownloadView
from .library import GenericMyProductListView, LibraryFile, LibraryItem

__all__ = [
    "GenericDownloadLinkView",
    "GenericDownloadView",
    "GenericMyProductListView",
    "LibraryFile",
    "LibraryItem",
]
