"""Signals of the payments. Sent after commit; receivers notify and never decide."""

from django_digitalstore.core.signals import StoreSignal

__all__ = ["order_paid", "order_status_changed"]

#: An order was paid for the first time. Argument: ``order``.
order_paid = StoreSignal("order_paid")

#: An order's derived status changed. Arguments: ``order``, ``old``, ``new``.
order_status_changed = StoreSignal("order_status_changed")
