"""The lines of a settings file that the how-tos speak of."""

# (role)
DIGITALSTORE_ROLES = {"affiliate": "shop.roles.is_affiliate"}
# (fulfilment)
DIGITALSTORE_FULFILMENTS = {"donation": "shop.fulfilments.DonationFulfilment"}
# (delivery)
DIGITALSTORE_DELIVERY = {
    "default": {"BACKEND": "shop.delivery.NginxDeliveryBackend", "OPTIONS": {"PREFIX": "/sold/"}},
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
