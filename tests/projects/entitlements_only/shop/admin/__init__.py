"""The store in the admin."""

from . import catalog, entitlements

__all__ = ["catalog", "entitlements"]
