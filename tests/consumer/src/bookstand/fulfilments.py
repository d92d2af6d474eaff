"""Lines of the kind ``licence``: a book for a whole team."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from django_digitalstore.entitlements import flows, policies
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.payments.exceptions import CheckoutRefused
from django_digitalstore.payments.fulfilments import BaseFulfilment, Quote

from . import get_licence_model

__all__ = ["LicenceFulfilment"]


class LicenceFulfilment(BaseFulfilment):
    """Gives a licence key, and the book to its buyer; a refund ends both."""

    def check_buyer(self, customer: Any, product: Any) -> None:
        if product.licence_price is None:
            raise CheckoutRefused("no_licence", f"There is no team licence of “{product}”.")
        if policies.is_withheld(customer, product):
            raise CheckoutRefused("withheld", f"“{product}” is not available to you.")

    def quote(self, customer: Any, product: Any) -> Quote:
        return Quote(
            name=f"{product.title} (team licence)",
            unit_price=product.licence_price or 0,
            currency=product.currency,
        )

    def fulfil(self, line: Any, payment: Any) -> None:
        source = self.source(line, payment)
        get_licence_model()._default_manager.update_or_create(
            source=str(source),
            defaults={"ended_at": None},
            create_defaults={"owner": line.order.customer, "product": line.product},
        )
        flows.grant_product(line.order.customer, line.product, source=source)

    def reverse(self, line: Any, payment: Any, reason: str) -> None:
        source = self.source(line, payment)
        licences = get_licence_model()._default_manager.filter(source=str(source), ended_at=None)
        licences.update(ended_at=timezone.now())
        flows.revoke_product(line.order.customer, line.product, source=source, reason=reason)

    def source(self, line: Any, payment: Any) -> Source:
        """Return one source for each payment of a line, so that each stands alone."""
        return Source("licence", f"{line.order.public_id}/{line.position}/{payment.key}")
