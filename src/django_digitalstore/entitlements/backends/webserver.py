"""Files on disk, and what the backends share that let the web server send them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.core.files.storage import FileSystemStorage, Storage
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from django_digitalstore.catalog.storage import private_storage

from .base import BaseDeliveryBackend, Delivery, FileMissing

__all__ = ["FileOnDisk", "WebServerDeliveryBackend", "file_on_disk"]


@dataclass(frozen=True, slots=True)
class FileOnDisk:
    """A file below the folder of its storage. Both paths are absolute, with links resolved."""

    root: Path
    path: Path


def file_on_disk(delivery: Delivery) -> FileOnDisk | None:
    """Return where the file of ``delivery`` lies; None where its storage is no local folder.

    Asks the file system. Raises ``FileMissing`` for what is not there, is no plain file, or lies,
    links resolved, outside of the storage's folder: a link in it must not give out what is beside.
    """
    storage = delivery.storage
    if not _is_folder(storage):
        return None
    if not delivery.name:
        raise FileMissing.of(delivery)
    try:
        root = Path(storage.path("")).resolve()
        path = Path(storage.path(delivery.name)).resolve(strict=True)
        found = path.is_relative_to(root) and path.is_file()
    except PermissionError:
        raise  # the file may be there: its owner has to look, not to upload it again
    except (OSError, RuntimeError, ValueError, SuspiciousFileOperation) as error:
        # Also a circle of links, a NUL, a name longer than the system takes.
        raise FileMissing.of(delivery) from error
    if not found:
        raise FileMissing.of(delivery)
    return FileOnDisk(root, path)


def _is_folder(storage: Storage) -> bool:
    # A lazy storage does not say what it is before it was asked for something.
    getattr(storage, "location", None)
    return isinstance(storage, FileSystemStorage)


class WebServerDeliveryBackend(BaseDeliveryBackend):
    """Base of the backends that name a file on disk to the web server, which sends it.

    The process of the site is free again at once. Needs a storage that is a local folder, which the
    web server can read. Nothing of the header comes from the request.
    """

    supports_ranges = True
    #: The header that the web server looks for.
    header: ClassVar[str]

    @abstractmethod
    def header_value(self, file: FileOnDisk) -> str:
        """Return what ``header`` says of ``file``, in the way that the web server reads it.

        Raises ``ValueError`` for a path that the header cannot say.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement header_value(file).")

    def deliver(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        """Return an empty answer whose header names the file. Also for HEAD, and for parts."""
        file = file_on_disk(delivery)
        if file is None:
            raise ImproperlyConfigured(f"{self._misplaced(delivery.storage)} {_HINT}")
        try:
            value = self.header_value(file)
        except ValueError as error:
            raise FileMissing.of(delivery) from error
        response = HttpResponse()
        response.headers[self.header] = value
        for header, text in self.further_headers(delivery, file).items():
            response.headers[header] = text
        return response

    def further_headers(self, delivery: Delivery, file: FileOnDisk) -> dict[str, str]:
        """Return what the web server does not say by itself of the file. Hook: by default nothing.

        May ask the file system.
        """
        return {}

    def check(self) -> list[CheckMessage]:
        """Report a storage whose files are not on this machine's disk (E203)."""
        storage = private_storage()
        try:
            if _is_folder(storage):
                return []
            message = self._misplaced(storage)
        except (ImportError, ImproperlyConfigured, TypeError):
            return []  # the check of the storage has named it
        return [Error(message, hint=_HINT, id="digitalstore.E203")]

    def _misplaced(self, storage: Storage) -> str:
        return (
            f"DIGITALSTORE_DELIVERY[{self.alias!r}] names files on disk to the web server "
            f"({self.header}), and {storage.__class__.__name__} keeps what is sold elsewhere."
        )


_HINT = (
    "Write a BACKEND that fits the storage (StreamingDeliveryBackend fits all), or a storage "
    "derived from PrivateFileSystemStorage."
)
