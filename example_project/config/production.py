"""Settings for a shop that takes real money: PostgreSQL, Redis, S3, a payment provider, HTTPS.

Everything comes from the environment; what is missing is named all at once. Packages beside the
suite: ``pip install "django-digitalstore[example,redis,s3,dodo]" "psycopg[binary]"``.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from .environment import MissingVariables, flag, json_object, number, text

for _name in ("DEBUG", "TEST_MODE"):
    if flag(_name, default=False):
        raise ImproperlyConfigured(
            f"config.production – {_name} is on, which is for your own machine – remove {_name} "
            f"from the environment, or use DJANGO_SETTINGS_MODULE=config.settings."
        )

_variables = MissingVariables("config.production")
_variables.need("SECRET_KEY", "<50 random characters, the same on every machine>")
_site = _variables.need("SITE_URL", "https://shop.example.com")
_variables.need("ALLOWED_HOSTS", urlsplit(_site).hostname or "shop.example.com")
_variables.need("DATABASE_URL", "postgres://user:password@host:5432/shop")
_variables.need("CACHE_URL", "redis://host:6379/0")
_bucket = _variables.need("S3_BUCKET", "<private bucket, for the files that are sold>")
_media_bucket = _variables.need("S3_MEDIA_BUCKET", "<public bucket, for the covers>")
_endpoint = text("S3_ENDPOINT_URL").rstrip("/")
# Another server than Amazon's is found by its address.
_region = text("S3_REGION") if _endpoint else _variables.need("S3_REGION", "eu-central-1")
_variables.need("EMAIL_URL", "smtp://user:password@mail.example.com:587/")
_variables.need("DEFAULT_FROM_EMAIL", "'Your Shop <shop@example.com>'")
_backend = text("PAYMENTS_BACKEND")
_dodo = {}
if not _backend:
    # Another provider is named by PAYMENTS_BACKEND and PAYMENTS_OPTIONS; then these are not needed.
    _dodo = {
        "ENVIRONMENT": "live_mode",
        "API_KEY": _variables.need("DODO_API_KEY", "<key of your Dodo Payments account>"),
        "WEBHOOK_SECRET": _variables.need("DODO_WEBHOOK_SECRET", "whsec_<of its webhook>"),
        "BUSINESS_ID": text("DODO_BUSINESS_ID"),
    }
_variables.stop()

# Said before Django says it in its own way, one after the other.
_packages = {
    "psycopg": "psycopg[binary]",
    "django_redis": "django-digitalstore[redis]",
    "storages": "django-digitalstore[s3]",
    "boto3": "django-digitalstore[s3]",
}
if not _backend:
    _packages["dodopayments"] = "django-digitalstore[dodo]"
_absent = [package for name, package in _packages.items() if find_spec(name) is None]
if _absent:
    _list = " ".join(f"'{package}'" for package in dict.fromkeys(_absent))
    raise ImproperlyConfigured(
        f"config.production – packages are missing – write: pip install {_list}"
    )

os.environ["DEBUG"] = "0"  # for the settings below, which a developer's machine begins with

from .settings import *  # noqa: E402, F403
from .settings import DATABASES, STORAGES  # noqa: E402

if not _site.startswith("https://"):
    raise ImproperlyConfigured(
        f"config.production – SITE_URL is {_site!r}, without HTTPS – write "
        f"SITE_URL=https://shop.example.com."
    )
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "config.production – DATABASE_URL is not one of PostgreSQL – write "
        "DATABASE_URL=postgres://user:password@host:5432/shop."
    )
DATABASES["default"]["CONN_MAX_AGE"] = number("CONN_MAX_AGE", 60)

# --- money ----------------------------------------------------------------------------------------

DIGITALSTORE_PAYMENTS = {
    "default": {
        "BACKEND": _backend or "django_digitalstore.contrib.dodopayments.DodoPaymentsBackend",
        "OPTIONS": json_object("PAYMENTS_OPTIONS") if _backend else _dodo,
    }
}

# --- files ----------------------------------------------------------------------------------------

# Credentials come the way boto3 finds them: variables AWS_…, a profile, the machine's role.
_s3 = {"endpoint_url": _endpoint or None, "region_name": _region or None}
STORAGES |= {
    "default": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            **_s3,
            "bucket_name": _media_bucket,
            "file_overwrite": False,
            "querystring_auth": False,
            "signature_version": "s3v4",
        },
    },
    "digitalstore": {
        "BACKEND": "django_digitalstore.contrib.s3.storage.S3PrivateStorage",
        "OPTIONS": {
            **_s3,
            "bucket_name": _bucket,
            "server_side_encryption": text("S3_ENCRYPTION") or None,
            "kms_key_id": text("S3_KMS_KEY_ID") or None,
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DIGITALSTORE_DELIVERY = {
    "default": {
        "BACKEND": "django_digitalstore.contrib.s3.backend.S3DeliveryBackend",
        "OPTIONS": {"link_age": number("S3_LINK_AGE", 60)},
    }
}
# Covers come from the public bucket, and sellers' browsers upload to the private one: both must be
# allowed to.
_media_origin = text("S3_MEDIA_ORIGIN") or _endpoint or f"https://{_media_bucket}.s3.amazonaws.com"
_origin = _endpoint or f"https://{_bucket}.s3.{_region}.amazonaws.com"
CONTENT_SECURITY_POLICY["img-src"].append(_media_origin.rstrip("/"))  # noqa: F405
CONTENT_SECURITY_POLICY["connect-src"].append(_origin)  # noqa: F405

# --- HTTPS ----------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=True)
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
CSRF_TRUSTED_ORIGINS = [_site.rstrip("/")]
SECURE_HSTS_SECONDS = number("SECURE_HSTS_SECONDS", 31_536_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = flag("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=True)
SECURE_HSTS_PRELOAD = flag("SECURE_HSTS_PRELOAD", default=True)
if flag("BEHIND_HTTPS_PROXY", default=False):
    # Only where your proxy sets this header itself and removes it from what visitors send:
    # otherwise anybody may pretend to come by HTTPS.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
