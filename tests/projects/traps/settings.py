"""A host with everything that trips a package up, at once.

Pages under ``i18n_patterns``, all behind a log-in, HTTPS forced behind a proxy, a content security
policy that allows nothing inline, a second database with a router, a user model with a manager of
its own. The small tests of this project say what each of them could break.
"""

# ruff: noqa: F403, F405
from tests.projects.base import *

ROOT_URLCONF = "tests.projects.traps.urls"
INSTALLED_APPS = [
    *DJANGO_APPS,
    "tests.projects.custom_user.people",
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "django_digitalstore.support",
    "tests.projects.traps.shop",
]
AUTH_USER_MODEL = "people.Person"  # picky manager: no username, and people who left are hidden

LANGUAGES = [("en", "English"), ("de", "Deutsch")]
MIDDLEWARE = [
    "tests.projects.traps.middleware.proxy",
    "tests.projects.traps.middleware.strict_content_security_policy",
    *MIDDLEWARE,
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]
MIDDLEWARE.insert(
    MIDDLEWARE.index("django.middleware.common.CommonMiddleware"),
    "django.middleware.locale.LocaleMiddleware",
)
CSRF_FAILURE_VIEW = "tests.projects.traps.middleware.forbidden"
APPEND_SLASH = True
SECURE_SSL_REDIRECT = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

DATABASES["legacy"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
DATABASE_ROUTERS = ["tests.projects.traps.routers.LegacyRouter"]

LOGIN_REDIRECT_URL = "shop:library"
LOGOUT_REDIRECT_URL = "shop:product_list"
DIGITALSTORE_FULFILMENTS = {
    "support": "django_digitalstore.support.fulfilments.SupportFulfilment",
}
