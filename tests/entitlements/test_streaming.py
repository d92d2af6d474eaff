"""The site's own process sends the file: parts, validators, blocks, and what it lets go of."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import InMemoryStorage, Storage
from django.http import HttpResponse
from django.middleware.gzip import GZipMiddleware
from django.test import AsyncRequestFactory, RequestFactory

from django_digitalstore.catalog.storage import PrivateFileSystemStorage
from django_digitalstore.entitlements.backends import Delivery, FileMissing
from django_digitalstore.entitlements.backends.ranges import continues
from django_digitalstore.entitlements.backends.streaming import StreamingDeliveryBackend
from tests.entitlements.outside import OUTSIDE, lay_traps

# Django looks at its connections whenever an answer is closed.
pytestmark = pytest.mark.django_db

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CAME_IN = datetime(2026, 3, 1, 12, 30, 15, 999999, tzinfo=UTC)
LAST_MODIFIED = "Sun, 01 Mar 2026 12:30:15 GMT"

backend = StreamingDeliveryBackend("default", {})


@pytest.fixture
def storage(tmp_path) -> Storage:
    return PrivateFileSystemStorage(location=tmp_path / "sold")


@pytest.fixture
def delivery(storage) -> Delivery:
    return delivery_of(storage, CONTENT)


def delivery_of(storage: Storage, content: bytes, **fields: Any) -> Delivery:
    found = {
        "storage": storage,
        "name": storage.save("book.epub", ContentFile(content)),
        "file_name": "book.epub",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "modified_at": CAME_IN,
    }
    return Delivery(**{**found, **fields})


def ask(delivery: Delivery, method: str = "get", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return backend.respond(getattr(RequestFactory(), method)("/", headers=named), delivery)


def body(response: Any) -> bytes:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    response.close()
    return content


# --- one part ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-", 0, SIZE - 1),
        ("bytes=10-19", 10, 19),
        ("bytes=10-", 10, SIZE - 1),
        (f"bytes=10-{SIZE}", 10, SIZE - 1),
        (f"bytes=10-{'9' * 25}", 10, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-1", SIZE - 1, SIZE - 1),
        ("bytes=-300", SIZE - 300, SIZE - 1),
        (f"bytes=-{SIZE * 9}", 0, SIZE - 1),
        ("BYTES=10-19", 10, 19),
        ("bytes= 10-19 ", 10, 19),
    ],
)
def test_one_part_is_given(delivery, wanted, first, last) -> None:
    response = ask(delivery, range=wanted)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)
    assert response["ETag"] == f'"{SHA256}"'
    assert response["Last-Modified"] == LAST_MODIFIED
    assert response["Content-Disposition"] == 'attachment; filename="book.epub"'
    assert body(response) == CONTENT[first : last + 1]


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_part_behind_the_end_is_refused_without_a_body(delivery, wanted) -> None:
    response = ask(delivery, range=wanted)
    assert response.status_code == 416
    assert response["Content-Range"] == f"bytes */{SIZE}"
    assert response["Content-Length"] == "0"
    assert "Content-Disposition" not in response
    assert body(response) == b""


NO_PART = [
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=5",
    "bytes=9-5",
    "bytes=-5-9",
    "bytes=+5-9",
    "bytes=5-9;",
    "bytes=5 -9",
    "bytes=٥-٩",
    "bytes=0x5-9",
    f"bytes=5-{'9' * 5000}",
    "items=5-9",
    "5-9",
    "bytes=0-1,5-9",
    "bytes=5-9,",
    "bytes=5-9\n",
]


@pytest.mark.parametrize("wanted", NO_PART)
def test_what_is_no_single_part_gets_the_whole_file_and_counts(delivery, wanted) -> None:
    response = ask(delivery, range=wanted)
    assert response.status_code == 200
    assert "Content-Range" not in response
    assert response["Accept-Ranges"] == "bytes"
    assert response["Content-Length"] == str(SIZE)
    assert body(response) == CONTENT
    assert not continues(wanted)


@pytest.mark.parametrize("wanted", ["bytes=0-", "bytes=5-", "bytes=-5", "bytes=0-9"])
def test_of_an_empty_file_all_is_given(storage, wanted) -> None:
    response = ask(delivery_of(storage, b""), range=wanted)
    assert response.status_code == 200
    assert response["Content-Length"] == "0"
    assert body(response) == b""


def test_a_head_tells_of_the_whole_file_whatever_part_is_asked_for(delivery) -> None:
    whole, head = ask(delivery), ask(delivery, "head", range="bytes=5-9")
    assert head.status_code == 200
    assert head.headers == whole.headers
    assert body(head) == b""


def test_the_rest_of_a_file_fits_what_was_there(delivery) -> None:
    begun = body(ask(delivery, range="bytes=0-299"))
    rest = body(ask(delivery, range="bytes=300-", if_range=f'"{SHA256}"'))
    assert begun + rest == CONTENT


# --- If-Range ------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [f'"{SHA256}"', LAST_MODIFIED])
def test_the_rest_is_given_to_who_names_this_file(delivery, named) -> None:
    response = ask(delivery, range="bytes=10-", if_range=named)
    assert response.status_code == 206
    assert body(response) == CONTENT[10:]


@pytest.mark.parametrize(
    "named",
    [
        f'W/"{SHA256}"',
        SHA256,
        '"another"',
        '""',
        "*",
        "Sun, 01 Mar 2026 12:30:14 GMT",
        "Sun, 01 Mar 2026 12:30:16 GMT",
        "yesterday",
    ],
)
@pytest.mark.parametrize("wanted", ["bytes=10-", f"bytes={SIZE}-"])
def test_who_names_another_file_gets_this_one_whole(delivery, named, wanted) -> None:
    response = ask(delivery, range=wanted, if_range=named)
    assert response.status_code == 200
    assert body(response) == CONTENT


@pytest.mark.parametrize("named", [f'"{SHA256}"', LAST_MODIFIED, '""'])
def test_a_file_that_changed_behind_our_back_is_not_the_one_that_is_named(storage, named) -> None:
    changed = delivery_of(storage, b"other bytes", size=SIZE, sha256=SHA256)
    response = ask(changed, range="bytes=2-", if_range=named)
    assert response.status_code == 200
    assert "ETag" not in response
    assert "Last-Modified" not in response
    assert body(response) == b"other bytes"


def test_without_a_checksum_only_the_time_names_a_file(storage) -> None:
    unknown = delivery_of(storage, CONTENT, size=0, sha256="")
    assert ask(unknown, range="bytes=2-", if_range='""').status_code == 200
    assert ask(unknown, range="bytes=2-", if_range=LAST_MODIFIED).status_code == 206
    timeless = delivery_of(storage, CONTENT, modified_at=None)
    assert ask(timeless, range="bytes=2-", if_range=LAST_MODIFIED).status_code == 200


# --- any storage ---------------------------------------------------------------------------------


class Pipe(File):
    """A file that can only be read from its beginning."""

    def seekable(self) -> bool:
        return False

    def seek(self, *where: int) -> int:
        raise OSError("a pipe")


class PipeStorage(InMemoryStorage):
    def _open(self, name: str, mode: str = "rb") -> File:
        return Pipe(super()._open(name, mode))


def test_a_storage_in_memory_gives_parts_too() -> None:
    assert body(ask(delivery_of(InMemoryStorage(), CONTENT), range="bytes=3-5")) == b"\x03\x04\x05"


def test_what_cannot_be_read_from_the_middle_is_given_whole() -> None:
    response = ask(delivery_of(PipeStorage(), CONTENT), range="bytes=10-")
    assert response.status_code == 200
    assert response["Accept-Ranges"] == "none"
    assert body(response) == CONTENT


# --- how the bytes travel ------------------------------------------------------------------------


def test_a_part_goes_in_blocks_that_end_where_it_ends(storage) -> None:
    content = os.urandom(3 * 256 * 1024)
    response = ask(delivery_of(storage, content), range=f"bytes=5-{2 * 256 * 1024 + 8}")
    blocks = list(response.streaming_content)
    assert [len(block) for block in blocks] == [262144, 262144, 4]
    assert b"".join(blocks) == content[5 : 2 * 256 * 1024 + 9]
    response.close()


def test_compression_does_not_touch_a_file(delivery) -> None:
    def respond(request: Any) -> Any:
        return backend.respond(request, delivery)

    request = RequestFactory().get("/", headers={"accept-encoding": "gzip", "range": "bytes=0-999"})
    response = GZipMiddleware(respond)(request)
    assert response["Content-Length"] == "1000"
    assert body(response) == CONTENT[:1000]
    page = GZipMiddleware(lambda request: HttpResponse(CONTENT))(request)
    assert gzip.decompress(page.content) == CONTENT  # that it does compress


def opened(response: Any) -> Any:
    return next(c.__self__ for c in response._resource_closers if hasattr(c, "__self__"))._file


def test_the_file_is_closed_after_a_part_and_when_the_visitor_goes_away(delivery) -> None:
    response = ask(delivery, range="bytes=5-")
    file = opened(response)
    next(iter(response.streaming_content))
    assert not file.closed
    response.close()
    assert file.closed


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_a_refused_part_leaves_no_file_open(delivery, monkeypatch) -> None:
    found: list[Any] = []
    really_open = type(delivery.storage).open

    def open_and_remember(storage: Storage, *arguments: Any) -> Any:
        found.append(really_open(storage, *arguments))
        return found[-1]

    monkeypatch.setattr(type(delivery.storage), "open", open_and_remember)
    assert ask(delivery, range=f"bytes={SIZE}-").status_code == 416
    assert [file.closed for file in found] == [True]


class Sizeless(PrivateFileSystemStorage):
    """Opens files whose size cannot be asked for: the storage failed in between."""

    def _open(self, name: str, mode: str = "rb") -> Any:
        file = super()._open(name, mode)
        self.opened = file
        file.size = None
        return file


def test_a_file_that_cannot_be_sent_after_all_is_closed(tmp_path) -> None:
    storage = Sizeless(location=tmp_path / "sold")
    with pytest.raises(TypeError):
        ask(delivery_of(storage, CONTENT), range="bytes=5-")
    assert storage.opened.closed


def test_under_asgi_a_part_streams_and_the_file_is_closed(delivery) -> None:
    async def download() -> tuple[int, bytes, Any]:
        request = AsyncRequestFactory().get("/", headers={"range": "bytes=5-9"})
        response = backend.respond(request, delivery)
        assert response.is_async
        content = b"".join([block async for block in response.streaming_content])
        return response.status_code, content, response

    status, content, response = asyncio.run(download())
    assert (status, content) == (206, CONTENT[5:10])
    file = opened(response)
    response.close()
    assert file.closed


# --- what lies outside of the storage ------------------------------------------------------------


@pytest.fixture
def secret(tmp_path, storage) -> Iterator[str]:
    storage.save("book.epub", ContentFile(b"a book"))
    with lay_traps(tmp_path) as path:
        yield path


@pytest.mark.parametrize("name", OUTSIDE)
@pytest.mark.parametrize("method", ["get", "head"])
def test_only_plain_files_of_the_storage_are_given(storage, secret, name, method) -> None:
    name = name.format(secret)
    outside = Delivery(storage=storage, name=name, file_name="book.epub")
    with pytest.raises(FileMissing) as caught:
        ask(outside, method)
    assert str(caught.value) == (
        f"The private storage has no file {name!r} for “book.epub”. Upload it again, or restore "
        "the storage from its backup."
    )


def test_a_link_within_the_storage_is_followed(tmp_path, storage) -> None:
    storage.save("book.epub", ContentFile(CONTENT))
    (tmp_path / "sold" / "newest.epub").symlink_to(tmp_path / "sold" / "book.epub")
    inside = Delivery(storage=storage, name="newest.epub", file_name="book.epub")
    assert body(ask(inside)) == CONTENT


def test_the_storages_own_folder_may_be_a_link(tmp_path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "sold").symlink_to(tmp_path / "disk")
    linked = PrivateFileSystemStorage(location=tmp_path / "sold")
    assert body(ask(delivery_of(linked, CONTENT))) == CONTENT
