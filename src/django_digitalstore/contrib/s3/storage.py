"""A private bucket as the storage of what is sold: no URLs, signed links, direct uploads."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any, NoReturn

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured, SuspiciousFileOperation
from django.utils import timezone

from django_digitalstore.catalog.uploads import StoredObject, UploadTicket

from .process import OncePerProcess

try:
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from storages.backends.s3 import S3Storage
    from storages.utils import clean_name
except (ImportError, ImproperlyConfigured) as error:  # django-storages raises its own without boto3
    raise ImproperlyConfigured(
        "S3PrivateStorage needs the packages boto3 and django-storages, which are not installed. "
        "Write `pip install django-digitalstore[s3]`."
    ) from error

__all__ = ["LARGEST_UPLOAD", "TICKET_AGE", "S3PrivateStorage"]

#: Bytes that S3 takes in one upload.
LARGEST_UPLOAD = 5 * 1024**3
#: How long a ticket for a direct upload works: the upload must have begun by then.
TICKET_AGE = timedelta(minutes=10)

_CONTENT_TYPE = "application/octet-stream"
_BLOCK = 1024**2  # bytes
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: What every request to the bucket is made with, unless ``client_config`` says otherwise.
_PATIENCE = {
    "connect_timeout": 5,  # seconds
    "read_timeout": 60,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}


class S3PrivateStorage(S3Storage):  # type: ignore[misc]  # django-storages is untyped
    """django-storages' ``S3Storage`` for files that nobody may have without asking the shop.

    OPTIONS are those of ``S3Storage`` and, for encryption by the server, ``server_side_encryption``
    ("AES256", "aws:kms", "aws:kms:dsse") and ``kms_key_id``; ``direct_uploads`` is False where the
    server takes no uploads by a form. Of the site's ``AWS_…`` settings only
    those about the connection count (keys, region, endpoint, proxies, TLS): what they say of the
    site's public files (domain, ACL, unsigned links, bucket, …) has no meaning here. Signatures
    are of version 4, buckets are addressed by their region's own host, and with ``endpoint_url`` by
    their path; objects are never overwritten, and no more than 8 MiB of one is kept in memory.

    It has no URLs: ``sign_download()`` is for the delivery backend, which comes after the question
    who may have the file.
    """

    addressing_style: str | None
    direct_uploads: bool
    server_side_encryption: str | None
    kms_key_id: str | None

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        if self.addressing_style is None:
            # By boto3's own choice, links lead to s3.amazonaws.com, which redirects for all other
            # regions than its own; a link that was signed for one host is refused by the next.
            self.addressing_style = "path" if self.endpoint_url else "virtual"
        self.client_config = self._configure(options.get("client_config"))
        self._shared = OncePerProcess(self._connect)
        if not self.direct_uploads:
            # What direct_uploads() of the catalog asks for.
            self.start_upload = None  # type: ignore[method-assign, assignment]

    def get_default_settings(self) -> dict[str, Any]:
        defaults: dict[str, Any] = super().get_default_settings()
        return {
            **defaults,
            "addressing_style": None,
            "bucket_name": None,
            "cloudfront_key": None,
            "cloudfront_key_id": None,
            "custom_domain": None,
            "default_acl": None,
            "direct_uploads": True,
            "file_overwrite": False,
            "gzip": False,
            "kms_key_id": None,
            "location": "",
            "max_memory_size": 8 * 1024**2,
            "object_parameters": {},
            "querystring_auth": True,
            "server_side_encryption": None,
            "signature_version": "s3v4",
        }

    def check(self) -> list[CheckMessage]:
        """Return what is wrong with the OPTIONS. For ``manage.py check``: no network."""
        from .checks import check_storage

        return list(check_storage(self))

    # --- the connection -------------------------------------------------------------------------

    def _configure(self, own: Any) -> Any:
        # Checksums that boto3 would add by itself are not understood by every server but Amazon's.
        checksums = "when_required" if self.endpoint_url else "when_supported"
        config = Config(
            **_PATIENCE,
            request_checksum_calculation=checksums,
            response_checksum_validation=checksums,
            proxies=self.proxies,
            s3={"addressing_style": self.addressing_style},
            signature_version=self.signature_version,
        )
        return config if own is None else config.merge(own)

    def _connect(self) -> Any:
        _keep_signatures_out_of_logs()
        session = self._create_session()
        return session.resource(
            "s3",
            region_name=self.region_name,
            use_ssl=self.use_ssl,
            endpoint_url=self.endpoint_url,
            config=self.client_config,
            verify=self.verify,
        )

    @property
    def connection(self) -> Any:
        """Return the connection of this process; ``S3Storage`` makes one for each thread."""
        return self._shared.get()

    @property
    def client(self) -> Any:
        """Return boto3's client of this process: safe for threads. No network."""
        return self.connection.meta.client

    @property
    def bucket_region(self) -> str | None:
        """Return the region that links are signed for, from OPTIONS or from boto3's own places.

        Reads files and the environment; no network.
        """
        return self.region_name or self._create_session().region_name

    @property
    def bucket(self) -> Any:
        # A new one each time, without a request: the object itself is not safe for threads.
        return self.connection.Bucket(self.bucket_name)

    # --- files ----------------------------------------------------------------------------------

    def url(self, name: str | None, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise ``ValueError``: sold files leave only through the download view."""
        raise ValueError(
            "S3PrivateStorage has no URLs. Give the file to its owner through the download view "
            "(django_digitalstore.entitlements.views.GenericDownloadView)."
        )

    def get_object_parameters(self, name: str) -> dict[str, Any]:
        """Return what ``save()`` sends along: never the file's own type, and the encryption."""
        parameters: dict[str, Any] = super().get_object_parameters(name)
        parameters.setdefault("ContentType", _CONTENT_TYPE)
        if self.server_side_encryption:
            parameters["ServerSideEncryption"] = self.server_side_encryption
        if self.kms_key_id:
            parameters["SSEKMSKeyId"] = self.kms_key_id
        return parameters

    def key_of(self, name: str) -> str:
        """Return the object's key. Raises ``SuspiciousOperation`` outside of ``location``."""
        return str(self._normalize_name(clean_name(name)))

    # --- links ----------------------------------------------------------------------------------

    def sign_download(
        self,
        name: str,
        *,
        content_disposition: str,
        content_type: str,
        age: timedelta,
        method: str = "GET",
    ) -> str:
        """Return a URL from which whoever has it gets the object, for ``age``.

        The headers with which the store answers are part of what is signed, and so is the method
        ("GET" or "HEAD"). Nothing asks whether the object exists: signing needs no network (but
        for credentials that a machine's role has to fetch, about once an hour). The URL must not
        be stored, cached, logged, or written into a page.
        """
        url: str = self.client.generate_presigned_url(
            "head_object" if method == "HEAD" else "get_object",
            Params={
                "Bucket": self.bucket_name,
                "Key": self.key_of(name),
                "ResponseCacheControl": "private, no-store",
                "ResponseContentDisposition": content_disposition,
                "ResponseContentType": content_type,
            },
            ExpiresIn=int(age.total_seconds()),
        )
        return url

    # --- direct uploads -------------------------------------------------------------------------

    def start_upload(self, name: str, *, size: int, sha256: str) -> UploadTicket:
        """Return a presigned POST for exactly this object: see ``DirectUploadStorage``.

        Its policy fixes key, type, ``size`` (bytes, at most ``LARGEST_UPLOAD``), the encryption,
        and ``TICKET_AGE``; where ``sha256`` (hex) is given, the store computes the checksum of what
        comes in and refuses anything else. Raises ``ValueError`` for what can't be uploaded.
        """
        key = self.key_of(name)
        if "${" in key:
            # boto3 would let the browser choose the rest of such a key.
            raise SuspiciousFileOperation(f"S3PrivateStorage: {key!r} is no key for an upload.")
        if not 0 <= size <= LARGEST_UPLOAD:
            raise ValueError(
                f"S3PrivateStorage: an upload of {size} bytes is not possible. S3 takes from 0 to "
                f"{LARGEST_UPLOAD} bytes at once."
            )
        fields = self._upload_fields(sha256)
        expires_at = timezone.now() + TICKET_AGE
        post = self.client.generate_presigned_post(
            Bucket=self.bucket_name,
            Key=key,
            Fields=dict(fields),
            Conditions=[
                *({field: value} for field, value in fields.items()),
                ["content-length-range", size, size],
            ],
            ExpiresIn=int(TICKET_AGE.total_seconds()),
        )
        return UploadTicket(post["url"], post["fields"], expires_at)

    def _upload_fields(self, sha256: str) -> dict[str, str]:
        fields = {"Content-Type": _CONTENT_TYPE}
        if sha256:
            if not _SHA256.fullmatch(sha256):
                raise ValueError(
                    f"S3PrivateStorage: {sha256!r} is no SHA-256. Write its 64 hex digits, in "
                    f"lower case."
                )
            checksum = base64.b64encode(bytes.fromhex(sha256)).decode("ascii")
            fields["x-amz-checksum-algorithm"] = "SHA256"
            fields["x-amz-checksum-sha256"] = checksum
        if self.server_side_encryption:
            fields["x-amz-server-side-encryption"] = self.server_side_encryption
        if self.kms_key_id:
            fields["x-amz-server-side-encryption-aws-kms-key-id"] = self.kms_key_id
        return fields

    def read_upload(self, name: str) -> StoredObject | None:
        """Return what lies under ``name``: see ``DirectUploadStorage``.

        The store's own checksum is asked for. Where it has none of the whole object (the upload
        announced none, or the server keeps none), the object is read from beginning to end, in
        blocks, and the checksum is computed here: minutes for gigabytes.
        """
        key = self.key_of(name)
        try:
            head = self.client.head_object(Bucket=self.bucket_name, Key=key, ChecksumMode="ENABLED")
            sha256 = _whole_checksum(head) or self._compute_checksum(key, head["ETag"])
        except ClientError as error:
            if _status(error) == 404:
                return None
            raise
        modified_at: datetime = head["LastModified"]
        return StoredObject(int(head["ContentLength"]), sha256, modified_at)

    def _compute_checksum(self, key: str, etag: str) -> str:
        # Of the very object whose size was read: another one under its key is refused (412).
        answer = self.client.get_object(Bucket=self.bucket_name, Key=key, IfMatch=etag)
        digest = hashlib.sha256()
        # closing(): the body's own context is the bare answer, which may end early unnoticed.
        with closing(answer["Body"]) as body:
            for block in body.iter_chunks(_BLOCK):
                digest.update(block)
        return digest.hexdigest()


def _whole_checksum(head: Mapping[str, Any]) -> str:
    """Return the store's SHA-256 of the whole object as hex; "" where it gives none."""
    # Of an object that came in parts, it is a checksum of their checksums: "…=-7".
    try:
        digest = base64.b64decode(head.get("ChecksumSHA256") or "", validate=True)
    except binascii.Error:
        return ""
    return digest.hex() if len(digest) == hashlib.sha256().digest_size else ""


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _keep_signatures_out_of_logs() -> None:
    """Keep boto3 from logging the parts of signed links, unless somebody asked for just that.

    At DEBUG it writes what it signs, and the signature: whoever reads the log has the files.
    """
    signing = logging.getLogger("botocore.auth")
    if signing.level == logging.NOTSET:
        signing.setLevel(logging.INFO)
