"""Direct uploads: what a storage offers so that a large file does not pass through Django.

A storage that has both methods of ``DirectUploadStorage`` gets uploads straight from the seller's
browser; every other storage gets them through the site's own form. What came in belongs to nobody
until ``read_upload()`` has shown that it is what was announced.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, cast, runtime_checkable

from django.core.files.storage import Storage

__all__ = ["DirectUploadStorage", "StoredObject", "UploadTicket", "direct_uploads"]


@dataclass(frozen=True, slots=True)
class UploadTicket:
    """A permission to put one file of one size at one place, for a few minutes.

    The browser posts ``fields`` and then the file, as ``multipart/form-data``, to ``url``: first
    all fields, and the file last, under the name ``file``. The ticket is a secret of the seller
    who asked for it: it is never logged, stored, or shown to anybody else.
    """

    url: str
    # A ticket in a traceback or a log line must not show what the fields sign.
    fields: Mapping[str, str] = field(repr=False)
    #: Aware. The upload must have begun by then.
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class StoredObject:
    """What lies in the storage, by the storage's own account, not the browser's."""

    #: Bytes.
    size: int
    #: Hex, in lower case; "" where neither the storage knows it nor the object was read for it.
    sha256: str
    #: Aware.
    modified_at: datetime


@runtime_checkable
class DirectUploadStorage(Protocol):
    """A storage to which a browser can upload by itself. Its ``delete()`` takes uploads away."""

    def start_upload(self, name: str, *, size: int, sha256: str) -> UploadTicket:
        """Return a ticket for the object ``name``, which the server chose and nobody uses yet.

        The storage refuses any other name, and any other size than ``size`` bytes; and, where
        ``sha256`` (hex) is not "", any other content. Signs only: no network.
        """
        ...

    def read_upload(self, name: str) -> StoredObject | None:
        """Return what lies under ``name``; None where nothing does (yet).

        Asks the storage, over the network, and reads the whole object where the storage does not
        know its SHA-256: call it in a job, not in a request, and never inside a transaction.
        Raises what the storage raises when it can't be reached.
        """
        ...


def direct_uploads(storage: Storage) -> DirectUploadStorage | None:
    """Return ``storage`` if browsers can upload to it by themselves, else None."""
    # Not isinstance(): the private storage is a lazy object, which has no class before its use.
    wanted = ("start_upload", "read_upload")
    if all(callable(getattr(storage, name, None)) for name in wanted):
        return cast("DirectUploadStorage", storage)
    return None
