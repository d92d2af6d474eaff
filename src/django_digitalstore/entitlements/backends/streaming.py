"""The embedded default: the process that asks for access sends the bytes itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import File
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from .base import BaseDeliveryBackend, Delivery, FileMissing
from .ranges import Part, PartNotThere, names_this_file, read_part
from .webserver import file_on_disk

__all__ = ["StreamingDeliveryBackend"]

BLOCK = 256 * 1024  # bytes


class _Blocks:
    """``length`` bytes of the file from where it stands, in blocks. The response closes it."""

    def __init__(self, file: File, length: int) -> None:
        self._file = file
        self._left = length

    def close(self) -> None:
        self._file.close()

    def _next(self) -> bytes:
        block: bytes = self._file.read(min(BLOCK, self._left))
        self._left -= len(block)
        return block


class _SyncBlocks(_Blocks):
    """For WSGI."""

    def __iter__(self) -> Iterator[bytes]:
        while block := self._next():
            yield block


class _AsyncBlocks(_Blocks):
    """For ASGI: read in a thread, so that the event loop stays free."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = sync_to_async(self._next, thread_sensitive=False)
        while block := await read():
            yield block


class StreamingDeliveryBackend(BaseDeliveryBackend):
    """Streams the file from its storage, whatever that is, in blocks of 256 KiB.

    Answers ``Range`` where the storage's files can be read from any position: one part (206), or
    416 where the file ends before it. Several parts, and what is no range, get the whole file. The
    process is busy until the last byte is sent; web servers and buckets spare it that.
    """

    supports_ranges = True

    def deliver(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        if request.method == "HEAD":
            size = self._size(delivery)
            response: HttpResponseBase = HttpResponse()
            response.headers["Content-Length"] = str(size)
            _describe(response, delivery, size)
            return response
        file = self._open(delivery)
        try:
            return self._send(request, delivery, file)
        except BaseException:
            file.close()
            raise

    def _send(self, request: HttpRequest, delivery: Delivery, file: File) -> HttpResponseBase:
        size = file.size
        response: HttpResponseBase
        try:
            part = _wanted(request, delivery, size) if file.seekable() else None
        except PartNotThere:
            file.close()
            response = HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
            response.headers["Content-Length"] = "0"
            return response
        if part is not None:
            file.seek(part.first)
        length = part.length if part is not None else size
        kind = _AsyncBlocks if isinstance(request, ASGIRequest) else _SyncBlocks
        response = StreamingHttpResponse(kind(file, length), status=206 if part else 200)
        response.headers["Content-Length"] = str(length)
        if part is not None:
            response.headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
        _describe(response, delivery, size)
        if not file.seekable():
            response.headers["Accept-Ranges"] = "none"
        return response

    @staticmethod
    def _open(delivery: Delivery) -> File:
        if not delivery.name:
            raise FileMissing.of(delivery)
        file_on_disk(delivery)
        try:
            return delivery.storage.open(delivery.name, "rb")
        except (FileNotFoundError, IsADirectoryError, SuspiciousFileOperation) as error:
            raise FileMissing.of(delivery) from error

    @staticmethod
    def _size(delivery: Delivery) -> int:
        if not delivery.name:
            raise FileMissing.of(delivery)
        file_on_disk(delivery)
        try:
            if not delivery.storage.exists(delivery.name):
                raise FileMissing.of(delivery)
            return delivery.storage.size(delivery.name)
        except (FileNotFoundError, SuspiciousFileOperation) as error:
            raise FileMissing.of(delivery) from error


def _wanted(request: HttpRequest, delivery: Delivery, size: int) -> Part | None:
    if_range = request.headers.get("If-Range")
    if if_range:
        found = delivery.validators(size)
        etag, last_modified = found.get("ETag", ""), found.get("Last-Modified", "")
        if not names_this_file(if_range, etag=etag, last_modified=last_modified):
            return None  # what the program has is of another file: it gets this one, whole
    return read_part(request.headers.get("Range", ""), size)


def _describe(response: HttpResponseBase, delivery: Delivery, size: int) -> None:
    response.headers["Accept-Ranges"] = "bytes"
    # GZipMiddleware would compress a part like a whole, and take away the length.
    response.headers["Content-Encoding"] = "identity"
    for header, value in delivery.validators(size).items():
        response.headers[header] = value
