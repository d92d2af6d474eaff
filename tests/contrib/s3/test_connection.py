"""One client for each process, and what the site's own settings say to it. No server is needed."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import override_settings

from django_digitalstore.catalog.uploads import direct_uploads
from django_digitalstore.contrib.s3.process import OncePerProcess
from django_digitalstore.contrib.s3.storage import S3PrivateStorage
from tests.contrib.s3.test_signed_links import sign

OPTIONS = {"bucket_name": "sold", "access_key": "A", "secret_key": "B"}


def storage(**options: Any) -> Any:
    return S3PrivateStorage(**{**OPTIONS, "region_name": "eu-central-1", **options})


def in_threads(count: int, work: Any) -> list[Any]:
    start, results = threading.Barrier(count), list[Any]()

    def run() -> None:
        start.wait()
        results.append(work())

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def in_a_fork(work: Any) -> int:
    """Run ``work`` in a child and return its exit status: 0 where it returned something true."""
    child = os.fork()
    if child == 0:
        signal.alarm(30)  # one that waits for ever fails
        status = 99
        try:
            status = 0 if work() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_threads_share_one_client() -> None:
    bucket = storage()
    clients = in_threads(8, lambda: bucket.client)
    assert len(clients) == 8
    assert len({id(client) for client in clients}) == 1


def test_a_child_process_makes_a_client_of_its_own() -> None:
    bucket = storage()
    client = bucket.client
    assert in_a_fork(lambda: bucket.client is not client and sign(bucket, "assets/x")) == 0
    assert bucket.client is client


def test_a_fork_in_the_middle_of_connecting_locks_nobody_out() -> None:
    go_on, begun = threading.Event(), threading.Event()
    parent = os.getpid()

    def connect() -> str:
        if os.getpid() == parent:
            begun.set()
            go_on.wait()
        return "connected"

    held = OncePerProcess(connect)
    thread = threading.Thread(target=held.get)
    thread.start()
    begun.wait()
    try:
        assert in_a_fork(lambda: held.get() == "connected") == 0
    finally:
        go_on.set()
        thread.join()


def test_a_connection_that_failed_is_tried_again() -> None:
    answers = iter([OSError("no credentials yet"), None])

    def connect() -> str:
        error = next(answers)
        if error:
            raise error
        return "connected"

    held = OncePerProcess(connect)
    with pytest.raises(OSError):
        held.get()
    assert held.get() == "connected"


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ({}, "https://sold.s3.eu-central-1.amazonaws.com/assets/x?"),
        ({"region_name": "us-east-1"}, "https://sold.s3.amazonaws.com/assets/x?"),
        ({"addressing_style": "path"}, "https://s3.eu-central-1.amazonaws.com/sold/assets/x?"),
        ({"endpoint_url": "https://s3.example"}, "https://s3.example/sold/assets/x?"),
        (
            {"endpoint_url": "https://s3.example", "addressing_style": "virtual"},
            "https://sold.s3.example/assets/x?",
        ),
    ],
)
def test_links_lead_straight_to_the_buckets_own_host(options, begins) -> None:
    bucket = storage(**options)
    assert sign(bucket, "assets/x").startswith(begins)
    assert bucket.start_upload("x", size=1, sha256="").url.startswith(
        begins.partition("assets")[0].rstrip("/")
    )


PUBLIC = {
    "AWS_DEFAULT_ACL": "public-read",
    "AWS_IS_GZIPPED": True,
    "AWS_LOCATION": "media",
    "AWS_QUERYSTRING_AUTH": False,
    "AWS_S3_CUSTOM_DOMAIN": "cdn.example.com",
    "AWS_S3_FILE_OVERWRITE": True,
    "AWS_S3_OBJECT_PARAMETERS": {"CacheControl": "max-age=86400", "ACL": "public-read"},
    "AWS_S3_SIGNATURE_VERSION": "s3",
    "AWS_STORAGE_BUCKET_NAME": "public-media",
}


@override_settings(**PUBLIC)
def test_what_settings_say_of_public_files_means_nothing_here() -> None:
    bucket = storage()
    assert bucket.check() == storage().check()
    assert sign(bucket, "x").startswith("https://sold.s3.eu-central-1.amazonaws.com/x?")
    assert "X-Amz-Signature=" in sign(bucket, "x")
    assert bucket.get_object_parameters("x") == {"ContentType": "application/octet-stream"}
    assert S3PrivateStorage().bucket_name is None


@override_settings(AWS_S3_REGION_NAME="eu-west-3", AWS_S3_ENDPOINT_URL="https://s3.example")
def test_what_settings_say_of_the_connection_counts() -> None:
    bucket = S3PrivateStorage(**OPTIONS)
    assert sign(bucket, "x").startswith("https://s3.example/sold/x?")
    assert "%2Feu-west-3%2Fs3%2F" in sign(bucket, "x")


def test_a_config_of_ones_own_is_added_to() -> None:
    from botocore.config import Config

    own = Config(read_timeout=7, s3={"addressing_style": "path"})
    config = storage(client_config=own).client.meta.config
    assert (config.read_timeout, config.connect_timeout) == (7, 5)
    assert config.signature_version == "s3v4"
    assert config.s3["addressing_style"] == "path"


def test_a_server_without_uploads_by_a_form_gets_none() -> None:
    assert direct_uploads(storage()) is not None
    assert direct_uploads(storage(direct_uploads=False)) is None


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"ChecksumSHA256": "5MQKT1Zy0YQSgVRXRkxUfrDYHyvcJPpELXVYzkTpqNE=-2"},
        {"ChecksumSHA256": "5MQKT1Zy0YQSgVRX"},
        {"ChecksumSHA256": "not base64"},
        {"ChecksumCRC32": "iH6F8A=="},
    ],
)
def test_only_a_checksum_of_the_whole_object_is_taken_from_the_store(given) -> None:
    """By answers that the tests' own server does not give, and Amazon's documents."""
    from botocore.response import StreamingBody
    from botocore.stub import Stubber

    bucket = storage()
    head = {"ContentLength": 7, "ETag": '"etag"', "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
    whole = {"Bucket": "sold", "Key": "assets/x"}
    with Stubber(bucket.client) as amazon:
        amazon.add_response("head_object", {**head, **given}, {**whole, "ChecksumMode": "ENABLED"})
        body = StreamingBody(io.BytesIO(b"content"), 7)
        amazon.add_response("get_object", {"Body": body}, {**whole, "IfMatch": '"etag"'})
        stored = bucket.read_upload("assets/x")
        amazon.assert_no_pending_responses()
    assert stored.sha256 == hashlib.sha256(b"content").hexdigest()


def test_an_object_that_ends_early_has_no_checksum() -> None:
    from botocore.exceptions import IncompleteReadError
    from botocore.response import StreamingBody
    from botocore.stub import Stubber

    bucket = storage()
    head = {"ContentLength": 9, "ETag": '"etag"', "LastModified": datetime(2026, 1, 1, tzinfo=UTC)}
    with Stubber(bucket.client) as amazon:
        amazon.add_response("head_object", head)
        amazon.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"content"), 9)})
        with pytest.raises(IncompleteReadError):
            bucket.read_upload("assets/x")


def test_it_has_no_urls() -> None:
    with pytest.raises(ValueError) as caught:
        storage().url("assets/x")
    assert str(caught.value) == (
        "S3PrivateStorage has no URLs. Give the file to its owner through the download view "
        "(django_digitalstore.entitlements.views.GenericDownloadView)."
    )
