"""The verbs of access, and the only writers of ``PurchasedProduct``, ``Grant`` and the log."""

from .access import (
    clear_expired,
    grant_product,
    lock_access,
    restore_product,
    revoke_product,
    withhold_product,
)
from .downloads import forget_addresses, log_download, record_download, reset_downloads

__all__ = [
    "clear_expired",
    "forget_addresses",
    "grant_product",
    "lock_access",
    "log_download",
    "record_download",
    "reset_downloads",
    "restore_product",
    "revoke_product",
    "withhold_product",
]
