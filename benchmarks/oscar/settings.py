"""A shop of django-oscar as its documentation sets one up, and nothing besides."""

# ruff: noqa: F403
import os
import tempfile
from pathlib import Path

import dj_database_url
import oscar
from oscar.defaults import *

SECRET_KEY = "only-for-benchmarks"
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
MEDIA_ROOT = os.environ.get("BENCH_DIR") or tempfile.mkdtemp(prefix="digitalstore-bench-")
ROOT_URLCONF = "benchmarks.oscar.urls"
SITE_ID = 1
INSTALLED_APPS = oscar.INSTALLED_APPS
#: What every site has: the floors run under nothing else.
PLAIN_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = [
    *PLAIN_MIDDLEWARE,
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
_PLAIN_PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]
_OSCAR_PROCESSORS = [
    "oscar.apps.search.context_processors.search_form",
    "oscar.apps.checkout.context_processors.checkout",
    "oscar.apps.communication.notifications.context_processors.notifications",
    "oscar.core.context_processors.metadata",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": [*_PLAIN_PROCESSORS, *_OSCAR_PROCESSORS]},
    },
    {
        "NAME": "floor",
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {"context_processors": _PLAIN_PROCESSORS},
    },
]
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL", "sqlite://:memory:"))}
DATABASES["default"]["CONN_MAX_AGE"] = None
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "benchmarks.oscar.search.Engine"}}
# Nobody is measured at the resizing of pictures.
OSCAR_THUMBNAILER = "benchmarks.oscar.thumbnails.AsItIs"
LOGGING = {"version": 1, "disable_existing_loggers": True, "root": {"level": "CRITICAL"}}
