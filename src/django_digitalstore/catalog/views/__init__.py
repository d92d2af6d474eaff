"""Pages of the catalog, for everybody and for sellers."""

from .changelog import GenericProductChangelogView
from .files import (
    GenericAssetCreateView,
    GenericAssetDeleteView,
    GenericAssetListView,
    GenericAssetReplaceView,
    GenericAssetUpdateView,
)
from .public import GenericProductDetailView, GenericProductListView
from .releases import (
    GenericReleaseCreateView,
    GenericReleaseDeleteView,
    GenericReleasePublishView,
    GenericReleaseUnscheduleView,
    GenericReleaseUnyankView,
    GenericReleaseUpdateView,
    GenericReleaseYankView,
    GenericSellerReleaseListView,
)
from .seller import (
    GenericCategoryCreateView,
    GenericCategoryDeleteView,
    GenericCategoryListView,
    GenericCategoryUpdateView,
    GenericProductArchiveView,
    GenericProductCreateView,
    GenericProductPublishView,
    GenericProductUpdateView,
    GenericSellerProductListView,
)

__all__ = [
    "GenericAssetCreateView",
    "GenericAssetDeleteView",
    "GenericAssetListView",
    "GenericAssetReplaceView",
    "GenericAssetUpdateView",
    "GenericCategoryCreateView",
    "GenericCategoryDeleteView",
    "GenericCategoryListView",
    "GenericCategoryUpdateView",
    "GenericProductArchiveView",
    "GenericProductChangelogView",
    "GenericProductCreateView",
    "GenericProductDetailView",
    "GenericProductListView",
    "GenericProductPublishView",
    "GenericProductUpdateView",
    "GenericReleaseCreateView",
    "GenericReleaseDeleteView",
    "GenericReleasePublishView",
    "GenericReleaseUnscheduleView",
    "GenericReleaseUnyankView",
    "GenericReleaseUpdateView",
    "GenericReleaseYankView",
    "GenericSellerProductListView",
    "GenericSellerReleaseListView",
]
