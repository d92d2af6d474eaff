"""The verbs of money, and the only writers of orders, payments, refunds and disputes.

Order of locks, everywhere: inbox message → payment mutex → order → mutex of (user, product) → rows.
"""

from .checkout import FREE, LineRequest, open_checkout, retry_checkout, start_checkout
from .provider import expire_checkouts, refresh_order
from .reports import Applied, apply_events, checkout_key, payment_key
from .settling import settle_order

__all__ = [
    "FREE",
    "Applied",
    "LineRequest",
    "apply_events",
    "checkout_key",
    "expire_checkouts",
    "open_checkout",
    "payment_key",
    "refresh_order",
    "retry_checkout",
    "settle_order",
    "start_checkout",
]
