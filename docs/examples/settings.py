"""The lines of a settings file that the how-tos speak of."""

import os

# (role)
DIGITALSTORE_ROLES = {"affiliate": "shop.roles.is_affiliate"}
# (fulfilment)
DIGITALSTORE_FULFILMENTS = {"donation": "shop.fulfilments.DonationFulfilment"}
# (delivery)
DIGITALSTORE_DELIVERY = {
    "default": {
        "BACKEND": "shop.delivery.FileServerDeliveryBackend",
        "OPTIONS": {
            "ADDRESS": "https://files.example.com/",
            "KEY": os.environ.get("FILE_SERVER_KEY", ""),
        },
    },
}
# (payment)
DIGITALSTORE_PAYMENTS = {
    "default": {"BACKEND": "django_digitalstore.payments.backends.sandbox.SandboxBackend"},
    "acme": {
        "BACKEND": "shop.acme.AcmeBackend",
        "OPTIONS": {"SECRET": "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="},
    },
}
# (end)
