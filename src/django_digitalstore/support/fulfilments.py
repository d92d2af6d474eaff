"""What a paid line of kind ``support`` does: it gives an allowance.

Write ``DIGITALSTORE_FULFILMENTS = {"support": "django_digitalstore.support.fulfilments."
"SupportFulfilment"}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.policies import had_access, has_access
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.payments.exceptions import CheckoutRefused
from django_digitalstore.payments.fulfilments import PAYMENT_SOURCE, BaseFulfilment, Quote

from . import flows, get_support_terms_model, policies

__all__ = ["KIND", "SupportFulfilment"]

#: The kind of line that sells support.
KIND = "support"


class SupportFulfilment(BaseFulfilment):
    """A line of kind ``support`` sells the product's pack of requests to somebody who owns it.

    As often as they like: it is never "owned already", nor paid twice.
    """

    def quote(self, customer: Any, product: Any) -> Quote:
        """Return the pack that is sold now. Raises ``CheckoutRefused`` where none is."""
        quote = self.list_quote(product)
        if quote is None:
            raise CheckoutRefused(
                "no_packs",
                _("No support is sold for “%(product)s”.") % {"product": product},
            )
        return quote

    def list_quote(self, product: Any) -> Quote | None:
        """Return the pack that is sold now, for everybody; None where none is."""
        return self._quote_of(product, policies.pack_offer(product))

    def list_quotes(self, products: Sequence[Any]) -> Mapping[Any, Quote | None]:
        """Return the packs that are sold now, by product key. One query."""
        terms = policies.terms_by_product(products)
        return {
            product.pk: self._quote_of(product, policies.offer_by(terms.get(product.pk), product))
            for product in products
        }

    def _quote_of(self, product: Any, offer: policies.Offer | None) -> Quote | None:
        if offer is None:
            return None
        # In one language: a provider that keeps products would be told of a new one for each.
        with translation.override(settings.LANGUAGE_CODE):
            name = ngettext(
                "Support: %(size)d request – %(product)s",
                "Support: %(size)d requests – %(product)s",
                offer.size,
            ) % {"size": offer.size, "product": product.title}
        return Quote(name=name, unit_price=offer.price, currency=offer.currency)

    def check_buyer(self, customer: Any, product: Any) -> None:
        """Let those buy who own the product now, and do not have unlimited support anyway."""
        if product.seller_id is not None and product.seller_id == customer.pk:
            raise CheckoutRefused(
                "own_product",
                _("“%(product)s” is your own product: you answer its questions.")
                % {"product": product},
            )
        if not has_access(customer, product):
            if had_access(customer, product):
                raise CheckoutRefused(
                    "access_lost",
                    _("“%(product)s” is not yours any more, and its support ended with it.")
                    % {"product": product},
                )
            raise CheckoutRefused(
                "no_purchase",
                _("Support for “%(product)s” is for those who own it: buy “%(product)s” first.")
                % {"product": product},
            )
        balance = policies.support_allowance(customer, product)
        if balance.is_unlimited and balance.until is None:
            raise CheckoutRefused(
                "unlimited",
                _("Your support for “%(product)s” is unlimited: there is nothing to buy.")
                % {"product": product},
            )

    def fulfil(self, line: Any, payment: Any) -> None:
        customer, product = line.order.customer, line.product
        source = self.source(line, payment)
        flows.grant_allowance(
            customer,
            product,
            requests=self.size(line),
            source=source,
            reason=line.name,
            must_own=False,
        )
        if not has_access(customer, product) and not self._was_usable(line, payment):
            # The allowance is there, and worth nothing until they own the product again. Who lost
            # it after the payment is no news: the person who did that knew.
            raise AccessWithheld(
                f"User {customer.pk} paid for support of product {product.pk} and does not own it. "
                f"Refund the order, or grant the product again."
            )

    def reverse(self, line: Any, payment: Any, reason: str) -> None:
        flows.end_source(
            line.order.customer, line.product, source=self.source(line, payment), reason=reason
        )

    def size(self, line: Any) -> int:
        """Return how many requests ``line`` buys: the pack as it was when the order was placed."""
        terms = (
            get_support_terms_model()
            .objects.filter(product_id=line.product_id, saved_at__lte=line.order.placed_at)
            .filter(pack_price=line.unit_price)
            .first()
        )
        return (terms.pack_size or 1) * line.quantity if terms is not None else line.quantity

    def _was_usable(self, line: Any, payment: Any) -> bool:
        allowance = policies.allowance_from(
            line.order.customer, line.product, self.source(line, payment)
        )
        return allowance is not None and policies.had_access_at(
            line.order.customer, line.product, allowance.granted_at
        )

    def source(self, line: Any, payment: Any) -> Source:
        """Return the source of the allowance: one for each payment of a line."""
        return Source(PAYMENT_SOURCE, f"{line.order.public_id}/{line.position}/{payment.key}")
