"""Fixtures of the catalog's tests: its pages under the host project's namespace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse


@pytest.fixture
def url() -> Callable[..., str]:
    """``url("product_detail", "a-book")`` in the store's namespace."""

    def of(name: str, *args: Any) -> str:
        args = tuple(arg for arg in args if arg is not None)
        return reverse(f"{settings.DIGITALSTORE_STORE_APP}:{name}", args=args)

    return of


@pytest.fixture
def as_seller(client_of: Callable[[Any], Client], seller: Any) -> Client:
    return client_of(seller)


@pytest.fixture
def files(settings: Any, tmp_path: Path) -> Path:
    """A private storage of the test's own; its folder."""
    return _store(
        settings, tmp_path, "django_digitalstore.catalog.storage.PrivateFileSystemStorage"
    )


@pytest.fixture
def bucket(settings: Any, tmp_path: Path) -> Path:
    """A private storage that takes uploads from browsers; its folder."""
    return _store(settings, tmp_path, "tests.catalog.direct_storage.DirectStorage")


def _store(settings: Any, scratch: Path, backend: str) -> Path:
    folder = scratch / "files"
    folder.mkdir()
    settings.STORAGES = {
        **settings.STORAGES,
        settings.DIGITALSTORE_STORAGE: {"BACKEND": backend, "OPTIONS": {"location": str(folder)}},
    }
    return folder
