"""What the tests of the support share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from django_digitalstore.entitlements import get_grant_model
from django_digitalstore.entitlements.testing import grant
from django_digitalstore.support.testing import offer_support, open_request


@pytest.fixture
def owner(customer: Any, product: Any) -> Any:
    """A customer who owns ``product``."""
    grant(customer, product)
    return customer


@pytest.fixture
def supported(product: Any) -> Any:
    """``product`` with two requests included, and packs of three for nine euros."""
    offer_support(product, included_requests=2, pack_price=900, pack_size=3, response_hours=24)
    return product


@pytest.fixture
def age() -> Callable[..., None]:
    """Move a row into the past, by SQL as nobody else does: ``age(request, days=3)``."""

    def move(row: Any, **ago: float) -> None:
        by = timedelta(**ago)
        names = [
            field.attname
            for field in row._meta.concrete_fields
            if field.get_internal_type() == "DateTimeField" and getattr(row, field.attname)
        ]
        moved = {name: getattr(row, name) - by for name in names}
        type(row)._base_manager.filter(pk=row.pk).update(**moved)
        row.refresh_from_db()

    return move


@pytest.fixture
def owned_for(age: Callable[..., None]) -> Callable[..., None]:
    """Let a user have been given a product a while ago: ``owned_for(user, product, days=3)``."""

    def move(user: Any, product: Any, **ago: float) -> None:
        for row in get_grant_model().objects.filter(user=user, product=product):
            age(row, **ago)

    return move


@pytest.fixture
def request_(owner: Any, supported: Any) -> Any:
    """A request of ``owner`` about ``supported``."""
    return open_request(owner, supported)
