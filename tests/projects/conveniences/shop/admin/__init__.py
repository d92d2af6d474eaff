"""The store in the admin."""

from . import catalog, entitlements, payments

__all__ = ["catalog", "entitlements", "payments"]
