"""Pages of the catalog, for everybody and for sellers."""

from .files import (
    GenericAssetCreateView,
    GenericAssetDeleteView,
    GenericAssetListView,
    GenericAssetReplaceView,
    GenericAssetUpdateView,
)
from .public import GenericProductDetailView, GenericProductListView
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
    "GenericProductCreateView",
    "GenericProductDetailView",
    "GenericProductListView",
    "GenericProductPublishView",
    "GenericProductUpdateView",
    "GenericSellerProductListView",
]
