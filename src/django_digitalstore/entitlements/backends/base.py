"""What every delivery backend is given, must answer, and cannot forget."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import ClassVar, final

from django.core.files.storage import Storage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, http_date

from django_digitalstore.catalog.validators import clean_file_name
from django_digitalstore.core.backends import BaseBackend
from django_digitalstore.core.exceptions import DigitalStoreError

from .ranges import continues

__all__ = ["BaseDeliveryBackend", "Delivery", "FileMissing"]


class FileMissing(DigitalStoreError):
    """The storage does not have the file. The view answers 404 and logs the outcome *missing*."""

    @classmethod
    def of(cls, delivery: Delivery) -> FileMissing:
        """Return the error that names the object which the storage lacks, for the site's log."""
        return cls(
            f"The private storage has no file {delivery.name!r} for “{delivery.file_name}”. "
            f"Upload it again, or restore the storage from its backup."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A file that goes to somebody who may have it. Nothing in it comes from a request.

    ``name`` is the object's name in ``storage``, chosen by the server; ``file_name`` is what the
    owner sees. ``size`` (bytes) and ``sha256`` (hex) are what was recorded when the file came in:
    0 and "" where nothing was. ``modified_at`` is when the file came in, aware.
    """

    storage: Storage
    name: str
    file_name: str
    size: int = 0
    sha256: str = ""
    version: str = ""
    modified_at: datetime | None = None
    #: Never the file's own type: a browser must save it, not run it.
    content_type: str = "application/octet-stream"

    @property
    def etag(self) -> str:
        """Return a strong ETag, quoted, from the content's SHA-256; "" where that is not known."""
        return f'"{self.sha256}"' if self.sha256 else ""

    def validators(self, size: int) -> dict[str, str]:
        """Return the headers that name these very bytes, of a file that holds ``size`` of them.

        None for a file that changed behind the database's back: it is not what its checksum and
        its time say, and a part of it must not be put behind a part of what it was.
        """
        if (self.size or self.sha256) and size != self.size:
            return {}
        found = {"ETag": self.etag} if self.etag else {}
        if self.modified_at is not None:
            found["Last-Modified"] = http_date(self.modified_at.timestamp())
        return found

    @property
    def content_disposition(self) -> str:
        """Return the header that saves the file under its shown name, in any script (RFC 6266).

        Folders and invisible characters are left out again, whatever the database holds. A backend
        whose bytes come from another server signs or sends this very value.
        """
        return str(content_disposition_header(True, clean_file_name(self.file_name) or "file"))


class BaseDeliveryBackend(BaseBackend):
    """A way for bytes to reach an owner. Name a subclass in ``DIGITALSTORE_DELIVERY``.

    The view has asked for access, release and link before; a backend only delivers. It implements
    ``deliver()`` and sets there what is its own: status, length, validators, the redirect or the
    server's internal header. What all deliveries share is set by ``respond()``.
    """

    #: True where a request for a part (``Range``) is answered with that part, by this backend or
    #: by the server that it hands over to. Then later parts are not counted as downloads.
    supports_ranges: ClassVar[bool] = False
    #: Headers of every delivery. The last ones keep a file that a browser opens after all from
    #: running scripts, from being embedded by other sites, and its address from travelling on.
    common_headers: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "Cache-Control": "private, no-store",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
    )

    @abstractmethod
    def deliver(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        """Return the answer to a GET or HEAD for ``delivery``.

        May open the file or sign a URL, which never enters a page, a log or a message. Reads only
        method and range headers of the request; for HEAD the body stays empty and no file stays
        open. Raises ``FileMissing`` where the storage is known not to have the file.
        """
        raise NotImplementedError(
            f"{type(self).__name__} must implement deliver(request, delivery)."
        )

    @final
    def respond(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        """Deliver, and set the headers that every delivery has. Views call this."""
        response = self.deliver(request, delivery)
        for header, value in self.common_headers.items():
            response.headers[header] = value
        if response.status_code < 300:
            response.headers["Content-Type"] = delivery.content_type
            response.headers["Content-Disposition"] = delivery.content_disposition
        return response

    def starts_download(self, request: HttpRequest) -> bool:
        """Tell whether ``request`` counts: a HEAD never does, nor a part from the middle.

        What is no range, or several, is answered with the whole file, and so counts.
        """
        if request.method != "GET":
            return False
        return not (self.supports_ranges and continues(request.headers.get("Range", "")))
