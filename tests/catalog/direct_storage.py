"""A storage that takes uploads from browsers, as an object storage does: a peer for tests.

It keeps objects in a folder, and its ticket is signed: what is put there must have the size and the
SHA-256 of the ticket, as S3 demands by its policy.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from django_digitalstore.catalog.storage import PrivateFileSystemStorage, private_storage
from django_digitalstore.catalog.uploads import StoredObject, UploadTicket

__all__ = ["DirectStorage", "put", "receive"]

TICKET = timedelta(minutes=10)


class DirectStorage(PrivateFileSystemStorage):
    """Local files that a browser may upload to ``/bucket/``."""

    def start_upload(self, name: str, *, size: int, sha256: str) -> UploadTicket:
        policy = signing.dumps({"key": name, "size": size, "sha256": sha256}, salt="bucket")
        return UploadTicket("/bucket/", {"key": name, "policy": policy}, timezone.now() + TICKET)

    def read_upload(self, name: str) -> StoredObject | None:
        try:
            content = Path(self.path(name)).read_bytes()
            modified_at = self.get_modified_time(name)
        except FileNotFoundError:  # deleted, maybe between the two lines
            return None
        return StoredObject(len(content), hashlib.sha256(content).hexdigest(), modified_at)


def put(name: str, content: bytes) -> None:
    """Put an object into the bucket, as an upload that it accepted does."""
    storage: Any = private_storage()
    if storage.exists(name):
        storage.delete(name)
    FileSystemStorage.save(storage, name, ContentFile(content))


@login_not_required
@csrf_exempt
def receive(request: HttpRequest) -> HttpResponse:
    """Take an upload as a bucket does: nothing but what the ticket says."""
    try:
        policy = signing.loads(request.POST["policy"], salt="bucket", max_age=TICKET)
    except signing.BadSignature:
        return HttpResponse("AccessDenied", status=403)
    content = request.FILES["file"].read()  # type: ignore[union-attr]
    said = (policy["key"], policy["size"], policy["sha256"])
    if (request.POST["key"], len(content), hashlib.sha256(content).hexdigest()) != said:
        return HttpResponse("BadDigest", status=400)
    put(policy["key"], content)
    return HttpResponse(status=204)
