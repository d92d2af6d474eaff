"""The verbs of access, and the only writers of ``PurchasedProduct``, ``Grant`` and the log."""

from .access import (
    clear_expired,
    grant_product,
    lock_access,
    restore_product,
    revoke_product,
    withhold_product,
)
from .downloads import log_download

__all__ = [
    "clear_expired",
    "grant_product",
    "lock_access",
    "log_download",
    "restore_product",
    "revoke_product",
    "withhold_product",
]
