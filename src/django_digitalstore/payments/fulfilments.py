"""What a paid line does: a fulfilment for each kind of line, named in ``DIGITALSTORE_FULFILMENTS``.

Fulfilments run inside the payment's transaction, so money and what it buys agree at every moment.
They must be idempotent: a fact may be applied any number of times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from django_digitalstore.entitlements import flows as entitlements
from django_digitalstore.entitlements import get_grant_model, policies
from django_digitalstore.entitlements.choices import EndedKind
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.sources import Source

from .choices import LossCause
from .exceptions import AlreadyOwned, CheckoutRefused

__all__ = [
    "PAYMENT_SOURCE",
    "BaseFulfilment",
    "ProductFulfilment",
    "Quote",
    "get_fulfilment",
    "kinds_that_grant",
]

#: Kind of the source of a grant that a payment gives.
PAYMENT_SOURCE = "payment"
#: What an owner is told of what ended access. A lost dispute gave the money back too.
_ENDED_KINDS: dict[str, EndedKind] = {
    LossCause.REFUNDED: EndedKind.REFUNDED,
    LossCause.LINE_REFUNDED: EndedKind.REFUNDED,
    LossCause.DISPUTE_LOST: EndedKind.REFUNDED,
    LossCause.DISPUTE_OPEN: EndedKind.DISPUTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a line costs now: ``unit_price`` in minor units of ``currency``."""

    name: str
    unit_price: int
    currency: str


class BaseFulfilment:
    """A kind of line: what it costs, who may buy it, and what it does when it is paid."""

    def check_buyer(self, customer: Any, product: Any) -> None:
        """Raise ``CheckoutRefused`` where ``customer`` may not buy this. Queries allowed.

        Called inside the checkout's transaction, under the buyer's mutex.
        """

    def quote(self, customer: Any, product: Any) -> Quote:
        """Return name and price. Called once, when the checkout starts; the line keeps them."""
        return Quote(name=product.title, unit_price=product.price, currency=product.currency)

    def list_quote(self, product: Any) -> Quote | None:
        """Return name and price for everybody; None where they are known only to a buyer. Hook.

        Asked by the sync with providers that keep products of their own. What it returns is there
        before somebody buys; anything else is brought there by the first checkout.
        """
        return None

    def list_quotes(self, products: Sequence[Any]) -> Mapping[Any, Quote | None] | None:
        """Return product key → ``list_quote``, for at most 500 products in few queries. Hook.

        None, the default, is for those whose ``list_quote`` asks no database: it is asked of each.
        """
        return None

    def fulfil(self, line: Any, payment: Any) -> None:
        """Do what ``line`` buys, because ``payment`` pays it. Idempotent; no network.

        Called in the payment's transaction, with the mutex of (customer, product) taken. Raises
        ``AccessWithheld`` where a person has revoked: the order is flagged, the payment is kept.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement fulfil(line, payment).")

    def is_paid_elsewhere(self, line: Any) -> bool:
        """Tell whether another order of the customer paid for the same and still holds. Queries.

        Asked after ``fulfil``, in the same transaction; the order is flagged for a refund.
        """
        return False

    def reverse(self, line: Any, payment: Any, reason: str) -> None:
        """Undo what ``payment`` bought with ``line``. Idempotent; no network; same transaction.

        ``reason`` is a ``LossCause`` of ``payments.choices``: words that compare as text.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement reverse(line, payment, reason)."
        )


class ProductFulfilment(BaseFulfilment):
    """A line of kind ``product`` grants the product to the order's customer."""

    def list_quote(self, product: Any) -> Quote | None:
        """Return what ``quote`` says for nobody in particular: a ``quote`` that looks at the
        customer takes None too, or this is overridden beside it.
        """
        return self.quote(None, product)

    def check_buyer(self, customer: Any, product: Any) -> None:
        if product.seller_id is not None and product.seller_id == customer.pk:
            raise CheckoutRefused(
                "own_product",
                _("“%(product)s” is your own product. To try a purchase, sign in as somebody else.")
                % {"product": product},
            )
        if policies.has_access(customer, product):
            raise AlreadyOwned(product, _("You own “%(product)s” already.") % {"product": product})
        if policies.is_withheld(customer, product):
            raise CheckoutRefused(
                "withheld",
                _("“%(product)s” is not available to you. Please write to us.")
                % {"product": product},
            )

    def fulfil(self, line: Any, payment: Any) -> None:
        customer, source = line.order.customer, self.source(line, payment)
        try:
            # Every fulfilment runs with the mutex taken.
            entitlements.grant_locked(customer, line.product, source=source)
        except AccessWithheld:
            # So that lifting the deny gives what was paid.
            entitlements.withhold_product(
                customer, line.product, source=source, reason="paid while access was revoked"
            )
            # Revoked after it was fulfilled: the person who did it knew. Only a payment that lands
            # while the deny stands is news.
            if not policies.was_granted(customer, line.product, source):
                raise

    def reverse(self, line: Any, payment: Any, reason: str) -> None:
        entitlements.revoke_product(
            line.order.customer,
            line.product,
            source=self.source(line, payment),
            kind=_ENDED_KINDS.get(reason, EndedKind.WITHDRAWN),
            reason=str(reason),
        )

    def is_paid_elsewhere(self, line: Any) -> bool:
        return (
            get_grant_model()
            .objects.standing()
            .allowing()
            .filter(user_id=line.order.customer_id, product_id=line.product_id)
            .filter(source_kind=PAYMENT_SOURCE)
            .exclude(source_reference__startswith=f"{line.order.public_id}/")
            .exists()
        )

    def source(self, line: Any, payment: Any) -> Source:
        """Return the source of the grant: one for each payment of a line, so each stands alone."""
        return Source(PAYMENT_SOURCE, f"{line.order.public_id}/{line.position}/{payment.key}")


def get_fulfilment(kind: str) -> BaseFulfilment:
    """Return the fulfilment of a kind of line. Raises ``ImproperlyConfigured``."""
    try:
        path = settings.DIGITALSTORE_FULFILMENTS[kind]
    except KeyError:
        known = ", ".join(repr(name) for name in settings.DIGITALSTORE_FULFILMENTS)
        raise ImproperlyConfigured(
            f"DIGITALSTORE_FULFILMENTS has no fulfilment for lines of kind {kind!r}; it knows "
            f"{known}. Write DIGITALSTORE_FULFILMENTS = {{{kind!r}: 'dotted.path.Fulfilment'}}."
        ) from None
    try:
        fulfilment = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"DIGITALSTORE_FULFILMENTS[{kind!r}]: {path!r} can't be imported: {error}."
        ) from error
    if not (isinstance(fulfilment, type) and issubclass(fulfilment, BaseFulfilment)):
        raise ImproperlyConfigured(
            f"DIGITALSTORE_FULFILMENTS[{kind!r}]: {path!r} is not a BaseFulfilment. Derive it from "
            f"django_digitalstore.payments.fulfilments.BaseFulfilment."
        )
    return fulfilment()


def kinds_that_grant() -> list[str]:
    """Return the kinds of line whose product is the customer's while the line is paid."""
    kinds = sorted(settings.DIGITALSTORE_FULFILMENTS)
    return [kind for kind in kinds if isinstance(get_fulfilment(kind), ProductFulfilment)]
