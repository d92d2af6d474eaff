"""Files in the bucket, and strangers before it. On a real S3 server."""

from __future__ import annotations

import io

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.files.base import ContentFile

from tests.contrib.s3.bucket import ask

pytestmark = pytest.mark.s3


def test_a_file_is_kept_read_and_deleted(storage, name) -> None:
    saved = storage.save(name, ContentFile(b"%PDF-1.7"))
    assert saved == name
    assert storage.exists(name)
    assert storage.size(name) == 8
    with storage.open(name) as file:
        assert file.read() == b"%PDF-1.7"
    folder, _, last = name.rpartition("/")
    assert last in storage.listdir(folder)[1]
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(FileNotFoundError):
        storage.open(name)


def test_a_second_file_of_the_name_does_not_replace_the_first(storage, name) -> None:
    storage.save(name, ContentFile(b"the first"))
    second = storage.save(name, ContentFile(b"the second"))
    assert second != name
    assert storage.open(name).read() == b"the first"


def test_a_file_is_never_sent_as_of_a_type_that_a_browser_runs(bucket) -> None:
    storage, sent = bucket.storage(), []
    # What leaves is looked at: this server keeps a type of its own making for such a name.
    storage.client.meta.events.register(
        "before-send.s3.PutObject", lambda request, **rest: sent.append(request.headers)
    )
    storage.save("assets/page.html", ContentFile(b"<script>alert(1)</script>"))
    assert [headers["Content-Type"] for headers in sent] == [b"application/octet-stream"]


def test_names_stay_below_the_location(bucket, name) -> None:
    below = bucket.storage(location="sold")
    below.save(name, ContentFile(b"x"))
    assert bucket.storage().exists(f"sold/{name}")
    assert below.key_of(name) == f"sold/{name}"
    for outside in "../other/x", "a/../../x", "/../x":
        with pytest.raises(SuspiciousOperation):
            below.key_of(outside)


def test_the_server_encrypts_where_it_is_told_to(bucket, name) -> None:
    storage = bucket.storage(server_side_encryption="AES256")
    storage.save(name, ContentFile(b"x"))
    head = storage.client.head_object(Bucket=storage.bucket_name, Key=name)
    assert head["ServerSideEncryption"] == "AES256"
    assert storage.open(name).read() == b"x"


def test_a_large_file_arrives_whole(storage, name) -> None:
    large = bytes(range(256)) * 4096 * 12  # 12 MiB: more than boto3 sends, or keeps, in one piece
    storage.save(name, ContentFile(large))
    read = io.BytesIO()
    with storage.open(name) as file:
        for block in file.chunks():
            read.write(block)
    assert read.getvalue() == large


# --- strangers ------------------------------------------------------------------------------------


def test_nobody_reads_or_lists_without_a_link(bucket, storage, name) -> None:
    storage.save(name, ContentFile(b"sold"))
    assert ask(f"{bucket.url}/{name}").status == 403
    assert ask(f"{bucket.url}/{name}", "HEAD").status == 403
    assert ask(bucket.url).status == 403
    assert ask(f"{bucket.url}?list-type=2&prefix=assets/").status == 403
    assert ask(bucket.endpoint + "/").status == 403


def test_nobody_writes_or_deletes_without_a_ticket(bucket, storage, name) -> None:
    storage.save(name, ContentFile(b"sold"))
    assert ask(f"{bucket.url}/{name}", "PUT", body=b"other").status == 403
    assert ask(f"{bucket.url}/{name}", "DELETE").status == 403
    assert ask(bucket.url, "POST", fields={"key": name, "file": b"other"}).status in {400, 403}
    assert storage.open(name).read() == b"sold"


def test_a_link_signed_with_another_secret_is_refused(bucket, storage, name) -> None:
    storage.save(name, ContentFile(b"sold"))
    for keys in ({"secret_key": "guessed"}, {"access_key": "AKIANOBODY"}):
        url = sign(bucket.storage(**keys), name)
        assert ask(url).status == 403


def sign(storage, name: str) -> str:
    from datetime import timedelta

    return storage.sign_download(
        name,
        content_disposition="attachment",
        content_type="application/octet-stream",
        age=timedelta(seconds=60),
    )
