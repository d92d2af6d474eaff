"""What the figures must be, found the slow way: order by order, in exact fractions where it can."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from django_digitalstore.payments import get_dispute_model, get_order_model, get_refund_model

NAMES = ("orders", "units", "gross", "refunded", "checkouts", "paid_checkouts")


def spread(weights: list[int], amount: int) -> list[int]:
    """Spread whole units: after each weight, the sum so far is the rounded-down part."""
    sums = [sum(weights[: number + 1]) for number in range(len(weights))]
    until = [amount * reached // sums[-1] if sums[-1] else 0 for reached in sums]
    return [now - before for before, now in zip([0, *until], until, strict=False)]


def expected() -> dict[tuple[str, str, str, str, Any], tuple[int, ...]]:
    """Return (seller, product, country, currency, day) → numbers of all that there is."""
    found: dict[Any, dict[str, int]] = defaultdict(lambda: dict.fromkeys(NAMES, 0))
    zone = ZoneInfo(settings.TIME_ZONE)
    for order in get_order_model().objects.all():
        lines = list(order.lines.select_related("product").order_by("position"))
        slices = [
            {
                ("*", "*", "*"),
                ("*", "*", order.country),
                (str(line.product.seller_id or ""), "*", "*"),
                (str(line.product.seller_id or ""), "*", order.country),
                (str(line.product.seller_id or ""), str(line.product_id), "*"),
            }
            for line in lines
        ]
        totals = [line.total for line in lines]

        def note(keys: Any, at: Any, name: str, number: int, order: Any = order) -> None:
            for key in keys if number else ():
                found[*key, order.currency, at.astimezone(zone).date()][name] += number

        anywhere = set().union(*slices)
        note(anywhere, order.placed_at, "checkouts", 1)
        if order.paid_at is None:
            continue
        note(anywhere, order.placed_at, "paid_checkouts", 1)
        note(anywhere, order.paid_at, "orders", 1)
        for line, keys in zip(lines, slices, strict=True):
            note(keys, order.paid_at, "units", line.quantity)
        for payment in order.payments.filter(state="succeeded", discrepancy=""):
            brought = spread(totals, payment.amount - payment.tax)
            for keys, part in zip(slices, brought, strict=True):
                note(keys, order.paid_at, "gross", part)
            charged, told = spread(totals, payment.amount), [0] * len(lines)
            left = list(charged)
            for fact in _returns(payment):
                for number, part in enumerate(_part(fact, payment, left)):
                    left[number] -= part
                for number, keys in enumerate(slices):
                    gone = charged[number] - left[number]
                    until = brought[number] * gone // charged[number] if charged[number] else 0
                    note(keys, fact.state_at, "refunded", until - told[number])
                    told[number] = until
    return {key: tuple(numbers.values()) for key, numbers in found.items()}


def _returns(payment: Any) -> list[Any]:
    refunds = get_refund_model().objects.filter(payment=payment, state="succeeded")
    lost = get_dispute_model().objects.filter(payment=payment, state__in=["lost", "accepted"])
    facts = [*refunds.order_by("pk"), *lost.order_by("pk")]
    return sorted(facts, key=lambda fact: fact.state_at)  # keeps refunds first


def _part(fact: Any, payment: Any, left: list[int]) -> list[int]:
    if not hasattr(fact, "is_full") or fact.is_full:
        return list(left)
    if fact.items:
        (item, amount), *_ = fact.items
        references = [entry[0] for entry in payment.cart]
        return [
            min(amount, has) if reference == item else 0
            for reference, has in zip(references, left, strict=True)
        ]
    return spread(left, min(fact.amount, sum(left)))
