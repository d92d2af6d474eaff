"""What the shop does about money: give it back, and take it past every provider."""

from django_digitalstore.payments import flows, policies


def refund_in_full(order, customer, reason):
    """Ask the provider to give back all that a customer paid with it."""
    for payment in order.payments.all():
        if policies.can_refund(payment):
            return flows.request_refund(payment, actor=customer, reason=reason)
    return None


def bank_transfer_arrived(order, cents, reference, clerk):
    """Mark an order as paid by the money that the bank shows."""
    return flows.record_payment(
        order, amount=cents, reference=reference, actor=clerk, reason="bank transfer"
    )


def sent_back_by_bank(payment, reference, clerk):
    """Record that this money went back."""
    return flows.record_refund(payment, reference=reference, actor=clerk, reason="withdrawal")
