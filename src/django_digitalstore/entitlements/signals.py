"""Signals of the entitlements. Sent after commit; receivers notify and never decide."""

from django_digitalstore.core.signals import StoreSignal

__all__ = ["access_granted", "access_revoked"]

#: A ``PurchasedProduct`` row appeared. Arguments: ``user_id``, ``product_id``, ``purchase``.
access_granted = StoreSignal("access_granted")

#: A ``PurchasedProduct`` row went. Arguments: ``user_id``, ``product_id``.
access_revoked = StoreSignal("access_revoked")
