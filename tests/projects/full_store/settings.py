"""A host with every feature, its app written by ``startstore``."""

from tests.projects.base import *

ROOT_URLCONF = "tests.projects.full_store.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "tests.projects.full_store.shop",
]
