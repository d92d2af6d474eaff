"""The embedded default: the process that asks for access sends the bytes itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import http_date

from .base import BaseDeliveryBackend, Delivery, FileMissing

__all__ = ["StreamingDeliveryBackend"]

BLOCK = 256 * 1024  # bytes


class _Blocks:
    """The file in blocks, for WSGI. The response closes it."""

    def __init__(self, file: File) -> None:
        self._file = file

    def __iter__(self) -> Iterator[bytes]:
        while block := self._file.read(BLOCK):
            yield block

    def close(self) -> None:
        self._file.close()


class _AsyncBlocks:
    """The file in blocks, for ASGI: read in a thread, so that the event loop stays free."""

    def __init__(self, file: File) -> None:
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = sync_to_async(self._file.read, thread_sensitive=False)
        while block := await read(BLOCK):
            yield block

    def close(self) -> None:
        self._file.close()


class StreamingDeliveryBackend(BaseDeliveryBackend):
    """Streams the file from its storage, whatever that is, in blocks of 256 KiB."""

    def deliver(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        response: HttpResponseBase
        if request.method == "HEAD":
            size = self._size(delivery)
            response = HttpResponse()
        else:
            file = self._open(delivery)
            try:
                size = file.size
                blocks = _AsyncBlocks(file) if isinstance(request, ASGIRequest) else _Blocks(file)
                response = StreamingHttpResponse(blocks)
            except BaseException:
                file.close()
                raise
        response.headers["Content-Length"] = str(size)
        response.headers["Accept-Ranges"] = "none"
        if delivery.etag and size == delivery.size:
            # A file that changed behind the database's back is not what its checksum says.
            response.headers["ETag"] = delivery.etag
        if delivery.modified_at is not None:
            response.headers["Last-Modified"] = http_date(delivery.modified_at.timestamp())
        return response

    @staticmethod
    def _open(delivery: Delivery) -> File:
        if not delivery.name:
            raise _missing(delivery)
        try:
            return delivery.storage.open(delivery.name, "rb")
        except (FileNotFoundError, IsADirectoryError, SuspiciousFileOperation) as error:
            raise _missing(delivery) from error

    @staticmethod
    def _size(delivery: Delivery) -> int:
        if not delivery.name:
            raise _missing(delivery)
        try:
            if not delivery.storage.exists(delivery.name):
                raise _missing(delivery)
            return delivery.storage.size(delivery.name)
        except (FileNotFoundError, SuspiciousFileOperation) as error:
            raise _missing(delivery) from error


def _missing(delivery: Delivery) -> FileMissing:
    return FileMissing(
        f"The private storage has no file {delivery.name!r} for “{delivery.file_name}”. "
        f"Upload it again, or restore the storage from its backup."
    )
