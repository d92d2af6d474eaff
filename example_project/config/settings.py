"""Settings of the example shop: everything works with nothing else installed.

What differs between machines comes from the environment: ``SECRET_KEY``, ``DEBUG``, ``DATA_DIR``,
``SITE_URL``, ``ALLOWED_HOSTS``, ``DATABASE_URL``, ``CACHE_URL``, ``EMAIL_URL``, and the keys of the
social log-ins. ``config.production`` builds on this file and insists on what a real shop needs.
"""

from __future__ import annotations

from pathlib import Path

import dj_database_url
import django
from django.core.exceptions import ImproperlyConfigured

from .environment import flag, mail_settings, number, smtp_settings, text, words

BASE_DIR = Path(__file__).resolve().parent.parent
#: Where this copy of the shop keeps its database, files and mails.
DATA_DIR = Path(text("DATA_DIR") or BASE_DIR / ".data").resolve()
DATA_DIR.mkdir(parents=True, exist_ok=True)

# --- what this copy of the shop is ----------------------------------------------------------------

DEBUG = flag("DEBUG", default=True)
#: Play money, mails on a page instead of by post, files in a local folder. Read once, here.
DIGITALSTORE_TEST_MODE = flag("TEST_MODE", default=DEBUG)
DIGITALSTORE_STORE_APP = "shop"
# The address of runserver, by number: a browser keeps the log-in of localhost apart.
DIGITALSTORE_SITE_URL = text("SITE_URL") or (
    "http://127.0.0.1:8000" if DIGITALSTORE_TEST_MODE else None
)

#: What a paid line does, beside giving the product: it gives support.
DIGITALSTORE_FULFILMENTS = {
    "support": "django_digitalstore.support.fulfilments.SupportFulfilment",
}

SECRET_KEY = text("SECRET_KEY")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "config.settings – SECRET_KEY is missing while DEBUG is off – write "
            "SECRET_KEY=<50 random characters> into the environment."
        )
    SECRET_KEY = "only-for-the-demo-on-your-own-machine-0123456789"
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "localhost 127.0.0.1 [::1]")
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
ASGI_APPLICATION = "config.asgi.application"

# --- apps -----------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "django_digitalstore.core",
    "django_digitalstore.accounts",
    "django_digitalstore.catalog",
    "django_digitalstore.entitlements",
    "django_digitalstore.payments",
    "django_digitalstore.support",
    "django_digitalstore.contrib.analytics",
    "django_digitalstore.contrib.shorturls",
    "django_digitalstore.contrib.underconstruction",
    "shop",
    "demo",
    "mails",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_digitalstore.contrib.underconstruction.middleware.UnderConstructionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- data -----------------------------------------------------------------------------------------

DATABASES = {
    "default": dj_database_url.parse(
        text("DATABASE_URL") or f"sqlite:///{DATA_DIR / 'shop.sqlite3'}", conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers never wait for a writer, and writers wait for each other instead of failing.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if text("CACHE_URL"):
    CACHES["default"] = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": text("CACHE_URL"),
        # Seconds: without them a server that never answers would keep each page waiting.
        "OPTIONS": {"SOCKET_CONNECT_TIMEOUT": 1, "SOCKET_TIMEOUT": 1},
    }

# Short links are at /s/, where config.urls has them, and not below /store/ as well.
DIGITALSTORE_SHORTURLS_PREFIX = None

# What a closed shop leaves open beside what always is: the page that stands in for the post.
DIGITALSTORE_UNDERCONSTRUCTION_OPEN = ["mails"] if DIGITALSTORE_TEST_MODE else []

STORAGES = {
    # Covers: everybody may see them.
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    # What is sold: no URL leads here, only the download view gives it out.
    "digitalstore": {
        "BACKEND": "django_digitalstore.catalog.storage.PrivateFileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "files"},
    },
}
MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Without this, a shop that never ran collectstatic has no clothes on.
WHITENOISE_USE_FINDERS = DIGITALSTORE_TEST_MODE
WHITENOISE_AUTOREFRESH = DIGITALSTORE_TEST_MODE

# --- language and time ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = text("TIME_ZONE") or "UTC"
USE_I18N = True
USE_TZ = True

# --- who people are -------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "after_login"
LOGOUT_REDIRECT_URL = "shop:product_list"

ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_LOGOUT_REDIRECT_URL = LOGOUT_REDIRECT_URL
# By a code rather than a link: the buyer stays on the page, and so on the way to the product.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_VERIFICATION_BY_CODE_ENABLED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Quire: "
ACCOUNT_SESSION_REMEMBER = True
SOCIALACCOUNT_EMAIL_VERIFICATION = "mandatory"
# How many proxies of yours stand in front, so that limits count visitors and not the proxy.
ALLAUTH_TRUSTED_PROXY_COUNT = number("TRUSTED_PROXY_COUNT", 0)

#: A social log-in is offered where its two keys are given: GITHUB_CLIENT_ID, GITHUB_SECRET, …
SOCIALACCOUNT_PROVIDERS = {}
for _provider in ("github", "google"):
    _keys = [f"{_provider.upper()}_CLIENT_ID", f"{_provider.upper()}_SECRET"]
    _client_id, _secret = map(text, _keys)
    if bool(_client_id) != bool(_secret):
        raise ImproperlyConfigured(
            f"config.settings – only one of {_keys[0]} and {_keys[1]} is there – write both into "
            f"the environment, or neither."
        )
    if _client_id:
        INSTALLED_APPS.append(f"allauth.socialaccount.providers.{_provider}")
        SOCIALACCOUNT_PROVIDERS[_provider] = {
            "APPS": [{"client_id": _client_id, "secret": _secret}],
            # These two hand out addresses that they have verified.
            "VERIFIED_EMAIL": True,
        }

# --- mail -----------------------------------------------------------------------------------------

DEFAULT_FROM_EMAIL = text("DEFAULT_FROM_EMAIL") or "Quire <shop@example.com>"
SERVER_EMAIL = DEFAULT_FROM_EMAIL
#: Where the mails go that the page /mails/ shows.
MAILS_DIR = DATA_DIR / "mails"
if text("EMAIL_URL"):
    globals().update(smtp_settings(text("EMAIL_URL")))
elif DIGITALSTORE_TEST_MODE:
    globals().update(mail_settings("mails.backend.EmailBackend", {}, {}))

# --- what a browser may do ------------------------------------------------------------------------

X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "base-uri": ["'none'"],
    "frame-ancestors": ["'none'"],
    # No form-action: a browser applies it to where a form redirects to as well, and a checkout
    # leads to the provider.
}
if django.VERSION >= (6, 0):
    MIDDLEWARE.insert(1, "django.middleware.csp.ContentSecurityPolicyMiddleware")
    SECURE_CSP = CONTENT_SECURITY_POLICY

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": text("LOG_LEVEL") or "WARNING"},
}
