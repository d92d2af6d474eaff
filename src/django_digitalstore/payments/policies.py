"""Questions about orders. All read, none writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch

from . import get_order_line_model, get_order_model, get_payment_model
from .choices import OrderStatus, PaymentState

if TYPE_CHECKING:
    from .abstract_models import AbstractOrder, OrderQuerySet

__all__ = [
    "UNPAID",
    "can_retry",
    "is_awaited",
    "is_being_paid",
    "orders_of_customer",
    "orders_of_seller",
]

#: Statuses of an order that was never paid; a late success still wins.
UNPAID = frozenset(
    {OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
)


def _has_payment_in(order: AbstractOrder, *states: PaymentState) -> bool:
    return get_payment_model().objects.filter(order=order, state__in=states).exists()


def is_being_paid(order: AbstractOrder) -> bool:
    """Tell whether money is on its way, or came and does not count: paying again would be twice."""
    return _has_payment_in(order, PaymentState.PROCESSING, PaymentState.SUCCEEDED)


def is_awaited(order: AbstractOrder) -> bool:
    """Tell whether news may come by itself: a checkout is open, or a payment is processing."""
    return order.status == OrderStatus.PENDING and _has_payment_in(
        order, PaymentState.OPEN, PaymentState.PROCESSING
    )


def can_retry(order: AbstractOrder) -> bool:
    """Tell whether the buyer may be shown the way to pay: unpaid, and no money on its way."""
    return order.status in UNPAID and not is_being_paid(order)


def orders_of_customer(user: Any) -> OrderQuerySet:
    """Return the orders that ``user`` placed, newest first, with all lines as ``shown_lines``."""
    lines = get_order_line_model().objects.order_by("position")
    return get_order_model().objects.of_customer(user).prefetch_related(_shown(lines))


def orders_of_seller(user: Any) -> OrderQuerySet:
    """Return the orders that hold products of ``user``, with those lines only as ``shown_lines``."""
    lines = get_order_line_model().objects.filter(product__seller=user).order_by("position")
    return get_order_model().objects.of_seller(user).prefetch_related(_shown(lines))


def _shown(lines: Any) -> Prefetch:
    return Prefetch("lines", queryset=lines, to_attr="shown_lines")
