"""A host that sells in a way of its own and takes only access and delivery from the suite."""

# ruff: noqa: F403, F405
from tests.projects.base import *

ROOT_URLCONF = "tests.projects.entitlements_only.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "django_digitalstore.core",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "tests.projects.entitlements_only.shop",
]
LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
