"""Pages of the catalog, for everybody and for sellers."""

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
