"""Facts of the past for the tests of the figures, written as the flows write them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.db.models import QuerySet
from django.utils import timezone

from django_digitalstore.core import guard
from django_digitalstore.payments import (
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
)


def local(text: str) -> datetime:
    """Return a moment of the site's time zone, as in ``local("2026-03-29 00:30")``."""
    return timezone.make_aware(datetime.fromisoformat(text))


def place(
    customer: Any,
    *lines: tuple[Any, int] | tuple[Any, int, int],
    at: datetime,
    currency: str = "EUR",
    country: str = "DE",
    tax: int = 0,
    kind: str = "product",
) -> Any:
    """Place an order of (product, unit price[, quantity]) lines."""
    totals = [price * (rest[0] if rest else 1) for _product, price, *rest in lines]
    order = guard.insert(
        get_order_model()(
            customer=customer,
            email="customer@example.com",
            country=country,
            currency=currency,
            subtotal=sum(totals),
            tax=tax,
            total=sum(totals) + tax,
            fingerprint="",
            placed_at=at,
            updated_at=timezone.now(),
        )
    )
    for position, ((product, price, *rest), total) in enumerate(
        zip(lines, totals, strict=True), start=1
    ):
        guard.insert(
            get_order_line_model()(
                order=order,
                position=position,
                kind=kind,
                product=product,
                name=str(product),
                unit_price=price,
                quantity=rest[0] if rest else 1,
                total=total,
            )
        )
    return order


def pay(order: Any, *, at: datetime, **values: Any) -> Any:
    """Let a payment of the order's total succeed; ``values`` are other columns of it."""
    items = [[f"item-{line.pk}", line.quantity] for line in order.lines.order_by("position")]
    payment = guard.insert(
        get_payment_model()(
            **{
                "order": order,
                "alias": "default",
                "provider_reference": uuid4().hex,
                "cart": items,
                "state": "succeeded",
                "state_at": at,
                "amount": order.total,
                "currency": order.currency,
                "created_at": at,
                **values,
            }
        )
    )
    if not payment.discrepancy:
        paid = {} if order.paid_at else {"paid_at": at, "status": "paid"}
        guard.update(order, updated_at=timezone.now(), **paid)
    return payment


def sell(customer: Any, *lines: Any, at: datetime, **values: Any) -> Any:
    """Return the payment of an order that was placed and paid at once."""
    named = {name: values.pop(name) for name in ("country", "kind") if name in values}
    currency = values.pop("order_currency", "EUR")
    return pay(place(customer, *lines, at=at, currency=currency, **named), at=at, **values)


def give_back(
    payment: Any,
    *,
    at: datetime,
    amount: int | None = None,
    lines: Sequence[tuple[int, int]] = (),
    state: str = "succeeded",
    is_full: bool = False,
    currency: str | None = None,
) -> Any:
    """Refund a payment; ``lines`` are (position, amount)."""
    found = guard.insert(
        get_refund_model()(
            payment=payment,
            alias=payment.alias,
            provider_reference=uuid4().hex,
            payment_reference=payment.provider_reference,
            state=state,
            state_at=at,
            amount=amount,
            currency=payment.currency if currency is None else currency,
            is_full=is_full,
            items=[[payment.cart[position - 1][0], part] for position, part in lines],
        )
    )
    touch(payment)
    return found


def dispute(payment: Any, *, at: datetime, state: str = "lost") -> Any:
    """Let the buyer's bank ask for a payment."""
    found = guard.insert(
        get_dispute_model()(
            payment=payment,
            alias=payment.alias,
            provider_reference=uuid4().hex,
            payment_reference=payment.provider_reference,
            state=state,
            state_at=at,
        )
    )
    touch(payment)
    return found


def change(fact: Any, **values: Any) -> None:
    """Let a later report change a refund or a dispute."""
    guard.update(fact, **values)
    touch(fact.payment)


def touch(payment: Any) -> None:
    """Note that a fact of the order changed, as ``payments.flows`` do."""
    orders = get_order_model().objects.filter(pk=payment.order_id)
    QuerySet.update(orders, updated_at=timezone.now())


def let_time_pass() -> None:
    """Make all that changed so far older than what the rollup always looks at again."""
    QuerySet.update(get_order_model().objects.all(), updated_at=timezone.now() - timedelta(hours=1))
