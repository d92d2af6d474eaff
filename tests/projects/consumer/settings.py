"""A host of ``bookstand``, a distribution that another author builds on the suite."""

# ruff: noqa: F403, F405
import sys

from tests.projects.base import *

# As if it were installed: `pip install ./tests/consumer`.
sys.path.insert(0, str(Path(__file__).parents[2] / "consumer" / "src"))

ROOT_URLCONF = "tests.projects.consumer.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "bookstand",
    "tests.projects.consumer.shop",
]
LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
DIGITALSTORE_ROLES = {"affiliate": "bookstand.roles.is_affiliate"}
DIGITALSTORE_FULFILMENTS = {"licence": "bookstand.fulfilments.LicenceFulfilment"}
DIGITALSTORE_DELIVERY = {
    "default": {
        "BACKEND": "django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend"
    },
    "mirror": {
        "BACKEND": "bookstand.delivery.MirrorDeliveryBackend",
        "OPTIONS": {"MIRROR": "https://mirror.example.com", "KEY": "shared-with-the-mirror"},
    },
}
