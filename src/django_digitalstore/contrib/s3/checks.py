"""System checks of the bucket, of what is sent to it, and of delivery from it. No network.

The checks of the catalog and of delivery ask storage and backend, so they run wherever these are
named: nothing has to be installed for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

if TYPE_CHECKING:
    from .backend import S3DeliveryBackend
    from .storage import S3PrivateStorage

__all__ = ["check_delivery", "check_storage"]

_STORAGE = "django_digitalstore.contrib.s3.storage.S3PrivateStorage"
_BACKEND = "django_digitalstore.contrib.s3.backend.S3DeliveryBackend"
_STREAMING = "django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend"
_ENCRYPTIONS = ("AES256", "aws:kms", "aws:kms:dsse")
_OPEN_ACLS = ("public-read", "public-read-write", "authenticated-read")


def check_delivery(backend: S3DeliveryBackend) -> Iterator[CheckMessage]:
    """Check that what the backend delivers lies in a bucket."""
    from .storage import S3PrivateStorage

    alias = settings.DIGITALSTORE_STORAGE
    try:
        storage = storages[alias] if alias in settings.STORAGES else None
    except (ImportError, ImproperlyConfigured, TypeError):
        return  # the catalog's check names it
    if not isinstance(storage, S3PrivateStorage):
        found = "nothing" if storage is None else type(storage).__name__
        yield Error(
            f"DIGITALSTORE_DELIVERY[{backend.alias!r}] delivers from S3PrivateStorage, and "
            f"STORAGES[{alias!r}] has {found}.",
            hint=(
                f"Write STORAGES[{alias!r}] = {{'BACKEND': '{_STORAGE}', 'OPTIONS': "
                f"{{'bucket_name': '…'}}}}, or another BACKEND in DIGITALSTORE_DELIVERY."
            ),
            id="digitalstore.E521",
        )


def check_storage(storage: S3PrivateStorage) -> Iterator[CheckMessage]:
    """Check the OPTIONS of the private bucket, and what else the settings say of it."""
    where = f"STORAGES[{settings.DIGITALSTORE_STORAGE!r}]"
    yield from _check_bucket(storage, where)
    yield from _check_signing(storage, where)
    yield from _check_objects(storage, where)
    if storage.direct_uploads:
        yield from _check_uploads()
    yield from _check_streaming(where)


def _check_bucket(storage: S3PrivateStorage, where: str) -> Iterator[CheckMessage]:
    if not storage.bucket_name:
        yield Error(
            f"{where} names no bucket.",
            hint="Write 'bucket_name': '…' in its OPTIONS. AWS_STORAGE_BUCKET_NAME does not count: "
            "that is the bucket of the site's public files.",
            id="digitalstore.E522",
        )
        return
    for alias, other in _other_buckets(storage):
        said = f"{where} and STORAGES[{alias!r}] share the bucket {storage.bucket_name!r}"
        if _overlap(str(storage.location or ""), str(other.location or "")):
            yield Error(
                f"{said}, and one keeps its files among those of the other: who may list, read or "
                f"overwrite the ones gets at what is sold.",
                hint="Write another 'bucket_name' in its OPTIONS: a private bucket for what is "
                "sold alone.",
                id="digitalstore.E523",
            )
        else:
            yield CheckWarning(
                f"{said}: a policy for the ones may open the others.",
                hint="Write another 'bucket_name' in its OPTIONS, or see to it that the bucket's "
                f"policy opens nothing below {storage.location!r}.",
                id="digitalstore.W523",
            )


def _other_buckets(storage: S3PrivateStorage) -> Iterator[tuple[str, Any]]:
    """Return the other storages of the site that keep their files in the same bucket."""
    from storages.backends.s3 import S3Storage

    for alias in settings.STORAGES:
        if alias == settings.DIGITALSTORE_STORAGE:
            continue
        try:
            other = storages[alias]
        except (ImportError, ImproperlyConfigured, TypeError):
            continue  # not ours to name
        if isinstance(other, S3Storage) and (other.bucket_name, other.endpoint_url) == (
            storage.bucket_name,
            storage.endpoint_url,
        ):
            yield alias, other


def _overlap(one: str, other: str) -> bool:
    folders = sorted((f"{one.strip('/')}/".lstrip("/"), f"{other.strip('/')}/".lstrip("/")))
    return folders[1].startswith(folders[0])


def _check_signing(storage: S3PrivateStorage, where: str) -> Iterator[CheckMessage]:
    version = storage.client_config.signature_version
    if version != "s3v4":
        yield Error(
            f"{where} signs its links as {version!r}: their headers, or anything at all, could be "
            f"altered.",
            hint="Write 'signature_version': 's3v4' in its OPTIONS, or leave it out.",
            id="digitalstore.E524",
        )
    if not storage.endpoint_url and not storage.bucket_region:
        yield Error(
            f"{where} has no region: links to a bucket outside of us-east-1 would be refused.",
            hint="Write 'region_name': 'eu-central-1', or where your bucket is, in its OPTIONS.",
            id="digitalstore.E528",
        )
    if str(storage.endpoint_url or "").startswith("http:") and not settings.DIGITALSTORE_TEST_MODE:
        yield CheckWarning(
            f"{where} has the endpoint {storage.endpoint_url!r}, without HTTPS: links and files "
            f"travel in the open.",
            hint="Write an 'endpoint_url' that begins with https://.",
            id="digitalstore.W522",
        )


def _check_objects(storage: S3PrivateStorage, where: str) -> Iterator[CheckMessage]:
    encryption, key = storage.server_side_encryption, storage.kms_key_id
    if encryption and encryption not in _ENCRYPTIONS:
        yield Error(
            f"{where} has server_side_encryption={encryption!r}, which S3 does not know.",
            hint=f"Write one of {', '.join(map(repr, _ENCRYPTIONS))}.",
            id="digitalstore.E525",
        )
    elif key and not str(encryption or "").startswith("aws:kms"):
        yield Error(
            f"{where} has a kms_key_id, and server_side_encryption={encryption!r}, which uses no "
            f"key of yours.",
            hint="Write 'server_side_encryption': 'aws:kms' in its OPTIONS.",
            id="digitalstore.E525",
        )
    if storage.gzip:
        yield Error(
            f"{where} has gzip=True: buyers would get other bytes than were uploaded.",
            hint="Leave 'gzip' out of its OPTIONS.",
            id="digitalstore.E526",
        )
    if storage.file_overwrite:
        yield Error(
            f"{where} has file_overwrite=True: a second file of one name would replace the first, "
            f"which owners have paid for.",
            hint="Leave 'file_overwrite' out of its OPTIONS.",
            id="digitalstore.E526",
        )
    for name, acl in (
        ("default_acl", storage.default_acl),
        ("object_parameters['ACL']", storage.object_parameters.get("ACL")),
    ):
        # Every other public default_acl is the catalog's E104, of whatever storage.
        if acl in _OPEN_ACLS and (name, acl[:6]) != ("default_acl", "public"):
            yield Error(
                f"{where} has {name}={acl!r}: every object can be read without a link.",
                hint="Leave it out of its OPTIONS: objects of a private bucket are private.",
                id="digitalstore.E527",
            )


def _check_uploads() -> Iterator[CheckMessage]:
    from .storage import LARGEST_UPLOAD

    largest = settings.DIGITALSTORE_UPLOAD_MAX_BYTES
    if largest is not None and largest > LARGEST_UPLOAD:
        yield Error(
            f"DIGITALSTORE_UPLOAD_MAX_BYTES is {largest}, and S3 takes no more than "
            f"{LARGEST_UPLOAD} bytes in one upload.",
            hint=f"Write DIGITALSTORE_UPLOAD_MAX_BYTES = {LARGEST_UPLOAD}, or less.",
            id="digitalstore.E529",
        )


def _check_streaming(where: str) -> Iterator[CheckMessage]:
    if not apps.is_installed("django_digitalstore.entitlements"):
        return
    entry = settings.DIGITALSTORE_DELIVERY.get("default", {})
    if entry.get("BACKEND") == _STREAMING:
        yield CheckWarning(
            f"{where} is a bucket, and DIGITALSTORE_DELIVERY streams from it: each file travels "
            f"to this server first, whole, and from here to the buyer.",
            hint=f"Write DIGITALSTORE_DELIVERY = {{'default': {{'BACKEND': '{_BACKEND}'}}}}.",
            id="digitalstore.W521",
        )
