"""Where the sold files lie: an alias of Django's ``STORAGES`` that has no public URL.

Migrations name ``private_storage`` and ``asset_path`` of this module: neither ever moves.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.utils.functional import LazyObject, empty

__all__ = ["INCOMING", "SOLD", "PrivateFileSystemStorage", "asset_path", "private_storage"]

#: Folder of the files that are sold, in the private storage.
SOLD = "assets"
#: Folder of uploads that are under way, where the storage is a local folder.
INCOMING = "incoming"


class PrivateFileSystemStorage(FileSystemStorage):
    """Files in a local folder that no URL points at.

    ``FileSystemStorage`` would fall back to ``MEDIA_URL`` and, without a ``location``, to
    ``MEDIA_ROOT``; this one has no URL, and falls back to ``BASE_DIR/digitalstore-files``.
    """

    def __init__(self, location: Any = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(location or default_folder(), *args, **kwargs)

    def url(self, name: str | None) -> NoReturn:
        """Raise ``ValueError``: sold files leave only through the download view."""
        raise ValueError(
            "PrivateFileSystemStorage has no URLs. Give the file to its owner through the "
            "download view (django_digitalstore.entitlements.views.GenericDownloadView)."
        )


def default_folder() -> Path:
    """Return the private folder where none is named: ``BASE_DIR/digitalstore-files``."""
    return Path(getattr(settings, "BASE_DIR", Path.cwd())) / "digitalstore-files"


class PrivateStorage(LazyObject):
    """The storage named by ``DIGITALSTORE_STORAGE``, looked up at its first use."""

    def _setup(self) -> None:
        alias = settings.DIGITALSTORE_STORAGE
        if alias in settings.STORAGES:
            self._wrapped: Storage = storages[alias]
        elif settings.DIGITALSTORE_TEST_MODE:
            self._wrapped = PrivateFileSystemStorage()
        else:
            raise ImproperlyConfigured(
                f"DIGITALSTORE_STORAGE names {alias!r}, which STORAGES does not have. Write "
                f"STORAGES[{alias!r}] = {{'BACKEND': "
                f"'django_digitalstore.catalog.storage.PrivateFileSystemStorage', "
                f"'OPTIONS': {{'location': '/a/private/folder'}}}}, or "
                f"DIGITALSTORE_TEST_MODE = DEBUG while you develop."
            )

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        # FileField asks at import time whether it is a storage; the answer must not need settings.
        # Whoever asks later wants to know which one it is: a delivery backend, for one.
        if self.__dict__.get("_wrapped", empty) is empty and apps.ready:
            # What is wrong is named by the check, and by the first use.
            with suppress(ImproperlyConfigured, ImportError):
                self._setup()
        wrapped = self.__dict__.get("_wrapped", empty)
        return Storage if wrapped is empty else type(wrapped)


_private_storage = PrivateStorage()


@receiver(setting_changed)
def _forget_storage(*, setting: str, **kwargs: Any) -> None:
    if setting in {"STORAGES", "DIGITALSTORE_STORAGE", "DIGITALSTORE_TEST_MODE", "BASE_DIR"}:
        _private_storage._wrapped = empty  # type: ignore[assignment]


def private_storage() -> Storage:
    """Return the private storage. Nothing is opened before its first use."""
    return _private_storage  # type: ignore[return-value]


def asset_path(instance: Any, filename: str) -> str:
    """Choose the stored name: random, so that nothing of it comes from a request.

    The extension is kept, in lower case, for people who look into the folder.
    """
    extension = "".join(c for c in PurePosixPath(filename).suffix.lower() if c.isalnum())[:10]
    name = uuid.uuid4().hex
    return f"{SOLD}/{name[:2]}/{name}{'.' + extension if extension else ''}"
