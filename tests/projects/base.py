"""What all host projects share. The environment may name other servers than the embedded ones."""

import json
import os
import tempfile
from pathlib import Path

import dj_database_url
import django

BASE_DIR = Path(os.environ.get("DATA_DIR") or Path(tempfile.gettempdir()) / "digitalstore-tests")

SECRET_KEY = "only-for-tests-0123456789-0123456789-0123456789"
DEBUG = False
ALLOWED_HOSTS = ["*"]
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DJANGO_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).parent / "templates"],
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
DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL", "sqlite://:memory:"))}
if DATABASES["default"]["ENGINE"] == "django.db.backends.mysql":
    try:
        import MySQLdb  # noqa: F401
    except ImportError:
        # mysqlclient, which Django asks for, has to be compiled; PyMySQL has not.
        import pymysql

        pymysql.install_as_MySQLdb()
    # Not what a server has by itself: see docs/how-to/choose-a-database.md.
    DATABASES["default"]["OPTIONS"] |= {"charset": "utf8mb4", "isolation_level": "read committed"}
    DATABASES["default"]["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_nopad_bin"}
DATABASES["default"]["ATOMIC_REQUESTS"] = os.environ.get("ATOMIC_REQUESTS") == "1"
if "CACHE_URL" in os.environ:
    # Each worker has a database of its own: one would find, or flush, what another keeps.
    _worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 16
    CACHES = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": os.environ["CACHE_URL"].replace("db=0", f"db={_worker}"),
        }
    }
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "/accounts/login/"
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

DIGITALSTORE_STORE_APP = "shop"
DIGITALSTORE_TEST_MODE = True
DIGITALSTORE_SITE_URL = os.environ.get("SITE_URL", "http://testserver")
if "DELIVERY" in os.environ:
    DIGITALSTORE_DELIVERY = {"default": json.loads(os.environ["DELIVERY"])}
