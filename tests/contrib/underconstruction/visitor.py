"""A process of the site: asks for a page again and again, and prints when the answer changes.

Run with settings and a database in the environment, and how many seconds it stays.
"""

from __future__ import annotations

import os
import sys
import time

import django
from django.conf import settings

MIDDLEWARE = "django_digitalstore.contrib.underconstruction.middleware.UnderConstructionMiddleware"


def main(seconds: float) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
    settings.ROOT_URLCONF = "tests.contrib.underconstruction.urls"
    settings.LOGGING_CONFIG = None
    if url := os.environ.get("VISITOR_CACHE_URL"):
        settings.CACHES = {"default": {"BACKEND": "django_redis.cache.RedisCache", "LOCATION": url}}
    django.setup()
    from django.test import Client

    client, before, until = Client(), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        status = client.get("/plain/").status_code
        if status != before:
            print(time.time(), status, flush=True)
            before = status
        time.sleep(0.02)


if __name__ == "__main__":
    main(float(sys.argv[1]))
