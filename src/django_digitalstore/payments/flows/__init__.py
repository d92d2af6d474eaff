"""The verbs of money, and the only writers of orders, payments, refunds and disputes.

Order of locks, everywhere: inbox message → payment mutex → order → mutex of (user, product) → rows.
"""

from django_digitalstore.payments.choices import ELSEWHERE, FREE

from .checkout import LineRequest, open_checkout, retry_checkout, start_checkout
from .drift import ItemDifference, ItemReason, find_differences, sync_items
from .elsewhere import record_payment, record_refund
from .healing import Difference, Finding, Reconciled, Trouble, Unmatched, reconcile
from .items import (
    SYNC_PRODUCT,
    ItemOutcome,
    Pace,
    doubt_items,
    find_product,
    item_aliases,
    mark_product,
    sync_item,
    sync_product,
)
from .provider import expire_checkouts, refresh_order
from .refunds import (
    refund_second_payment,
    request_refund,
    resolve_refund_request,
    retry_refund,
    send_refund,
)
from .reports import Applied, apply_events, checkout_key, payment_key
from .settling import settle_order

__all__ = [
    "ELSEWHERE",
    "FREE",
    "SYNC_PRODUCT",
    "Applied",
    "Difference",
    "Finding",
    "ItemDifference",
    "ItemOutcome",
    "ItemReason",
    "LineRequest",
    "Pace",
    "Reconciled",
    "Trouble",
    "Unmatched",
    "apply_events",
    "checkout_key",
    "doubt_items",
    "expire_checkouts",
    "find_differences",
    "find_product",
    "item_aliases",
    "mark_product",
    "open_checkout",
    "payment_key",
    "reconcile",
    "record_payment",
    "record_refund",
    "refresh_order",
    "refund_second_payment",
    "request_refund",
    "resolve_refund_request",
    "retry_checkout",
    "retry_refund",
    "send_refund",
    "settle_order",
    "start_checkout",
    "sync_item",
    "sync_items",
    "sync_product",
]
