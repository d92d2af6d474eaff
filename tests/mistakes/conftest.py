"""What a host developer has in hand when the mistake is made."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

GIFT = "gift"


@pytest.fixture
def app() -> str:
    """Return the label of the host's app."""
    return str(settings.DIGITALSTORE_STORE_APP)


@pytest.fixture
def attempt(customer: Any, product: Any) -> Any:
    """An attempt to pay for ``product``, its checkout open at the sandbox."""
    from tests.payments import signed

    return signed.open_order(customer, product)
