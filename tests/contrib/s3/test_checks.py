"""What ``manage.py check`` says of the bucket and of delivery from it. No server is needed."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from django_digitalstore.catalog.checks import check_private_storage
from django_digitalstore.entitlements.checks import check_delivery_backends
from tests.contrib.s3.bucket import BACKEND, STORAGE
from tests.contrib.s3.test_connection import PUBLIC

PRIVATE = {"bucket_name": "sold", "region_name": "eu-central-1"}
BUCKET = "storages.backends.s3.S3Storage"
WHERE = "STORAGES['sold']"


def entry(**options: Any) -> dict[str, Any]:
    return {"BACKEND": STORAGE, "OPTIONS": {**PRIVATE, **options}}


def said(sold: dict[str, Any] | None = None, **more: Any) -> list[tuple[str, str, str | None]]:
    """Return what the checks of storage and delivery say, of settings like these."""
    storages = {**settings.STORAGES, "sold": sold or entry(), **more.pop("storages", {})}
    changed = {
        "DIGITALSTORE_DELIVERY": {"default": {"BACKEND": BACKEND}},
        "DIGITALSTORE_STORAGE": "sold",
        "STORAGES": storages,
        **more,
    }
    with override_settings(**changed):
        messages = [*check_private_storage(None), *check_delivery_backends(None)]
    return [(message.id, message.msg, message.hint) for message in messages]


def test_a_private_bucket_with_signed_links_has_nothing_to_complain_of() -> None:
    assert said() == []
    assert said(entry(server_side_encryption="aws:kms", kms_key_id="alias/shop")) == []
    assert said(entry(endpoint_url="https://s3.example", region_name=None)) == []


@override_settings(**PUBLIC)
def test_what_settings_say_of_public_files_is_not_said_of_the_private_ones() -> None:
    assert said() == []


def test_a_delivery_backend_without_its_storage_is_named() -> None:
    local = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    assert said(local) == [
        (
            "digitalstore.E521",
            (
                f"DIGITALSTORE_DELIVERY['default'] delivers from S3PrivateStorage, and {WHERE} has "
                "InMemoryStorage."
            ),
            (
                f"Write {WHERE} = {{'BACKEND': '{STORAGE}', 'OPTIONS': {{'bucket_name': '…'}}}}, "
                "or another BACKEND in DIGITALSTORE_DELIVERY."
            ),
        )
    ]
    ((_, message, _),) = said({"BACKEND": BUCKET, "OPTIONS": PRIVATE})
    assert message.endswith(f"and {WHERE} has S3Storage.")


@override_settings(AWS_STORAGE_BUCKET_NAME="media")
def test_a_missing_bucket_is_named() -> None:
    assert said(entry(bucket_name=None)) == [
        (
            "digitalstore.E522",
            f"{WHERE} names no bucket.",
            (
                "Write 'bucket_name': '…' in its OPTIONS. AWS_STORAGE_BUCKET_NAME does not count: "
                "that is the bucket of the site's public files."
            ),
        )
    ]


@pytest.mark.parametrize(
    ("ours", "theirs"), [("", ""), ("", "media"), ("sold", ""), ("a/sold", "a"), ("a", "a/")]
)
def test_a_bucket_shared_with_other_files_is_an_error(ours, theirs) -> None:
    media = {"BACKEND": BUCKET, "OPTIONS": {**PRIVATE, "location": theirs}}
    assert said(entry(location=ours), storages={"media": media}) == [
        (
            "digitalstore.E523",
            (
                f"{WHERE} and STORAGES['media'] share the bucket 'sold', and one keeps its files "
                "among those of the other: who may list, read or overwrite the ones gets at what "
                "is sold."
            ),
            "Write another 'bucket_name' in its OPTIONS: a private bucket for what is sold alone.",
        )
    ]


def test_a_bucket_shared_by_folders_is_a_warning() -> None:
    media = {"BACKEND": BUCKET, "OPTIONS": {**PRIVATE, "location": "soldier"}}
    assert said(entry(location="sold"), storages={"media": media}) == [
        (
            "digitalstore.W523",
            (
                f"{WHERE} and STORAGES['media'] share the bucket 'sold': a policy for the ones may "
                "open the others."
            ),
            (
                "Write another 'bucket_name' in its OPTIONS, or see to it that the bucket's policy "
                "opens nothing below 'sold'."
            ),
        )
    ]


def test_another_bucket_is_nobodys_concern() -> None:
    media = {"BACKEND": BUCKET, "OPTIONS": {"bucket_name": "media"}}
    elsewhere = {"BACKEND": BUCKET, "OPTIONS": {**PRIVATE, "endpoint_url": "https://s3.example"}}
    assert said(storages={"media": media, "elsewhere": elsewhere}) == []


@pytest.mark.parametrize("options", [{"signature_version": "s3"}, {"signature_version": None}])
def test_an_older_signature_is_an_error(options) -> None:
    version = options["signature_version"]
    assert said(entry(**options)) == [
        (
            "digitalstore.E524",
            (
                f"{WHERE} signs its links as {version!r}: their headers, or anything at all, could "
                "be altered."
            ),
            "Write 'signature_version': 's3v4' in its OPTIONS, or leave it out.",
        )
    ]


def test_an_unsigned_client_is_an_error() -> None:
    import botocore
    from botocore.config import Config

    found = said(entry(client_config=Config(signature_version=botocore.UNSIGNED)))
    assert [number for number, *_ in found] == ["digitalstore.E524"]


def test_an_unknown_encryption_is_an_error() -> None:
    assert said(entry(server_side_encryption="AES-256")) == [
        (
            "digitalstore.E525",
            f"{WHERE} has server_side_encryption='AES-256', which S3 does not know.",
            "Write one of 'AES256', 'aws:kms', 'aws:kms:dsse'.",
        )
    ]


@pytest.mark.parametrize("encryption", [None, "AES256"])
def test_a_key_that_encrypts_nothing_is_an_error(encryption) -> None:
    assert said(entry(server_side_encryption=encryption, kms_key_id="alias/shop")) == [
        (
            "digitalstore.E525",
            (
                f"{WHERE} has a kms_key_id, and server_side_encryption={encryption!r}, which uses "
                "no key of yours."
            ),
            "Write 'server_side_encryption': 'aws:kms' in its OPTIONS.",
        )
    ]


def test_a_storage_that_changes_files_is_an_error() -> None:
    assert said(entry(gzip=True, file_overwrite=True)) == [
        (
            "digitalstore.E526",
            f"{WHERE} has gzip=True: buyers would get other bytes than were uploaded.",
            "Leave 'gzip' out of its OPTIONS.",
        ),
        (
            "digitalstore.E526",
            (
                f"{WHERE} has file_overwrite=True: a second file of one name would replace the "
                "first, which owners have paid for."
            ),
            "Leave 'file_overwrite' out of its OPTIONS.",
        ),
    ]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"default_acl": "authenticated-read"}, "default_acl='authenticated-read'"),
        ({"object_parameters": {"ACL": "public-read"}}, "object_parameters['ACL']='public-read'"),
    ],
)
def test_an_open_acl_is_an_error(options, named) -> None:
    assert said(entry(**options)) == [
        (
            "digitalstore.E527",
            f"{WHERE} has {named}: every object can be read without a link.",
            "Leave it out of its OPTIONS: objects of a private bucket are private.",
        )
    ]


@pytest.mark.parametrize(
    "options",
    [{"default_acl": "public-read"}, {"querystring_auth": False}, {"custom_domain": "cdn.example"}],
)
def test_what_opens_any_bucket_is_said_once(options) -> None:
    assert [number for number, *_ in said(entry(**options))] == ["digitalstore.E104"]


def test_a_missing_region_is_an_error(monkeypatch, tmp_path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    assert said(entry(region_name=None)) == [
        (
            "digitalstore.E528",
            f"{WHERE} has no region: links to a bucket outside of us-east-1 would be refused.",
            "Write 'region_name': 'eu-central-1', or where your bucket is, in its OPTIONS.",
        )
    ]
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    assert said(entry(region_name=None)) == []


def test_larger_uploads_than_s3_takes_are_an_error() -> None:
    assert said(DIGITALSTORE_UPLOAD_MAX_BYTES=6 * 1024**3) == [
        (
            "digitalstore.E529",
            (
                "DIGITALSTORE_UPLOAD_MAX_BYTES is 6442450944, and S3 takes no more than 5368709120 "
                "bytes in one upload."
            ),
            "Write DIGITALSTORE_UPLOAD_MAX_BYTES = 5368709120, or less.",
        )
    ]


def test_larger_uploads_are_nobodys_concern_where_they_pass_the_server() -> None:
    assert said(entry(direct_uploads=False), DIGITALSTORE_UPLOAD_MAX_BYTES=6 * 1024**3) == []


def test_a_bucket_that_is_streamed_is_a_warning() -> None:
    streaming = "django_digitalstore.entitlements.backends.streaming.StreamingDeliveryBackend"
    assert said(DIGITALSTORE_DELIVERY={"default": {"BACKEND": streaming}}) == [
        (
            "digitalstore.W521",
            (
                f"{WHERE} is a bucket, and DIGITALSTORE_DELIVERY streams from it: each file "
                "travels to this server first, whole, and from here to the buyer."
            ),
            f"Write DIGITALSTORE_DELIVERY = {{'default': {{'BACKEND': '{BACKEND}'}}}}.",
        )
    ]


def test_an_endpoint_in_the_open_is_a_warning_where_money_is_real() -> None:
    local = entry(endpoint_url="http://10.0.0.7:9000")
    assert said(local, DIGITALSTORE_TEST_MODE=True) == []
    assert said(local, DIGITALSTORE_TEST_MODE=False) == [
        (
            "digitalstore.W522",
            (
                f"{WHERE} has the endpoint 'http://10.0.0.7:9000', without HTTPS: links and files "
                "travel in the open."
            ),
            "Write an 'endpoint_url' that begins with https://.",
        )
    ]


@pytest.mark.parametrize("age", [60, 300, 299.5, timedelta(minutes=2)])
def test_a_link_lives_from_one_to_five_minutes(age) -> None:
    options = {"BACKEND": BACKEND, "OPTIONS": {"link_age": age}}
    assert said(DIGITALSTORE_DELIVERY={"default": options}) == []


@pytest.mark.parametrize("age", [59, 301, 0, -60, "60", None, True, timedelta(days=7)])
def test_another_age_of_links_is_an_error(age) -> None:
    options = {"BACKEND": BACKEND, "OPTIONS": {"link_age": age}}
    assert said(DIGITALSTORE_DELIVERY={"default": options}) == [
        (
            "digitalstore.E201",
            (
                f"DIGITALSTORE_DELIVERY['default']: link_age is {age!r}. Write seconds from 60 to "
                "300: less is too short for a slow connection, and the link opens the file to "
                "whoever has it."
            ),
            None,
        )
    ]


def test_an_unknown_option_of_the_storage_is_named() -> None:
    assert [found[:2] for found in said(entry(bucket="sold"))] == [
        (
            "digitalstore.E105",
            (
                f"{WHERE}, which holds what is sold, can't be loaded: Invalid setting 'bucket' for "
                "S3PrivateStorage."
            ),
        )
    ]


WITHOUT = """
import sys
sys.modules[{package!r}] = None
from django.conf import settings
settings.configure()
from django.core.exceptions import ImproperlyConfigured
try:
    if {module!r} == "backend":
        from django_digitalstore.contrib.s3.backend import S3DeliveryBackend
        S3DeliveryBackend("default", {{}})
    else:
        import django_digitalstore.contrib.s3.storage
except ImproperlyConfigured as error:
    print(error)
"""


@pytest.mark.parametrize("package", ["boto3.session", "storages"])
@pytest.mark.parametrize("module", ["storage", "backend"])
def test_the_extra_is_named_where_it_is_missing(package, module) -> None:
    code = WITHOUT.format(package=package, module=module)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (
        (
            "S3PrivateStorage needs the packages boto3 and django-storages, which are not "
            "installed. Write `pip install django-digitalstore[s3]`.\n"
        ),
        "",
    )
