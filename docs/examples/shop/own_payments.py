"""Access for what is sold elsewhere: your invoices, your provider, your rules of money."""

from django.db import transaction

from django_digitalstore.entitlements import flows
from django_digitalstore.entitlements.sources import Source


@transaction.atomic
def invoice_paid(user, product, number):
    """Call it as often as the provider does: one invoice is one grant."""
    flows.grant_product(user, product, source=Source("invoice", number))


def invoice_refunded(user, product, number):
    """End what this invoice gave. Another invoice, or a gift, still stands."""
    flows.revoke_product(user, product, source=Source("invoice", number), reason="refunded")


def subscription_renewed(user, product, subscription, paid_until):
    """A grant with an end: each period is a source of its own."""
    source = Source("subscription", f"{subscription}/{paid_until:%Y-%m-%d}")
    flows.grant_product(user, product, source=source, expires_at=paid_until)
