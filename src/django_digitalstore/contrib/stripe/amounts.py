"""Amounts as Stripe counts them, which for a few currencies is not as ISO 4217 does.

From https://docs.stripe.com/currencies#zero-decimal and #special-cases.
"""

from __future__ import annotations

from typing import Final

from django_digitalstore.payments.exceptions import ProviderRefused

__all__ = ["from_stripe", "to_stripe"]

#: Without decimals by ISO 4217, and counted in hundredths by Stripe.
_HUNDREDTHS: Final = frozenset({"ISK", "UGX"})
#: Counted in tenths of what Stripe takes: its last digit of three must be zero.
_LAST_DIGIT_ZERO: Final = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
#: With two decimals by ISO 4217, and without any at Stripe.
_WHOLE: Final = frozenset({"MGA"})


def to_stripe(amount: int, currency: str) -> int:
    """Return ``amount``, in ISO 4217's minor units, as Stripe is told it.

    Raises ``ProviderRefused`` for an amount that Stripe cannot charge to the unit.
    """
    if currency in _HUNDREDTHS:
        return amount * 100
    if currency in _WHOLE:
        if amount % 100:
            raise ProviderRefused(
                "amount", f"Stripe charges {currency} in whole units only: {amount} is not one."
            )
        return amount // 100
    if currency in _LAST_DIGIT_ZERO and amount % 10:
        raise ProviderRefused(
            "amount", f"Stripe charges {currency} in tens of its smallest unit: {amount} is not."
        )
    return amount


def from_stripe(amount: int, currency: str) -> int:
    """Return what Stripe says as ISO 4217's minor units."""
    if currency in _HUNDREDTHS:
        return amount // 100
    return amount * 100 if currency in _WHOLE else amount
