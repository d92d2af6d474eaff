"""Admin of money: orders with their whole history; facts of the provider to read."""

from django.contrib import admin

from django_digitalstore.payments.admin import (
    AbstractDisputeAdmin,
    AbstractOrderAdmin,
    AbstractPaymentAdmin,
    AbstractRefundAdmin,
)

from ..models import Dispute, Order, Payment, Refund


@admin.register(Order)
class OrderAdmin(AbstractOrderAdmin):
    pass


@admin.register(Payment)
class PaymentAdmin(AbstractPaymentAdmin):
    pass


@admin.register(Refund)
class RefundAdmin(AbstractRefundAdmin):
    pass


@admin.register(Dispute)
class DisputeAdmin(AbstractDisputeAdmin):
    pass
