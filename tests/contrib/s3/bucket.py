"""The bucket of ``tests/servers.py --s3``, as a shop names it, and as strangers meet it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import urllib3

__all__ = ["BACKEND", "STORAGE", "Answer", "Bucket", "ask", "the_bucket"]

STORAGE = "django_digitalstore.contrib.s3.storage.S3PrivateStorage"
BACKEND = "django_digitalstore.contrib.s3.backend.S3DeliveryBackend"

_http = urllib3.PoolManager(retries=False, timeout=20)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The code of S3's error, like ``AccessDenied``."""
        return self.body.partition(b"<Code>")[2].partition(b"</Code>")[0].decode()


def ask(url: str, method: str = "GET", **how: Any) -> Answer:
    """Ask as anybody can: no credentials but what is in the URL, no redirect followed."""
    answer = _http.request(method, url, redirect=False, **how)
    return Answer(answer.status, answer.headers, answer.data)


@dataclass(frozen=True)
class Bucket:
    endpoint: str
    key: str
    secret: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.endpoint}/{self.name}"

    @property
    def options(self) -> dict[str, Any]:
        return {
            "bucket_name": self.name,
            "endpoint_url": self.endpoint,
            "region_name": "us-east-1",
            "access_key": self.key,
            "secret_key": self.secret,
        }

    def entry(self, **options: Any) -> dict[str, Any]:
        """An entry of ``STORAGES``."""
        return {"BACKEND": STORAGE, "OPTIONS": {**self.options, **options}}

    def storage(self, **options: Any) -> Any:
        from django_digitalstore.contrib.s3.storage import S3PrivateStorage

        return S3PrivateStorage(**{**self.options, **options})

    def set_policy(self, policy: dict[str, Any]) -> None:
        self.storage().client.put_bucket_policy(Bucket=self.name, Policy=json.dumps(policy))


def the_bucket() -> Bucket:
    parts = urlsplit(os.environ["S3_URL"])
    assert parts.username is not None
    assert parts.password is not None
    endpoint = f"{parts.scheme}://{parts.hostname}:{parts.port}"
    return Bucket(endpoint, parts.username, parts.password, parts.path.strip("/"))
