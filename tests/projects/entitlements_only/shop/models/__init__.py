"""The store's models: add the fields and methods that your products need."""

from .catalog import Asset, Category, Product, Release
from .entitlements import Download, Grant, PurchasedProduct

__all__ = [
    "Asset",
    "Category",
    "Download",
    "Grant",
    "Product",
    "PurchasedProduct",
    "Release",
]
