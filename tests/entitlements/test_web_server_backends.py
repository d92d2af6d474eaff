"""nginx or Apache sends the file: what they are told, and what they are never told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, Storage
from django.test import RequestFactory, override_settings

from django_digitalstore.catalog.storage import PrivateFileSystemStorage, private_storage
from django_digitalstore.entitlements.backends import Delivery, FileMissing
from django_digitalstore.entitlements.backends.webserver import WebServerDeliveryBackend
from django_digitalstore.entitlements.backends.xaccel import XAccelDeliveryBackend
from django_digitalstore.entitlements.backends.xsendfile import XSendfileDeliveryBackend
from django_digitalstore.entitlements.checks import check_delivery_backends
from tests.entitlements.outside import OUTSIDE, lay_traps

BACKENDS = "django_digitalstore.entitlements.backends"
XACCEL = f"{BACKENDS}.xaccel.XAccelDeliveryBackend"
XSENDFILE = f"{BACKENDS}.xsendfile.XSendfileDeliveryBackend"
IN_MEMORY = "django.core.files.storage.InMemoryStorage"
PRIVATE = "django_digitalstore.catalog.storage.PrivateFileSystemStorage"

xaccel = XAccelDeliveryBackend("default", {"location": "/protected/"})
xsendfile = XSendfileDeliveryBackend("default", {})
both = pytest.mark.parametrize("backend", [xaccel, xsendfile], ids=["xaccel", "xsendfile"])


@pytest.fixture
def storage(tmp_path) -> Storage:
    return PrivateFileSystemStorage(location=tmp_path / "sold")


@pytest.fixture
def secret(tmp_path, storage) -> Iterator[str]:
    storage.save("book.epub", ContentFile(b"a book"))
    with lay_traps(tmp_path) as path:
        yield path


def delivery_of(storage: Storage, name: str, file_name: str = "book.epub") -> Delivery:
    return Delivery(storage=storage, name=name, file_name=file_name)


def ask(backend: Any, delivery: Delivery, method: str = "get", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return backend.respond(getattr(RequestFactory(), method)("/", headers=named), delivery)


def lay(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"a book")
    return path


# --- the header ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "encoded"),
    [
        ("assets/ab/abcd.pdf", "assets/ab/abcd.pdf"),
        (
            "Отчёт №1 – “final” v2.pdf",
            (
                "%D0%9E%D1%82%D1%87%D1%91%D1%82%20%E2%84%961%20%E2%80%93%20%E2%80%9Cfinal%E2%80%9D"
                "%20v2.pdf"
            ),
        ),
        ("100%2e.pdf", "100%252e.pdf"),
        ("what?.pdf", "what%3F.pdf"),
        ("a#b;c&d=e+f.pdf", "a%23b%3Bc%26d%3De%2Bf.pdf"),
        ("a\r\nX-Accel-Redirect: b.pdf", "a%0D%0AX-Accel-Redirect%3A%20b.pdf"),
        ("back\\slash.pdf", "back%5Cslash.pdf"),
        ("\udcff.pdf", "%FF.pdf"),
    ],
)
def test_nginx_gets_the_path_percent_encoded(tmp_path, storage, stored, encoded) -> None:
    lay(tmp_path / "sold" / stored)
    response = ask(xaccel, delivery_of(storage, stored))
    assert response["X-Accel-Redirect"] == f"/protected/{encoded}"


@pytest.mark.parametrize(
    "stored",
    [
        "assets/ab/abcd.pdf",
        "Отчёт №1 – “final” v2.pdf",
        "100%2e.pdf",
        "what?#.pdf",
        "back\\slash.pdf",
        "\udcff.pdf",
    ],
)
def test_apache_gets_the_bytes_of_the_path(tmp_path, storage, stored) -> None:
    path = lay(tmp_path / "sold" / stored)
    sent = ask(xsendfile, delivery_of(storage, stored)).serialize_headers()
    assert b"X-Sendfile: " + os.fsencode(path.resolve()) in sent.split(b"\r\n")


@pytest.mark.parametrize("stored", ["a\r\nX-Sendfile: b.pdf", "tab\t.pdf", "\x7f.pdf"])
def test_what_no_header_can_name_is_not_sent_by_apache(tmp_path, storage, stored) -> None:
    lay(tmp_path / "sold" / stored)
    with pytest.raises(FileMissing):
        ask(xsendfile, delivery_of(storage, stored))


@both
@pytest.mark.parametrize(("method", "wanted"), [("get", ""), ("head", ""), ("get", "bytes=5-")])
def test_the_answer_is_empty_and_the_server_does_the_rest(storage, backend, method, wanted) -> None:
    delivery = delivery_of(storage, storage.save("x", ContentFile(b"a book")))
    response = ask(backend, delivery, method, range=wanted)
    assert response.status_code == 200
    assert response.content == b""
    assert response["Content-Disposition"] == 'attachment; filename="book.epub"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert backend.header in response.headers


def test_apache_is_told_what_names_the_bytes(storage) -> None:
    known = Delivery(
        storage=storage,
        name=storage.save("x", ContentFile(b"a book")),
        file_name="book.epub",
        size=6,
        sha256="ab" * 32,
        modified_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    )
    response = ask(xsendfile, known)
    assert response["ETag"] == f'"{"ab" * 32}"'
    assert response["Last-Modified"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert response["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(("size", "sha256"), [(0, ""), (7, "ab" * 32)])
def test_where_the_checksum_is_not_the_files_its_time_and_size_name_it(
    storage, size, sha256
) -> None:
    name = storage.save("x", ContentFile(b"a book"))
    os.utime(storage.path(name), ns=(0x1F, 0x1F))
    unknown = Delivery(storage=storage, name=name, file_name="x", size=size, sha256=sha256)
    assert ask(xsendfile, unknown)["ETag"] == '"1f-6"'


@both
def test_what_a_visitor_sends_changes_nothing(storage, backend) -> None:
    delivery = delivery_of(storage, storage.save("x", ContentFile(b"a book")))
    malice = {
        "x_accel_redirect": "/protected/other",
        "x_accel_mapping": "/=/etc/",
        "x_accel_limit_rate": "1",
        "x_sendfile": "/etc/passwd",
        "x_sendfile_type": "X-Lighttpd-Send-File",
    }
    assert ask(backend, delivery, **malice).headers == ask(backend, delivery).headers


@both
@pytest.mark.parametrize("name", OUTSIDE)
def test_the_server_is_told_of_plain_files_of_the_storage_only(
    storage, secret, backend, name
) -> None:
    name = name.format(secret)
    with pytest.raises(FileMissing) as caught:
        ask(backend, delivery_of(storage, name))
    assert str(caught.value) == (
        f"The private storage has no file {name!r} for “book.epub”. Upload it again, or restore "
        "the storage from its backup."
    )


def test_a_link_within_the_storage_is_told_as_what_it_leads_to(tmp_path, storage) -> None:
    storage.save("book.epub", ContentFile(b"a book"))
    (tmp_path / "sold" / "newest.epub").symlink_to(tmp_path / "sold" / "book.epub")
    response = ask(xaccel, delivery_of(storage, "newest.epub"))
    assert response["X-Accel-Redirect"] == "/protected/book.epub"


@both
def test_a_shown_name_injects_no_header(storage, backend) -> None:
    stored = storage.save("x", ContentFile(b"a book"))
    response = ask(backend, delivery_of(storage, stored, f"a\r\n{backend.header}: /etc/passwd.pdf"))
    assert response["Content-Disposition"] == 'attachment; filename="passwd.pdf"'
    assert "passwd" not in response[backend.header]


def test_the_storage_of_the_site_may_be_asked_before_anything_else_has_used_it(tmp_path) -> None:
    sold = {"BACKEND": PRIVATE, "OPTIONS": {"location": tmp_path}}
    (tmp_path / "x").write_bytes(b"a book")
    with override_settings(STORAGES={"sold": sold}, DIGITALSTORE_STORAGE="sold"):
        response = ask(xaccel, delivery_of(private_storage(), "x"))
    assert response["X-Accel-Redirect"] == "/protected/x"


# --- what check says -----------------------------------------------------------------------------


def told(
    tmp_path: Any, entry: dict[str, Any], backend: str = PRIVATE, **settings: Any
) -> list[tuple[Any, ...]]:
    options = {"location": tmp_path} if backend == PRIVATE else {}
    stored = {"sold": {"BACKEND": backend, "OPTIONS": options}}
    with override_settings(
        DIGITALSTORE_DELIVERY={"default": entry},
        DIGITALSTORE_STORAGE="sold",
        STORAGES=stored,
        **settings,
    ):
        return [(m.id, m.msg, m.hint) for m in check_delivery_backends(None)]


def located(location: Any) -> dict[str, Any]:
    return {"BACKEND": XACCEL, "OPTIONS": {"location": location}}


@pytest.mark.parametrize("entry", [located("/protected/"), {"BACKEND": XSENDFILE}])
def test_files_in_a_folder_are_right(tmp_path, entry) -> None:
    assert told(tmp_path, entry) == []


def test_e201_the_location_is_missing(tmp_path) -> None:
    assert told(tmp_path, {"BACKEND": XACCEL}) == [
        (
            "digitalstore.E201",
            (
                "DIGITALSTORE_DELIVERY['default']: XAccelDeliveryBackend needs the option "
                "'location'. Add it to OPTIONS: {'location': …}."
            ),
            None,
        )
    ]


@pytest.mark.parametrize(
    "location",
    [
        "",
        "/",
        "protected/",
        "/protected",
        "//protected/",
        "/a//b/",
        "/../",
        "/a/../b/",
        "/./",
        "/a b/",
        "/%70/",
        "/é/",
        "/a?b/",
        "/a/\n",
        "https://x/",
        None,
        7,
    ],
)
def test_e201_the_location_is_none(tmp_path, location) -> None:
    assert told(tmp_path, located(location)) == [
        (
            "digitalstore.E201",
            (
                f"DIGITALSTORE_DELIVERY['default']: the option 'location' is {location!r}, and "
                "must be a path that begins and ends with a slash, of letters, digits, '-', '_', "
                "'.' and '~'. Write the name of the internal location in nginx, as 'location': "
                "'/protected/'."
            ),
            None,
        )
    ]


@pytest.mark.parametrize("location", ["/protected/", "/a/b-c/d_e/", "/v1.2/"])
def test_a_location_may_have_several_parts(tmp_path, location) -> None:
    assert told(tmp_path, located(location)) == []


@pytest.mark.parametrize(
    ("entry", "header"),
    [(located("/protected/"), "X-Accel-Redirect"), ({"BACKEND": XSENDFILE}, "X-Sendfile")],
)
def test_e203_files_that_are_not_on_disk(tmp_path, entry, header) -> None:
    message = (
        f"DIGITALSTORE_DELIVERY['default'] names files on disk to the web server ({header}), and "
        "InMemoryStorage keeps what is sold elsewhere."
    )
    hint = (
        "Write a BACKEND that fits the storage (StreamingDeliveryBackend fits all), or a storage "
        "derived from PrivateFileSystemStorage."
    )
    assert told(tmp_path, entry, IN_MEMORY) == [("digitalstore.E203", message, hint)]
    with pytest.raises(ImproperlyConfigured) as caught:
        ask(xaccel if "OPTIONS" in entry else xsendfile, delivery_of(InMemoryStorage(), "x"))
    assert str(caught.value) == f"{message} {hint}"


def test_e203_leaves_a_storage_that_cannot_be_loaded_to_the_catalog(tmp_path) -> None:
    assert told(tmp_path, located("/protected/"), "atelier.Storage") == []
    with override_settings(
        DIGITALSTORE_STORAGE="none",
        DIGITALSTORE_TEST_MODE=False,
        DIGITALSTORE_DELIVERY={"default": located("/protected/")},
    ):
        assert check_delivery_backends(None) == []


@pytest.mark.parametrize("setting", ["MEDIA_URL", "STATIC_URL"])
@pytest.mark.parametrize(
    ("location", "public"),
    [("/media/", "/media/"), ("/media/sold/", "/media/"), ("/files/", "/files/public/")],
)
def test_e204_the_location_is_served_to_everybody(tmp_path, setting, location, public) -> None:
    both = {"MEDIA_URL": "", "STATIC_URL": "/static/", setting: public}
    assert told(tmp_path, located(location), **both) == [
        (
            "digitalstore.E204",
            (
                f"DIGITALSTORE_DELIVERY['default'] has the location {location!r}, which overlaps "
                f"with {setting} = {public!r}: one of the two would be served as the other, what "
                "is sold to everybody."
            ),
            "Write a location of its own, as '/protected/', here and in nginx.",
        )
    ]


@pytest.mark.parametrize("public", ["", "/", "https://cdn.example.com/protected/", "/protected2/"])
def test_a_location_beside_what_is_public_is_right(tmp_path, public) -> None:
    assert told(tmp_path, located("/protected/"), MEDIA_URL=public) == []


@pytest.mark.django_db
def test_manage_py_check_asks_the_backends(tmp_path) -> None:
    with override_settings(
        DIGITALSTORE_DELIVERY={"default": located("/static/sold/")}, BASE_DIR=tmp_path
    ):
        found = [m.id for m in run_checks() if str(m.id).startswith("digitalstore.E2")]
    assert found == ["digitalstore.E204"]


def test_a_backend_that_forgot_its_header_says_so(storage) -> None:
    class Forgetful(WebServerDeliveryBackend):
        header = "X-Lighttpd-Send-File"

    stored = storage.save("x", ContentFile(b"a book"))
    with pytest.raises(NotImplementedError) as caught:
        ask(Forgetful("default", {}), delivery_of(storage, stored))
    assert str(caught.value) == "Forgetful must implement header_value(file)."
