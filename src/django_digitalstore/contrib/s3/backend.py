"""Delivery by a redirect to a link that the bucket itself checks: no byte passes through Django."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase

from django_digitalstore.entitlements.backends import (
    BaseDeliveryBackend,
    Delivery,
    FileMissing,
)

if TYPE_CHECKING:
    from .storage import S3PrivateStorage

__all__ = ["S3DeliveryBackend"]

SHORTEST, LONGEST = timedelta(seconds=60), timedelta(seconds=300)


class S3DeliveryBackend(BaseDeliveryBackend):
    """Redirects to the object in a private bucket, by a signed link that works for a short time.

    OPTIONS: ``link_age`` (seconds or a ``timedelta``, from 60 seconds to 300; 60 if not said). The
    link opens the file to whoever has it: a revocation is felt after that time at the latest. A
    download that has begun goes on.

    The file must lie in an ``S3PrivateStorage``. Nothing is asked of the bucket before the
    redirect, so a file that it lost is refused by the bucket, not by the shop.
    """

    known_options: ClassVar[frozenset[str]] = frozenset({"link_age"})
    supports_ranges: ClassVar[bool] = True

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        # Loaded here, so that the check names what is not installed.
        from . import storage  # noqa: F401

        self.link_age = _read_age(self.options.get("link_age", SHORTEST))

    def check(self) -> list[CheckMessage]:
        from .checks import check_delivery

        return list(check_delivery(self))

    def deliver(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        if not delivery.name:
            raise FileMissing(
                f"“{delivery.file_name}” has no file in the private storage. Upload it again."
            )
        url = _bucket_of(delivery).sign_download(
            delivery.name,
            content_disposition=delivery.content_disposition,
            content_type=delivery.content_type,
            age=self.link_age,
            method=request.method or "GET",
        )
        return HttpResponseRedirect(url)


def _read_age(value: object) -> timedelta:
    age = value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        age = timedelta(seconds=value)
    if not isinstance(age, timedelta) or not SHORTEST <= age <= LONGEST:
        raise ImproperlyConfigured(
            f"link_age is {value!r}. Write seconds from 60 to 300: less is too short for a slow "
            f"connection, and the link opens the file to whoever has it."
        )
    return age


def _bucket_of(delivery: Delivery) -> S3PrivateStorage:
    from .storage import S3PrivateStorage

    if not isinstance(delivery.storage, S3PrivateStorage):
        raise ImproperlyConfigured(
            f"S3DeliveryBackend delivers from S3PrivateStorage, and “{delivery.file_name}” lies in "
            f"{type(delivery.storage).__name__}. Name S3PrivateStorage in STORAGES, or another "
            f"backend in DIGITALSTORE_DELIVERY."
        )
    return delivery.storage
