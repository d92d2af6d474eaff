"""A host with habits: its own user, every request in a transaction, every page behind a log-in."""

# ruff: noqa: F403, F405
from tests.projects.base import *

ROOT_URLCONF = "tests.projects.custom_user.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "tests.projects.custom_user.people",
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "django_digitalstore.support",
    "tests.projects.custom_user.shop",
]
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
AUTH_USER_MODEL = "people.Person"
DATABASES["default"]["ATOMIC_REQUESTS"] = True
LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
DIGITALSTORE_FULFILMENTS = {
    "support": "django_digitalstore.support.fulfilments.SupportFulfilment",
}
