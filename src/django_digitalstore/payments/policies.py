"""Questions about orders. All read, none writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch, Q
from django.utils.translation import gettext as _

from django_digitalstore.entitlements.policies import owned_by_key

from . import get_order_line_model, get_order_model, get_payment_model
from .choices import Attention, OrderStatus, PaymentState
from .exceptions import CheckoutRefused
from .fulfilments import Quote, get_fulfilment

if TYPE_CHECKING:
    from .abstract_models import AbstractOrder, OrderQuerySet

__all__ = [
    "UNPAID",
    "can_retry",
    "check_buyer",
    "is_awaited",
    "is_being_paid",
    "lost_lines",
    "orders_being_paid",
    "orders_of_customer",
    "orders_of_seller",
    "quote_lines",
]

#: Statuses of an order that was never paid; a late success still wins.
UNPAID = frozenset(
    {OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
)


def _has_payment_in(order: AbstractOrder, *states: PaymentState) -> bool:
    return get_payment_model().objects.filter(order=order, state__in=states).exists()


def is_being_paid(order: AbstractOrder) -> bool:
    """Tell whether money is on its way, or came and does not count: paying again would be twice."""
    if Attention.DISCREPANCY in order.attention.split():
        return True
    return _has_payment_in(order, PaymentState.PROCESSING)


def orders_being_paid(customer: Any, products: Iterable[Any]) -> OrderQuerySet:
    """Return the unpaid orders of a customer for any of ``products`` with money on its way."""
    return (
        get_order_model()
        .objects.of_customer(customer)
        .filter(status__in=UNPAID, lines__product__in=list(products))
        .filter(
            Q(payments__state=PaymentState.PROCESSING)
            | Q(attention__contains=Attention.DISCREPANCY)
        )
        .distinct()
    )


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
    """Return the orders that hold lines of ``user``; those lines alone are ``shown_lines``."""
    lines = get_order_line_model().objects.filter(product__seller=user).order_by("position")
    return get_order_model().objects.of_seller(user).prefetch_related(_shown(lines))


def _shown(lines: Any) -> Prefetch:
    return Prefetch("lines", queryset=lines, to_attr="shown_lines")


def lost_lines(order: AbstractOrder, lines: Sequence[Any]) -> list[Any]:
    """Return those of ``lines`` whose product the order's customer does not own now. One query."""
    products = [line for line in lines if line.kind == "product"]
    owned = owned_by_key(order.customer_id, [line.product_id for line in products])
    return [line for line in products if line.product_id not in owned]


def quote_lines(customer: Any, lines: Sequence[Any]) -> list[tuple[str, Any, Quote]]:
    """Return (kind, product, quote) for each requested line, with products and prices as of now.

    Raises ``CheckoutRefused``, with a message for the buyer, where not all of it is for sale
    together. Whether this customer may buy it is asked by ``check_buyer``.
    """
    if not lines:
        raise CheckoutRefused("empty", _("There is nothing to buy: choose a product first."))
    if len({(line.kind, line.product.pk) for line in lines}) != len(lines):
        raise CheckoutRefused("twice", _("The same product is in the order twice."))
    # Read again: what the caller holds may be old.
    manager = type(lines[0].product)._default_manager
    products = {p.pk: p for p in manager.filter(pk__in=[line.product.pk for line in lines])}
    quoted = []
    for request in lines:
        product = products.get(request.product.pk)
        if product is None or not product.is_for_sale:
            raise CheckoutRefused(
                "not_for_sale", _("“%(product)s” is not for sale.") % {"product": request.product}
            )
        quoted.append(
            (request.kind, product, get_fulfilment(request.kind).quote(customer, product))
        )
    if len({quote.currency for *__, quote in quoted}) != 1:
        raise CheckoutRefused(
            "currencies",
            _("These products have different currencies: buy them one after the other."),
        )
    return quoted


def check_buyer(customer: Any, quoted: Iterable[tuple[str, Any, Quote]]) -> None:
    """Raise ``CheckoutRefused`` (``AlreadyOwned`` among them) for what this customer may not buy.

    The answer holds under the access mutexes only: a page may ask it to say early what
    ``start_checkout`` would say.
    """
    for kind, product, _quote in quoted:
        get_fulfilment(kind).check_buyer(customer, product)
