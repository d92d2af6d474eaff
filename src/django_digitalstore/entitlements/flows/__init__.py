"""The verbs of access and of release notices.

The only writers of ``PurchasedProduct``, ``Grant``, the download log and the opt-outs.
"""

from .access import (
    clear_expired,
    grant_locked,
    grant_product,
    lock_access,
    restore_product,
    revoke_product,
    withhold_product,
)
from .downloads import forget_addresses, log_download, record_download, reset_downloads
from .notices import notify_owners, opt_in, opt_out

__all__ = [
    "clear_expired",
    "forget_addresses",
    "grant_locked",
    "grant_product",
    "lock_access",
    "log_download",
    "notify_owners",
    "opt_in",
    "opt_out",
    "record_download",
    "reset_downloads",
    "restore_product",
    "revoke_product",
    "withhold_product",
]
