"""A host with every feature; its app is what ``startstore`` writes, unedited.

The conveniences of ``contrib`` are installed, so that their tests run here too, but the store has
none of their pages: those are in ``conveniences``.
"""

# ruff: noqa: F403, F405
from tests.projects.base import *

ROOT_URLCONF = "tests.projects.full_store.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "django_digitalstore.support",
    "django_digitalstore.contrib.analytics",
    "django_digitalstore.contrib.shorturls",
    "django_digitalstore.contrib.underconstruction",
    "tests.projects.full_store.shop",
]
LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
DIGITALSTORE_FULFILMENTS = {
    "support": "django_digitalstore.support.fulfilments.SupportFulfilment",
}
