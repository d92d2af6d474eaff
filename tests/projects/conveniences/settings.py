"""A host with every feature and the conveniences of ``contrib``, with the pages of all of them.

Its app is what ``startstore`` writes, unedited.
"""

# ruff: noqa: F403, F405
from tests.projects.base import *

ROOT_URLCONF = "tests.projects.conveniences.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "django_digitalstore.contrib.analytics",
    "django_digitalstore.contrib.shorturls",
    "django_digitalstore.contrib.underconstruction",
    "tests.projects.conveniences.shop",
]
MIDDLEWARE.insert(
    MIDDLEWARE.index("django.contrib.messages.middleware.MessageMiddleware"),
    "django_digitalstore.contrib.underconstruction.middleware.UnderConstructionMiddleware",
)
LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
