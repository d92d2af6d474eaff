"""What a signed link opens, and that it opens nothing else. On a real S3 server."""

from __future__ import annotations

import time
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import pytest
from django.core.files.base import ContentFile
from django.utils.http import content_disposition_header

from tests.contrib.s3.bucket import ask

pytestmark = pytest.mark.s3

CONTENT = b"what only its owner may read " * 40
NAME = "Отчёт №1 – “final” v2.pdf"


def sign(storage, name: str, *, shown: str = NAME, seconds: int = 60, method: str = "GET") -> str:
    return storage.sign_download(
        name,
        content_disposition=content_disposition_header(True, shown),
        content_type="application/octet-stream",
        age=timedelta(seconds=seconds),
        method=method,
    )


@pytest.fixture
def sold(storage, name) -> str:
    return storage.save(name, ContentFile(CONTENT))


def test_a_link_gives_the_file_under_its_shown_name(storage, sold) -> None:
    answer = ask(sign(storage, sold))
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == (
        "attachment; filename*=utf-8''%D0%9E%D1%82%D1%87%D1%91%D1%82%20%E2%84%961%20%E2%80%93%20"
        "%E2%80%9Cfinal%E2%80%9D%20v2.pdf"
    )
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_link_gives_no_page_that_a_browser_runs(storage) -> None:
    name = storage.save("assets/page.html", ContentFile(b"<script>alert(1)</script>"))
    storage.client.copy_object(
        Bucket=storage.bucket_name,
        Key=name,
        CopySource={"Bucket": storage.bucket_name, "Key": name},
        ContentType="text/html",
        MetadataDirective="REPLACE",
    )
    answer = ask(sign(storage, name, shown="page.html"))
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="page.html"'


@pytest.mark.parametrize(
    "shown",
    [
        "a b.pdf",
        "a\r\nSet-Cookie: x=1.pdf",
        'quote".pdf',
        "per%cent;semi,colon.pdf",
        "日本語.zip",
        "🎁" * 60,
        "x" * 255,
        "+&=?.txt",
    ],
)
def test_any_name_survives(storage, sold, shown) -> None:
    answer = ask(sign(storage, sold, shown=shown))
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == content_disposition_header(True, shown)


@pytest.mark.parametrize(
    ("wanted", "status", "part"),
    [
        ("bytes=0-9", 206, CONTENT[:10]),
        ("bytes=100-", 206, CONTENT[100:]),
        ("bytes=-7", 206, CONTENT[-7:]),
        (f"bytes={len(CONTENT)}-", 416, None),
    ],
)
def test_a_part_can_be_asked_for(storage, sold, wanted, status, part) -> None:
    answer = ask(sign(storage, sold), headers={"Range": wanted})
    assert answer.status == status
    if part is not None:
        assert answer.body == part
        assert answer.headers["Content-Range"].endswith(f"/{len(CONTENT)}")


def test_a_head_is_signed_for_itself(storage, sold) -> None:
    answer = ask(sign(storage, sold, method="HEAD"), "HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(CONTENT))


def test_a_link_is_for_its_method_only(storage, sold) -> None:
    link = sign(storage, sold)
    for method in ("PUT", "POST", "DELETE", "HEAD"):
        assert ask(link, method).status in {403, 405}
    assert ask(sign(storage, sold, method="HEAD")).status == 403
    assert storage.open(sold).read() == CONTENT


def altered(link: str) -> dict[str, str]:
    """Return links that differ from ``link`` in one part each, by the part's name."""
    parts = urlsplit(link)
    query = parse_qsl(parts.query)
    changed = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA1",
        "X-Amz-Credential": dict(query)["X-Amz-Credential"].replace("us-east-1", "eu-west-1"),
        "X-Amz-Date": "20300101T000000Z",
        "X-Amz-Expires": "300",
        "X-Amz-SignedHeaders": "host;range",
        "X-Amz-Signature": "0" * 64,
        "response-cache-control": "public",
        "response-content-disposition": "inline",
        "response-content-type": "text/html",
    }
    assert set(changed) == {key for key, _ in query}, "every part of the link is altered"
    links = {}
    for part, value in changed.items():
        other = [(key, value if key == part else old) for key, old in query]
        links[part] = urlunsplit(parts._replace(query=urlencode(other)))
        left_out = [(key, old) for key, old in query if key != part]
        links[f"without {part}"] = urlunsplit(parts._replace(query=urlencode(left_out)))
    more = urlencode([*query, ("response-content-language", "de")])
    links["one more"] = urlunsplit(parts._replace(query=more))
    links["no query"] = urlunsplit(parts._replace(query=""))
    links["another key"] = urlunsplit(parts._replace(path=parts.path + "x"))
    return links


def test_a_link_altered_in_any_part_is_refused(storage, sold) -> None:
    storage.save(sold + "x", ContentFile(b"another file"))
    link = sign(storage, sold)
    assert ask(link).status == 200
    answers = {part: ask(url) for part, url in altered(link).items()}
    assert {part: a.status for part, a in answers.items() if a.status not in {400, 403}} == {}
    assert {part for part, a in answers.items() if CONTENT[:20] in a.body} == set()


def test_a_signature_altered_in_any_digit_is_refused(storage, sold) -> None:
    link = sign(storage, sold)
    start = link.index("X-Amz-Signature=") + len("X-Amz-Signature=")
    for position in range(start, start + 64):
        other = "0" if link[position] != "0" else "1"
        assert ask(link[:position] + other + link[position + 1 :]).status == 403


def test_a_link_is_for_its_host_only(storage, sold) -> None:
    assert ask(sign(storage, sold), headers={"Host": "other.example"}).status == 403


def test_an_expired_link_is_refused(storage, sold) -> None:
    link = sign(storage, sold, seconds=1)
    assert ask(link).status == 200
    time.sleep(2.5)
    answer = ask(link)
    assert (answer.status, CONTENT[:20] in answer.body) == (403, False)
    assert ask(link, headers={"Range": "bytes=0-9"}).status == 403
