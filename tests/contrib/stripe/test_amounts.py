"""A few currencies count otherwise at Stripe than in ISO 4217."""

from __future__ import annotations

import pytest

from django_digitalstore.contrib.stripe.amounts import from_stripe, to_stripe
from django_digitalstore.payments.exceptions import ProviderRefused


@pytest.mark.parametrize(
    ("currency", "ours", "theirs"),
    [
        ("EUR", 1999, 1999),
        ("JPY", 1999, 1999),
        ("ISK", 1999, 199_900),
        ("UGX", 1999, 199_900),
        ("MGA", 500_000, 5_000),
        ("KWD", 1990, 1990),
    ],
)
def test_amounts_go_there_and_back(currency, ours, theirs):
    assert to_stripe(ours, currency) == theirs
    assert from_stripe(theirs, currency) == ours


@pytest.mark.parametrize(
    ("currency", "amount", "message"),
    [
        ("KWD", 1999, "Stripe charges KWD in tens of its smallest unit: 1999 is not."),
        ("MGA", 1999, "Stripe charges MGA in whole units only: 1999 is not one."),
    ],
)
def test_what_stripe_cannot_charge_is_said_before_it_is_asked(currency, amount, message):
    with pytest.raises(ProviderRefused) as caught:
        to_stripe(amount, currency)
    assert (caught.value.code, str(caught.value)) == ("amount", message)
