"""Uploads straight into the bucket: what a ticket allows, and nothing else. On a real S3 server."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.utils import timezone

from django_digitalstore.catalog.uploads import DirectUploadStorage, StoredObject, direct_uploads
from tests.contrib.s3.bucket import Answer, ask

pytestmark = pytest.mark.s3

CONTENT = b"two gigabytes, in short " * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def send(ticket: Any, content: bytes = CONTENT, **changed: str | None) -> Answer:
    """Post as a browser does: the fields, altered as said, and the file last."""
    fields = {**ticket.fields, **changed}
    form = [(name, value) for name, value in fields.items() if value is not None]
    form.append(("file", ("final.exe", content, "application/x-msdownload")))  # type: ignore[arg-type]
    return ask(ticket.url, "POST", fields=form)


def start(storage: Any, name: str, content: bytes = CONTENT, sha256: str = SHA256) -> Any:
    return storage.start_upload(name, size=len(content), sha256=sha256)


def test_the_bucket_takes_direct_uploads(storage) -> None:
    assert direct_uploads(storage) is storage
    assert isinstance(storage, DirectUploadStorage)


def test_what_was_announced_arrives_and_is_proven(storage, name) -> None:
    before = timezone.now() - timedelta(seconds=2)
    assert storage.read_upload(name) is None
    assert send(start(storage, name)).status == 204
    stored = storage.read_upload(name)
    assert stored == StoredObject(len(CONTENT), SHA256, stored.modified_at)
    assert before <= stored.modified_at <= timezone.now() + timedelta(seconds=2)
    assert storage.open(name).read() == CONTENT


def test_the_stored_type_is_the_tickets_and_not_the_browsers(storage, name) -> None:
    name = name.removesuffix(".pdf")  # by which this server would guess another type
    send(start(storage, name))
    head = storage.client.head_object(Bucket=storage.bucket_name, Key=name)
    assert head["ContentType"] == "application/octet-stream"


def test_without_a_checksum_in_the_ticket_the_object_is_read(storage, name) -> None:
    ticket = start(storage, name, sha256="")
    assert [field for field in ticket.fields if "checksum" in field] == []
    assert send(ticket).status == 204
    head = storage.client.head_object(Bucket=storage.bucket_name, Key=name, ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in head  # so nobody but us can have computed it
    assert storage.read_upload(name).sha256 == SHA256


def test_an_object_that_changes_while_it_is_read_proves_nothing(storage, name) -> None:
    send(start(storage, name, sha256=""))
    events = storage.client.meta.events

    def replace(**event: Any) -> None:
        events.unregister("before-call.s3.GetObject", replace)
        storage.client.put_object(Bucket=storage.bucket_name, Key=name, Body=CONTENT[::-1])

    events.register("before-call.s3.GetObject", replace)
    with pytest.raises(ClientError) as caught:
        storage.read_upload(name)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_a_checksum_of_parts_is_not_taken_for_that_of_the_file(storage, name) -> None:
    client, where = storage.client, {"Bucket": storage.bucket_name, "Key": name}
    parts = [b"a" * 5 * 1024**2, b"b" * 1024**2]
    upload = client.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]
    done = []
    for number, part in enumerate(parts, 1):
        answer = client.upload_part(
            **where, UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm="SHA256"
        )
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
        if "ChecksumSHA256" in answer:
            done[-1]["ChecksumSHA256"] = answer["ChecksumSHA256"]
    client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})
    assert storage.read_upload(name).sha256 == hashlib.sha256(b"".join(parts)).hexdigest()


def test_an_empty_file_can_be_uploaded(storage, name) -> None:
    empty = hashlib.sha256(b"").hexdigest()
    assert send(start(storage, name, b"", empty), b"").status == 204
    stored = storage.read_upload(name)
    assert (stored.size, stored.sha256) == (0, empty)


def test_a_ticket_asks_for_the_encryption_of_the_storage(bucket, name) -> None:
    storage = bucket.storage(server_side_encryption="AES256")
    ticket = start(storage, name)
    assert send(ticket).status == 204
    head = storage.client.head_object(Bucket=storage.bucket_name, Key=name)
    assert head["ServerSideEncryption"] == "AES256"
    plain = {"x-amz-server-side-encryption": None}
    assert send(ticket, **plain).status == 403


def test_a_ticket_works_for_ten_minutes(storage, name) -> None:
    before = timezone.now()
    ticket = start(storage, name)
    assert timedelta(0) <= ticket.expires_at - before - timedelta(minutes=10) < timedelta(seconds=2)
    policy = json.loads(base64.b64decode(ticket.fields["policy"]))
    said = timezone.datetime.fromisoformat(policy["expiration"]).astimezone(UTC)
    assert abs(said - ticket.expires_at) < timedelta(seconds=2)


def test_an_expired_ticket_is_refused(storage, name, monkeypatch) -> None:
    from django_digitalstore.contrib.s3 import storage as module

    monkeypatch.setattr(module, "TICKET_AGE", timedelta(seconds=-1))
    answer = send(start(storage, name))
    assert (answer.status, answer.code) == (403, "AccessDenied")
    assert storage.read_upload(name) is None


@pytest.mark.parametrize("content", [CONTENT + b"!", CONTENT[:-1], b""])
def test_another_size_is_refused(storage, name, content) -> None:
    answer = send(start(storage, name, sha256=""), content)
    assert answer.status == 400
    assert answer.code in {"EntityTooLarge", "EntityTooSmall"}
    assert storage.read_upload(name) is None


def test_another_content_of_the_same_size_is_refused(storage, name) -> None:
    answer = send(start(storage, name), CONTENT[::-1])
    assert (answer.status, answer.code) == (400, "BadDigest")
    assert storage.read_upload(name) is None


OTHER_CHECKSUM = base64.b64encode(hashlib.sha256(CONTENT[::-1]).digest()).decode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("key", "assets/another-name.pdf"),
        ("key", "assets/${filename}"),
        ("Content-Type", "text/html"),
        ("Content-Type", None),
        ("x-amz-checksum-algorithm", "CRC32"),
        ("x-amz-checksum-algorithm", None),
        ("x-amz-checksum-sha256", OTHER_CHECKSUM),
        ("x-amz-checksum-sha256", None),
        ("x-amz-meta-note", "added"),
        ("x-amz-signature", "0" * 64),
        ("x-amz-signature", None),
        ("x-amz-date", "20300101T000000Z"),
        ("x-amz-algorithm", "AWS4-HMAC-SHA1"),
        ("policy", None),
    ],
)
def test_an_altered_field_is_refused(storage, name, field, value) -> None:
    answer = send(start(storage, name), **{field: value})
    assert answer.status in {400, 403}
    assert storage.read_upload(name) is None
    assert not storage.exists("assets/another-name.pdf")
    assert not storage.exists("assets/final.exe")


def test_an_altered_policy_is_refused(storage, name) -> None:
    ticket = start(storage, name)
    policy = json.loads(base64.b64decode(ticket.fields["policy"]))
    alterations: list[dict[str, Any]] = [{**policy, "expiration": "2099-01-01T00:00:00Z"}]
    for condition in policy["conditions"]:
        left = [other for other in policy["conditions"] if other != condition]
        alterations.append({**policy, "conditions": left})
    for altered in alterations:
        coded = base64.b64encode(json.dumps(altered).encode()).decode()
        assert send(ticket, policy=coded).status == 403
    assert storage.read_upload(name) is None


def test_a_ticket_used_twice_brings_the_same_content_only(storage, name) -> None:
    ticket = start(storage, name)
    assert send(ticket).status == 204
    assert send(ticket).status == 204
    assert send(ticket, CONTENT[::-1]).status == 400
    assert storage.read_upload(name).sha256 == SHA256


def test_an_upload_that_was_given_up_is_deleted(storage, name) -> None:
    send(start(storage, name))
    storage.delete(name)
    assert storage.read_upload(name) is None
    storage.delete(name)  # nor does it matter that nothing is there


def test_an_object_that_the_server_stored_is_read_alike(storage, name) -> None:
    storage.save(name, ContentFile(CONTENT))
    assert storage.read_upload(name).sha256 == SHA256


def test_what_cannot_be_asked_for_is_said(storage, name) -> None:
    with pytest.raises(ValueError) as caught:
        storage.start_upload(name, size=5 * 1024**3 + 1, sha256="")
    assert str(caught.value) == (
        "S3PrivateStorage: an upload of 5368709121 bytes is not possible. S3 takes from 0 to "
        "5368709120 bytes at once."
    )
    with pytest.raises(ValueError) as caught:
        storage.start_upload(name, size=1, sha256="abc")
    assert str(caught.value) == (
        "S3PrivateStorage: 'abc' is no SHA-256. Write its 64 hex digits, in lower case."
    )
    with pytest.raises(SuspiciousFileOperation) as refused:
        storage.start_upload("assets/${filename}", size=1, sha256="")
    assert str(refused.value) == "S3PrivateStorage: 'assets/${filename}' is no key for an upload."


def test_a_bucket_that_cannot_be_reached_is_no_missing_upload(bucket, name) -> None:
    from botocore.config import Config
    from botocore.exceptions import ClientError, EndpointConnectionError

    quick = Config(retries={"total_max_attempts": 1})
    away = bucket.storage(endpoint_url="http://127.0.0.1:1", client_config=quick)
    with pytest.raises(EndpointConnectionError):
        away.read_upload(name)
    with pytest.raises(ClientError):  # refused, which is not "nothing there"
        bucket.storage(secret_key="wrong").read_upload(name)
