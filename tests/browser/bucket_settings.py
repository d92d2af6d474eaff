"""The example, with the files that are sold in the bucket that the tests name."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from config.settings import *  # type: ignore[import-not-found]  # noqa: F403
from config.settings import (  # type: ignore[import-not-found]
    CONTENT_SECURITY_POLICY,
    INSTALLED_APPS,
    STORAGES,
)

_parts = urlsplit(os.environ["S3_URL"])
_endpoint = f"{_parts.scheme}://{_parts.hostname}:{_parts.port}"

INSTALLED_APPS = [*INSTALLED_APPS, "django_digitalstore.contrib.s3"]
STORAGES = {
    **STORAGES,
    "digitalstore": {
        "BACKEND": "django_digitalstore.contrib.s3.storage.S3PrivateStorage",
        "OPTIONS": {
            "bucket_name": _parts.path.strip("/"),
            "endpoint_url": _endpoint,
            "region_name": "us-east-1",
            "access_key": _parts.username,
            "secret_key": _parts.password,
        },
    },
}
CONTENT_SECURITY_POLICY["connect-src"] = ["'self'", _endpoint]
