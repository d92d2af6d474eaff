"""The store's models: add the fields and methods that your products need."""

from .catalog import Asset, Category, Product, Release
from .entitlements import Download, Grant, PurchasedProduct
from .payments import Dispute, Order, OrderLine, Payment, Refund
from .support import (
    SupportAllowance,
    SupportAttachment,
    SupportMessage,
    SupportRequest,
    SupportTerms,
)

__all__ = [
    "Asset",
    "Category",
    "Dispute",
    "Download",
    "Grant",
    "Order",
    "OrderLine",
    "Payment",
    "Product",
    "PurchasedProduct",
    "Refund",
    "Release",
    "SupportAllowance",
    "SupportAttachment",
    "SupportMessage",
    "SupportRequest",
    "SupportTerms",
]
