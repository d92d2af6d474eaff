"""Which storages take uploads straight from a browser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.files.storage import InMemoryStorage, Storage
from django.test import override_settings

from django_digitalstore.catalog.storage import PrivateStorage
from django_digitalstore.catalog.upload_handler import MeasuredFile
from django_digitalstore.catalog.uploads import (
    DirectUploadStorage,
    StoredObject,
    UploadTicket,
    direct_uploads,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Bucket(InMemoryStorage):
    def start_upload(self, name: str, *, size: int, sha256: str) -> UploadTicket:
        return UploadTicket("https://bucket.example/", {"key": name, "policy": "secret"}, NOW)

    def read_upload(self, name: str) -> StoredObject | None:
        return None


class HalfABucket(InMemoryStorage):
    def start_upload(self, name: str, *, size: int, sha256: str) -> UploadTicket:
        raise AssertionError("nobody asks")


class Elsewhere(Storage):
    """Keeps nothing on this machine, so it has no paths."""


def test_a_storage_with_both_methods_takes_direct_uploads() -> None:
    bucket = Bucket()
    assert direct_uploads(bucket) is bucket
    assert isinstance(bucket, DirectUploadStorage)


def test_every_other_storage_does_not() -> None:
    assert direct_uploads(InMemoryStorage()) is None
    assert direct_uploads(HalfABucket()) is None


def test_the_private_storage_is_asked_whatever_it_stands_for() -> None:
    bucket = {"digitalstore": {"BACKEND": f"{__name__}.Bucket"}}
    with override_settings(STORAGES=bucket):
        assert direct_uploads(PrivateStorage()) is not None  # type: ignore[arg-type]
    local = {"digitalstore": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    with override_settings(STORAGES=local):
        assert direct_uploads(PrivateStorage()) is None  # type: ignore[arg-type]


def test_an_upload_for_a_storage_elsewhere_waits_where_the_settings_say(
    settings: Any, tmp_path: Path
) -> None:
    """A small disk for /tmp must not be filled by what the site has room for elsewhere."""
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    settings.STORAGES = {
        **settings.STORAGES,
        settings.DIGITALSTORE_STORAGE: {"BACKEND": f"{__name__}.Elsewhere"},
    }
    with MeasuredFile("a.zip", "application/zip", None, None) as upload:
        assert Path(upload.temporary_file_path()).parent == tmp_path


def test_what_a_ticket_signs_is_not_in_its_text() -> None:
    ticket = Bucket().start_upload("x", size=1, sha256="")
    assert "secret" not in repr(ticket)
