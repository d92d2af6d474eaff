"""Files to their owners."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from django.contrib.auth import get_user_model
from django.http import FileResponse
from django.test import RequestFactory

from benchmarks import peers
from benchmarks.requests import cookie_of, request
from benchmarks.runner import Job, Limit, Skip, Way
from benchmarks.seed import Shop
from django_digitalstore.catalog import get_product_model
from django_digitalstore.entitlements import links, policies
from django_digitalstore.entitlements.backends import Delivery
from django_digitalstore.entitlements.testing import make_release_with_file

__all__ = ["JOBS", "memory"]

MIB = 1024 * 1024


_BOUND = (
    "A link without a session does not exist: a link is bound to its user, and access is asked for "
    "again when it is redeemed."
)


def download(shop: Shop) -> Job:
    """Authorising a download that nginx then sends."""
    user: Any = get_user_model()._default_manager.get(pk=shop.users[0])
    product: Any = get_product_model()._default_manager.get(pk=shop.owned_by(0)[0])
    asset = make_release_with_file(product)
    purchase = policies.live_purchase(user, product)
    cookie = cookie_of(user)
    link = f"/downloads/{links.mint(user, purchase, asset)}/"
    return Job(
        "download",
        "Authorising a download: session, user, ownership and path, X-Accel",
        [
            Way("floor: cursor", request(f"/floor/download/{asset.pk}/", cookie=cookie)),
            Way("before the log (HEAD)", request(link, method="HEAD", cookie=cookie)),
            Way("with the log row (GET)", request(link, cookie=cookie)),
            *(
                [Way("django-private-storage", request(f"/peers/files/{asset.pk}/", cookie=cookie))]
                if peers.is_installed("private_storage")
                else []
            ),
        ],
        [Limit("before the log (HEAD)", ratio=1.25)],
        [_BOUND],
    )


_NEW_CLIENT = "a new client for each link"


def presigned(shop: Shop) -> Job:
    """A link that the bucket checks. Nothing is sent: signing is arithmetic."""
    try:
        import boto3
        from botocore.config import Config

        from django_digitalstore.contrib.s3.backend import S3DeliveryBackend
        from django_digitalstore.contrib.s3.storage import S3PrivateStorage
    except ImportError:
        raise Skip("boto3 and django-storages are not installed.") from None
    keys = {"access_key": "AKIATEST", "secret_key": "secret", "region_name": "eu-central-1"}
    storage = S3PrivateStorage(bucket_name="private", **keys)
    backend = S3DeliveryBackend("default", {})
    delivery = Delivery(storage=storage, name="releases/book.epub", file_name="book.epub")
    asked = RequestFactory().get("/")
    told = {
        "aws_access_key_id": "AKIATEST",
        "aws_secret_access_key": "secret",
        "region_name": "eu-central-1",
        "config": Config(signature_version="s3v4"),
    }
    kept = boto3.client("s3", **told)
    what = {
        "Bucket": "private",
        "Key": "releases/book.epub",
        "ResponseContentDisposition": delivery.content_disposition,
        "ResponseContentType": delivery.content_type,
    }

    def sign(client: Any) -> None:
        client.generate_presigned_url("get_object", Params=what, ExpiresIn=60)

    def in_a_thread() -> None:
        worker = Thread(target=backend.respond, args=(asked, delivery))
        worker.start()
        worker.join()

    return Job(
        "presigned",
        "Presigned S3 link",
        [
            Way("floor: boto3, a kept client", lambda: sign(kept)),
            Way("S3DeliveryBackend", lambda: backend.respond(asked, delivery)),
            Way("S3DeliveryBackend, a new thread", in_a_thread),
            Way(_NEW_CLIENT, lambda: sign(boto3.client("s3", **told))),
        ],
        [
            Limit("S3DeliveryBackend", ratio=2, sql=0),
            # A thread costs something by itself: a client of its own would cost far more.
            Limit("S3DeliveryBackend, a new thread", ratio=0.5, of=_NEW_CLIENT, sql=0),
        ],
    )


def memory(size: int = 300 * MIB) -> str:
    """Return how much the memory of a process grows by that streams a file, as Markdown."""
    if not Path("/proc/self/status").exists():
        return "memory is left out: it is read from /proc, as on Linux.\n"
    lines = ["### Streaming a file of 300 MiB (`memory`)", "", "| way | memory | target |"]
    lines.append("|---|---:|---|")
    with TemporaryDirectory(prefix="digitalstore-bench-") as folder:
        path = Path(folder) / "large.bin"
        with path.open("wb") as file:
            file.truncate(size)
        for way, target in (("wsgi", 16), ("asgi", 16), ("FileResponse under ASGI", None)):
            words = [sys.executable, "-m", "benchmarks.jobs.delivery", way, str(path)]
            grown = int(subprocess.run(words, check=True, capture_output=True).stdout) / MIB
            said = f"{'ok' if grown <= target else 'MISSED'}: ≤ {target} MiB" if target else ""
            lines.append(f"| {way} | {grown:+.0f} MiB | {said} |")
    return "\n".join(lines) + "\n"


def _memory(line: str) -> int:
    """Return what this process holds (VmRSS), or the most that it held (VmHWM), in bytes."""
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(text.split()[1]) * 1024 for text in status if text.startswith(line))


def _stream(way: str, path: Path) -> None:
    """Stream a file in this process, and print by how many bytes the most that it held grew."""
    import django

    django.setup()
    from django.core.files.storage import FileSystemStorage
    from django.core.handlers.asgi import ASGIRequest

    from django_digitalstore.entitlements.backends.streaming import StreamingDeliveryBackend

    backend = StreamingDeliveryBackend("default", {})
    storage = FileSystemStorage(location=path.parent)
    delivery = Delivery(
        storage=storage, name=path.name, file_name=path.name, size=path.stat().st_size
    )
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}

    async def send_all(response: Any) -> int:
        return sum([len(block) async for block in response])

    before = _memory("VmRSS")
    if way == "wsgi":
        response = backend.respond(RequestFactory().get("/"), delivery)
        sent = sum(len(block) for block in response)  # type: ignore[attr-defined]
    else:
        asked = ASGIRequest(scope, None)  # type: ignore[arg-type]
        answer: Any = (
            backend.respond(asked, delivery) if way == "asgi" else FileResponse(path.open("rb"))
        )
        sent = asyncio.run(send_all(answer))
    assert sent == path.stat().st_size
    print(max(0, _memory("VmHWM") - before))


#: By the name that ``./dev bench`` takes.
JOBS = {
    "download": download,
    "presigned": presigned,
}


if __name__ == "__main__":
    _stream(sys.argv[1], Path(sys.argv[2]))
