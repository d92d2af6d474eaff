"""The store in the admin."""

from . import catalog, entitlements, payments, support

__all__ = ["catalog", "entitlements", "payments", "support"]
