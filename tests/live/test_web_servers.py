"""nginx, Caddy and Apache send the files, set up as the how-to says."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from tests.live.downloads import Purchase, buy, sha256_of
from tests.live.store import Store, free_port
from tests.live.web_servers import APACHE, CADDY, NGINX, WebServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.needs("entitlements"),
]

NAME = "Отчёт №1 – “final” v2.pdf"
MIB = 1024 * 1024
SIZE = 20 * MIB


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user of a web server may enter, as pytest's own may not be."""
    path = Path(tempfile.mkdtemp(prefix="ds-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def bought(folder: Path, server: WebServer, *, workers: int, size: int) -> Iterator[Purchase]:
    server.program()
    store, listen = Store(folder), free_port()
    url = f"http://localhost:{listen}"
    store.env |= {"SITE_URL": url, "DELIVERY": server.delivery()}
    with store.gunicorn(f"--workers={workers}", "--worker-class=sync"):
        purchase = buy(store, url, NAME, size)
        with server.in_front_of(store.port, purchase.folder, listen, folder / "front"):
            yield purchase


@pytest.fixture(params=[NGINX, CADDY, APACHE], ids=lambda server: server.name)
def purchase(request: pytest.FixtureRequest, folder: Path) -> Iterator[Purchase]:
    yield from bought(folder, request.param, workers=1, size=SIZE)


def test_a_file_of_any_name_arrives_with_all_its_headers(purchase: Purchase) -> None:
    content = (purchase.folder / purchase.stored).read_bytes()
    link = purchase.link()
    answer = purchase.buyer.ask(link)
    assert answer.status == 200
    assert answer.body == content
    names = answer.headers["Content-Disposition"].partition("filename*=utf-8''")[2]
    assert unquote(names) == NAME
    sent = {name.lower(): value for name, value in answer.headers.items()}
    assert {
        name: sent.get(name)
        for name in (
            "accept-ranges",
            "cache-control",
            "content-length",
            "content-security-policy",
            "content-type",
            "cross-origin-resource-policy",
            "referrer-policy",
            "x-content-type-options",
        )
    } == {
        "accept-ranges": "bytes",
        "cache-control": "private, no-store",
        "content-length": str(SIZE),
        "content-security-policy": "default-src 'none'; sandbox",
        "content-type": "application/octet-stream",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
    }
    assert not {"x-accel-redirect", "x-sendfile"} & set(sent)

    head = purchase.buyer.ask(link, "HEAD")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, str(SIZE), b"")
    part = purchase.buyer.ask(link, Range="bytes=1000-1009")
    assert (part.status, part.body) == (206, content[1000:1010])
    assert part.headers["Content-Range"] == f"bytes 1000-1009/{SIZE}"
    assert purchase.buyer.ask(link, Range=f"bytes={SIZE}-").status == 416

    etag = answer.headers["ETag"]
    same = purchase.buyer.ask(link, Range="bytes=1000-1009", If_Range=etag)
    assert (same.status, same.body) == (206, content[1000:1010])
    (purchase.folder / purchase.stored).write_bytes(b"another file")
    other = purchase.buyer.ask(link, Range="bytes=5-7", If_Range=etag)
    assert (other.status, other.body) == (200, b"another file")
    assert other.headers["ETag"] != etag


def test_a_download_that_broke_goes_on(purchase: Purchase, tmp_path: Path) -> None:
    link, target = purchase.link(), tmp_path / "report.pdf"
    come = purchase.break_off(link, target, after=5 * MIB, rate="20M")
    assert 5 * MIB <= come < SIZE
    assert purchase.download(link, target, "--continue-at", "-") == "206"
    assert sha256_of(target) == purchase.sha256


def test_nobody_gets_past_the_site(purchase: Purchase) -> None:
    link, buyer = purchase.link(), purchase.buyer
    secret = purchase.folder.parent / "secret.txt"
    secret.write_bytes(b"secret")
    stored = quote(purchase.stored)
    for path in (
        f"/protected/{stored}",
        f"/protected//{stored}",
        "/protected/../secret.txt",
        "/protected/%2e%2e/secret.txt",
        "/protected../secret.txt",
        f"{purchase.folder}/{stored}",
        f"/{stored}",
    ):
        answer = buyer.ask(path)
        assert answer.status in {400, 404}, path
        assert answer.body != b"secret"

    whole = buyer.ask(link).body
    for name in ("X-Accel-Redirect", "X-Sendfile", "X-Sendfile-Type", "X-Accel-Mapping"):
        for value in ("/protected/../secret.txt", str(secret), "/=/etc/"):
            assert buyer.ask(link, **{name.replace("-", "_"): value}).body == whole
            assert (
                buyer.ask(f"/protected/{stored}", **{name.replace("-", "_"): value}).status == 404
            )

    # The database, or the folder, was tampered with: what lies outside is not sent.
    (purchase.folder / purchase.stored).unlink()
    (purchase.folder / purchase.stored).symlink_to(secret)
    answer = buyer.ask(link)
    assert answer.status == 404
    assert "We could not find" in answer.text


def test_four_slow_downloads_leave_two_workers_free(folder: Path) -> None:
    for purchase in bought(folder, NGINX, workers=2, size=SIZE):
        link = purchase.link()
        targets = [folder / f"slow-{number}" for number in range(4)]
        slow = [
            purchase.curl(link, "--output", str(target), "--limit-rate", "200k")
            for target in targets
        ]
        try:
            deadline = time.monotonic() + 20
            while not all(target.exists() and target.stat().st_size for target in targets):
                assert time.monotonic() < deadline
                time.sleep(0.05)
            took = []
            for _ in range(10):
                begun = time.monotonic()
                purchase.buyer.get(purchase.library)
                took.append(time.monotonic() - begun)
            assert [process.poll() for process in slow] == [None] * 4  # they were under way
            assert max(target.stat().st_size for target in targets) < SIZE
        finally:
            for process in slow:
                process.kill()
                process.communicate()
        assert max(took) < 2, took
