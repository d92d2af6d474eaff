"""Takes an upload while its bytes pass: counts them, hashes them, and stops at the limit.

Set it before anything reads ``request.POST`` or ``request.FILES``:
``request.upload_handlers = [MeasuringUploadHandler(request)]``.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile, StopUpload
from django.http import HttpRequest

from . import get_asset_model
from .storage import INCOMING
from .upload_limits import validate_extension, validate_size

__all__ = ["MeasuredFile", "MeasuringUploadHandler"]


class MeasuredFile(TemporaryUploadedFile):
    """An upload on disk whose SHA-256 is known already; it goes when it is closed.

    It lies next to where it will be kept, so that keeping it is one rename and never half a copy,
    and what a killed process leaves is found by ``flows.prune_uploads``.
    """

    #: Hex; "" until the last byte has passed.
    sha256: str = ""

    def __init__(
        self, name: str, content_type: str | None, charset: str | None, extra: Any
    ) -> None:
        file = tempfile.NamedTemporaryFile(suffix=".upload", dir=_incoming())  # noqa: SIM115
        # The parent's own __init__ would make its file in FILE_UPLOAD_TEMP_DIR.
        UploadedFile.__init__(self, file, name, content_type, 0, charset, extra)


def _incoming() -> str | None:
    """Return the folder of uploads under way; for remote storages that of the settings."""
    storage = get_asset_model()._meta.get_field("file").storage
    try:
        folder = storage.path(INCOMING)
    except NotImplementedError:
        return settings.FILE_UPLOAD_TEMP_DIR
    os.makedirs(folder, exist_ok=True)
    return folder


class MeasuringUploadHandler(FileUploadHandler):
    """Writes one file to disk and hashes it, one pass; refuses what the settings don't allow.

    The limit is for all files of a request together. What is refused is thrown away at once, and
    ``refusal`` says why; the other fields of the form are still read, so that the page can answer.
    Where more than as much again would follow, the connection is closed instead.
    """

    #: The file that is under way. Absent between two files: Django's parser closes what is there.
    file: MeasuredFile

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        #: Why a file of the request was refused; None where none was.
        self.refusal: ValidationError | None = None
        self._received = 0
        self._length = 0
        self._hash = hashlib.sha256()

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  Django's name
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> None:
        """Note what the browser says that it will send."""
        self._length = content_length or 0

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin a file, or skip one whose name is refused."""
        super().new_file(*args, **kwargs)
        # What came before is complete and belongs to the request: it must not be closed with this.
        vars(self).pop("file", None)
        name = str(self.file_name)
        try:
            validate_extension(name)
        except ValidationError as error:
            self._refuse(error)
        self._hash = hashlib.sha256()
        self.file = MeasuredFile(name, self.content_type, self.charset, self.content_type_extra)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write and hash a chunk, or stop: the first byte too many is not written."""
        self._received += len(raw_data)
        try:
            validate_size(str(self.file_name), self._received)
        except ValidationError as error:
            self._refuse(error)
        self._hash.update(raw_data)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> MeasuredFile | None:
        """Return the file with its size and SHA-256."""
        if "file" not in vars(self):
            return None
        self.file.seek(0)
        self.file.size = file_size
        self.file.sha256 = self._hash.hexdigest()
        return self.file

    def upload_interrupted(self) -> None:
        """Throw away what came before the connection broke."""
        file = vars(self).pop("file", None)
        if file is not None:
            file.close()

    def _refuse(self, error: ValidationError) -> None:
        self.refusal = error
        self.upload_interrupted()
        # A browser that is still sending doesn't read the page, so the rest is read and dropped;
        # not where that could go on for ever.
        if self._is_endless():
            raise StopUpload(connection_reset=True)
        raise SkipFile

    def _is_endless(self) -> bool:
        return self._length > 2 * settings.DIGITALSTORE_UPLOAD_MAX_BYTES + 2**20
