"""What `manage.py check` says, word for word, of a storage whose files everybody could fetch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.core.checks import run_checks
from django.core.files.storage import FileSystemStorage, Storage
from django.test import override_settings

from django_digitalstore.catalog.storage import PrivateFileSystemStorage

# Django's own checks of models ask the database what it can.
pytestmark = pytest.mark.django_db

FILES = "django.core.files.storage.FileSystemStorage"
PRIVATE = "django_digitalstore.catalog.storage.PrivateFileSystemStorage"
S3 = "storages.backends.s3.S3Storage"


class OwnStorage(PrivateFileSystemStorage):
    """A storage of the host that is private by inheritance."""


class OpenStorage(FileSystemStorage):
    """A storage of the host that is public by inheritance."""


class Bucket(Storage):
    """An object storage with the attributes that django-storages gives its own."""

    def __init__(self, **options: Any) -> None:
        for name, value in options.items():
            setattr(self, name, value)


def found(
    backend: str, alias: str = "digitalstore", **options: Any
) -> list[tuple[str | None, str, str | None]]:
    stored = {**settings.STORAGES, alias: {"BACKEND": backend, "OPTIONS": options}}
    with override_settings(STORAGES=stored, DIGITALSTORE_STORAGE=alias):
        messages = run_checks()
    return [(m.id, str(m.msg), m.hint) for m in messages if str(m.id).startswith("digitalstore.E1")]


def write(alias: str) -> str:
    return (
        f"Write DIGITALSTORE_STORAGE = '{alias}' and STORAGES['{alias}'] = {{'BACKEND': "
        f"'{PRIVATE}', 'OPTIONS': {{'location': '/a/private/folder'}}}}."
    )


@pytest.mark.parametrize("backend", [PRIVATE, f"{__name__}.OwnStorage"])
def test_a_private_folder_is_right(backend, tmp_path):
    assert found(backend, location=tmp_path) == []


@pytest.mark.parametrize("alias", ["default", "staticfiles"])
@pytest.mark.parametrize("test_mode", [True, False])
def test_e102_the_sites_public_files_are_no_place_for_what_is_sold(alias, test_mode, tmp_path):
    with override_settings(
        DIGITALSTORE_TEST_MODE=test_mode, DIGITALSTORE_SITE_URL="https://shop.example.com"
    ):
        assert found(PRIVATE, alias, location=tmp_path) == [
            (
                "digitalstore.E102",
                (
                    f"DIGITALSTORE_STORAGE names '{alias}', which is the site's storage of public "
                    "files: whoever has a URL has the file."
                ),
                write("digitalstore"),
            )
        ]


@pytest.mark.parametrize("backend", [FILES, f"{__name__}.OpenStorage"])
@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "/media/a-file"),
        ({"base_url": None}, "/media/a-file"),
        ({"base_url": "https://files.example.com/"}, "https://files.example.com/a-file"),
    ],
)
@override_settings(MEDIA_URL="/media/", MEDIA_ROOT="")
def test_e102_a_folder_with_urls_is_public(backend, options, url, tmp_path):
    assert found(backend, "files", location=tmp_path, **options) == [
        (
            "digitalstore.E102",
            (
                f"DIGITALSTORE_STORAGE names 'files', which gives its files URLs like '{url}': "
                "whoever has a URL has the file."
            ),
            write("files"),
        )
    ]


@pytest.mark.parametrize("setting", ["MEDIA_ROOT", "STATIC_ROOT"])
@pytest.mark.parametrize("inside", ["", "sold", "a/../sold"])
def test_e103_a_folder_that_the_web_server_gives_out(setting, inside, tmp_path):
    location = tmp_path / inside
    with override_settings(**{setting: str(tmp_path)}):
        assert found(PRIVATE, location=location) == [
            (
                "digitalstore.E103",
                (
                    f"STORAGES['digitalstore'] keeps what is sold in "
                    f"{PrivateFileSystemStorage(location=location).location}, which lies in "
                    f"{setting}: the web server gives those files to everybody."
                ),
                "Write another OPTIONS['location'], outside of what is served.",
            )
        ]
        assert found(PRIVATE, location=f"{tmp_path}-beside") == []


@pytest.mark.parametrize("prefix", [False, True])
def test_e103_a_folder_that_collectstatic_copies(prefix, tmp_path):
    entry = ("downloads", tmp_path) if prefix else tmp_path
    with override_settings(STATICFILES_DIRS=[entry]):
        assert [message for _, message, _ in found(PRIVATE, location=tmp_path / "sold")] == [
            (
                f"STORAGES['digitalstore'] keeps what is sold in {tmp_path / 'sold'}, which lies "
                "in STATICFILES_DIRS: the web server gives those files to everybody."
            )
        ]
        assert found(PRIVATE, location=f"{tmp_path}-beside") == []


@pytest.mark.parametrize("other", ["default", "pictures"])
def test_e103_the_folder_of_another_storage_that_has_urls(other, tmp_path):
    public = {"BACKEND": FILES, "OPTIONS": {"location": tmp_path, "base_url": "/pictures/"}}
    with override_settings(STORAGES={**settings.STORAGES, other: public}):
        assert found(PRIVATE, location=tmp_path / "sold") == [
            (
                "digitalstore.E103",
                (
                    f"STORAGES['digitalstore'] keeps what is sold in {tmp_path / 'sold'}, which "
                    f"lies in the folder of STORAGES['{other}']: the web server gives those files "
                    "to everybody."
                ),
                "Write another OPTIONS['location'], outside of what is served.",
            )
        ]
        assert found(PRIVATE, location=f"{tmp_path}-beside") == []


@pytest.mark.parametrize(
    "other",
    [
        {"BACKEND": PRIVATE, "OPTIONS": {"location": "{}"}},
        {"BACKEND": FILES, "OPTIONS": {}},
        {"BACKEND": "atelier.Storage", "OPTIONS": {"location": "{}"}},
    ],
)
@override_settings(MEDIA_URL="/media/", MEDIA_ROOT="")
def test_a_storage_without_urls_or_a_folder_of_its_own_serves_nothing(other, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = {name: value.format(tmp_path) for name, value in other["OPTIONS"].items()}
    entry = {**other, "OPTIONS": options}
    with override_settings(STORAGES={**settings.STORAGES, "other": entry}):
        assert found(PRIVATE, location=tmp_path / "sold") == []


def test_e103_a_link_into_a_served_folder_is_followed(tmp_path):
    (tmp_path / "media").mkdir()
    (tmp_path / "sold").symlink_to(tmp_path / "media")
    with override_settings(MEDIA_ROOT=tmp_path / "media"):
        assert [check_id for check_id, _, _ in found(PRIVATE, location=tmp_path / "sold")] == [
            "digitalstore.E103"
        ]


def test_a_private_folder_that_is_not_named_is_never_media_root(tmp_path):
    with override_settings(MEDIA_ROOT=tmp_path / "media", BASE_DIR=tmp_path):
        assert found(PRIVATE) == []
        assert PrivateFileSystemStorage().location == str(tmp_path / "digitalstore-files")


SIGNED = {"querystring_auth": True, "custom_domain": None, "default_acl": None}


@pytest.mark.parametrize("options", [{}, SIGNED, {**SIGNED, "default_acl": "private"}])
def test_a_bucket_with_signed_links_is_right(options):
    assert found(f"{__name__}.Bucket", **options) == []


def test_a_domain_with_a_signer_is_right():
    options = {**SIGNED, "custom_domain": "files.example.com", "cloudfront_signer": object()}
    assert found(f"{__name__}.Bucket", **options) == []


PUBLIC_BUCKETS = [
    ({"querystring_auth": False}, "querystring_auth=False", "'querystring_auth': True"),
    (
        {"custom_domain": "files.example.com"},
        "custom_domain='files.example.com' without a signer",
        "'cloudfront_key_id' and 'cloudfront_key', or no 'custom_domain',",
    ),
    ({"default_acl": "public-read"}, "default_acl='public-read'", "'default_acl': 'private'"),
    ({"default_acl": "publicRead"}, "default_acl='publicRead'", "'default_acl': 'private'"),
]


@pytest.mark.parametrize(("options", "said", "hint"), PUBLIC_BUCKETS)
def test_e104_a_bucket_whose_links_anybody_can_use(options, said, hint):
    assert found(f"{__name__}.Bucket", **{**SIGNED, **options}) == [
        (
            "digitalstore.E104",
            (
                f"STORAGES['digitalstore'] has {said}: its links open what is sold to everybody, "
                "for ever."
            ),
            f"Write {hint} in its OPTIONS.",
        )
    ]


@pytest.mark.parametrize(("options", "said", "hint"), PUBLIC_BUCKETS[:3])
def test_e104_the_attributes_are_those_of_django_storages(options, said, hint):
    pytest.importorskip("storages.backends.s3", exc_type=ImportError)
    assert found(S3, bucket_name="sold") == []
    assert [message for _, message, _ in found(S3, bucket_name="sold", **options)] == [
        f"STORAGES['digitalstore'] has {said}: its links open what is sold to everybody, for ever."
    ]


@pytest.mark.parametrize(
    ("backend", "options", "error"),
    [
        (
            "atelier.Storage",
            {},
            "Could not find backend 'atelier.Storage': No module named 'atelier'",
        ),
        (
            f"{__name__}.OwnStorage",
            {"bucket": "x"},
            "FileSystemStorage.__init__() got an unexpected keyword argument 'bucket'",
        ),
    ],
)
def test_e105_the_storage_can_be_loaded(backend, options, error):
    assert found(backend, **options) == [
        (
            "digitalstore.E105",
            f"STORAGES['digitalstore'], which holds what is sold, can't be loaded: {error}.",
            "Name a storage that is installed, with the OPTIONS that it takes.",
        )
    ]


# --- uploads -------------------------------------------------------------------------------------


def said_of(**changed: Any) -> list[tuple[str | None, str, str | None]]:
    named = {f"DIGITALSTORE_UPLOAD_{name}": value for name, value in changed.items()}
    with override_settings(**named):
        messages = run_checks()
    return [(m.id, str(m.msg), m.hint) for m in messages if str(m.id).startswith("digitalstore.E1")]


@pytest.mark.parametrize("right", [None, ("zip",), [".ZIP", "pdf"], {"tar.gz"}])
def test_extensions_are_a_list_or_all(right):
    assert said_of(EXTENSIONS=right) == []


@pytest.mark.parametrize("wrong", ["zip", (), ("",), (".",), 7, (b"zip",)])
def test_what_is_no_list_of_extensions_is_named(wrong):
    said = "which is no list of extensions: no file could be uploaded."
    assert said_of(EXTENSIONS=wrong) == [
        (
            "digitalstore.E106",
            f"DIGITALSTORE_UPLOAD_EXTENSIONS is {wrong!r}, {said}",
            'Write DIGITALSTORE_UPLOAD_EXTENSIONS = ("zip", "pdf"), or None to take all.',
        )
    ]


@pytest.mark.parametrize("wrong", ["2 GB", 0, -1, 1.5, True, None])
def test_a_limit_that_is_no_number_of_bytes_is_named(wrong):
    assert said_of(MAX_BYTES=wrong) == [
        (
            "digitalstore.E107",
            f"DIGITALSTORE_UPLOAD_MAX_BYTES is {wrong!r}, which is no number of bytes.",
            "Write a whole number of bytes, as in 2 * 1024**3.",
        )
    ]


@pytest.mark.parametrize("wrong", [24, timedelta(0), timedelta(days=-1), None])
def test_a_time_for_uploads_that_is_none_is_named(wrong):
    assert said_of(AGE=wrong) == [
        (
            "digitalstore.E107",
            f"DIGITALSTORE_UPLOAD_AGE is {wrong!r}, which is no time that an upload could take.",
            "Write a timedelta, as in timedelta(hours=24).",
        )
    ]
