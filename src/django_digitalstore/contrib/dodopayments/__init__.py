"""Dodo Payments, a merchant of record, as a payment provider. Needs the extra ``dodo``.

Named in ``DIGITALSTORE_PAYMENTS``; it has no tables and need not be in ``INSTALLED_APPS``. The SDK
is loaded with the first call.
"""

from importlib.util import find_spec

__all__ = ["DodoPaymentsBackend"]

if find_spec("dodopayments") is None:
    raise ImportError(
        "django_digitalstore.contrib.dodopayments – Dodo's SDK is not installed – write: "
        "pip install django-digitalstore[dodo]"
    )

from .backend import DodoPaymentsBackend
