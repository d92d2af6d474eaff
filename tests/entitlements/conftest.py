"""What the tests of access share."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_digitalstore.entitlements import (
    flows,
    get_download_model,
    get_grant_model,
    get_purchased_product_model,
)
from django_digitalstore.entitlements.sources import Source


class Ledger:
    """Reads what is written about one user and product."""

    def __init__(self, user: Any, product: Any) -> None:
        self.user, self.product = user, product

    @property
    def rows(self) -> list[Any]:
        rows = get_purchased_product_model().objects
        return list(rows.filter(user=self.user, product=self.product))

    @property
    def row(self) -> Any:
        (row,) = self.rows
        return row

    @property
    def lines(self) -> list[str]:
        grants = get_grant_model().objects.filter(user=self.user, product=self.product)
        return [
            f"{g.effect} {Source(g.source_kind, g.source_reference)}"
            + (f" {g.ended_kind}" if g.ended_at else "")
            for g in grants.order_by("pk")
        ]

    @property
    def downloads(self) -> list[tuple[str, str]]:
        log = get_download_model()._default_manager
        found = log.filter(user=self.user, product=self.product).order_by("pk")
        return [(d.file_name, d.outcome) for d in found]

    def grant(self, reference: str = "a", *, expires_at: datetime | None = None) -> Any:
        return flows.grant_product(
            self.user, self.product, source=Source("order", reference), expires_at=expires_at
        )

    def refund(self, reference: str = "a") -> int:
        return flows.revoke_product(
            self.user, self.product, source=Source("order", reference), reason="refunded"
        )

    def revoke(self) -> int:
        return flows.revoke_product(self.user, self.product, reason="fraud")

    def restore(self) -> Any:
        return flows.restore_product(self.user, self.product, reason="it was a mistake")

    def let_expire(self) -> None:
        """Make time pass: SQL is the way past the guard, and tests of expiry take it."""
        past = timezone.now() - timedelta(seconds=1)
        for model in (get_grant_model(), get_purchased_product_model()):
            model._base_manager.filter(user=self.user, product=self.product).exclude(
                expires_at=None
            ).update(expires_at=past)


@pytest.fixture
def ledger(customer: Any, product: Any) -> Ledger:
    return Ledger(customer, product)
