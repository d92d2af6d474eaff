"""Stripe: Checkout Sessions with inline prices. Needs the extra ``stripe``.

Name ``django_digitalstore.contrib.stripe.backend.StripeBackend`` in ``DIGITALSTORE_PAYMENTS``. No
table, no template: the package needs no place in ``INSTALLED_APPS``.
"""
