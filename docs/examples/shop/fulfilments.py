"""Lines of the kind ``donation``: money for a product's author, and nothing to own."""

from django_digitalstore.payments.exceptions import CheckoutRefused
from django_digitalstore.payments.fulfilments import BaseFulfilment, Quote


class DonationFulfilment(BaseFulfilment):
    def check_buyer(self, customer, product):
        if product.seller_id == customer.pk:
            raise CheckoutRefused("own_product", "You would give to yourself.")

    def quote(self, customer, product):
        return Quote(
            name=f"A coffee for “{product.title}”", unit_price=500, currency=product.currency
        )

    def fulfil(self, line, payment):
        """Give nothing: the paid line is the donation. A row that you add must be idempotent."""

    def reverse(self, line, payment, reason):
        """Take nothing back."""
