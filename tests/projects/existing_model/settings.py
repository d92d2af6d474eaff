"""A host whose own model, with data in its table, became the product."""

# ruff: noqa: F403, F405
from tests.projects.base import *

ROOT_URLCONF = "tests.projects.existing_model.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "tests.projects.existing_model.library",
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "tests.projects.existing_model.shop",
]
DIGITALSTORE_PRODUCT_MODEL = "library.Ebook"
LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
