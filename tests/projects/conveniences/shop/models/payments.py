"""Orders and money: the store's own tables. Add fields freely; keep each Meta."""

from django.urls import reverse

from django_digitalstore.payments.abstract_models import (
    AbstractDispute,
    AbstractOrder,
    AbstractOrderLine,
    AbstractPayment,
    AbstractRefund,
)


class Order(AbstractOrder):
    """What somebody wants to buy, and what became of it."""

    class Meta(AbstractOrder.Meta):
        pass

    def get_absolute_url(self) -> str:
        return reverse("shop:order_detail", args=[self.public_id])

    def get_seller_url(self) -> str:
        return reverse("shop:seller_order_detail", args=[self.public_id])


class OrderLine(AbstractOrderLine):
    """One thing of an order, with the name and price it had."""

    class Meta(AbstractOrderLine.Meta):
        pass


class Payment(AbstractPayment):
    """One attempt to pay an order."""

    class Meta(AbstractPayment.Meta):
        pass


class Refund(AbstractRefund):
    """Money that went back."""

    class Meta(AbstractRefund.Meta):
        pass


class Dispute(AbstractDispute):
    """A buyer's bank asks for the money back."""

    class Meta(AbstractDispute.Meta):
        pass
