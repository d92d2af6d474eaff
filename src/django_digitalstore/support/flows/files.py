"""Files of a message: checked, and put into the private storage before anything is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_digitalstore.catalog.flows import measure
from django_digitalstore.catalog.validators import clean_file_name
from django_digitalstore.core import guard
from django_digitalstore.support import get_support_attachment_model
from django_digitalstore.support.exceptions import InvalidSupport

if TYPE_CHECKING:
    from django_digitalstore.support.abstract_models import AbstractSupportMessage

__all__: list[str] = []  # for the flows beside it alone


@dataclass(slots=True)
class StoredFiles:
    """Files that lie in the storage. Those that no message keeps leave it again."""

    stored: list[dict[str, Any]] = field(default_factory=list)
    is_kept: bool = False


def check_files(files: Sequence[File[Any]]) -> None:
    """Raise ``InvalidSupport`` for too many files, and for one too large or of a wrong kind."""
    most = settings.DIGITALSTORE_SUPPORT_ATTACHMENTS
    if len(files) > most:
        raise _wrong(
            ngettext("Attach at most %(most)d file.", "Attach at most %(most)d files.", most)
            % {"most": most}
        )
    largest = settings.DIGITALSTORE_SUPPORT_ATTACHMENT_MAX_BYTES
    extensions = settings.DIGITALSTORE_SUPPORT_ATTACHMENT_EXTENSIONS
    for file in files:
        name = clean_file_name(file.name or "")
        if not name:
            raise _wrong(_("A file needs a name."))
        if not file.size:
            raise _wrong(_("“%(name)s” is empty.") % {"name": name})
        if file.size > largest:
            raise _wrong(
                _("“%(name)s” is too large: attach at most %(most)s.")
                % {"name": name, "most": filesizeformat(largest)}
            )
        extension = PurePosixPath(name).suffix.lower().removeprefix(".")
        if extensions is not None and extension not in extensions:
            raise _wrong(
                _("“%(name)s” is of a kind that is not taken. These are: %(kinds)s.")
                % {"name": name, "kinds": ", ".join(extensions)}
            )


def _wrong(text: str) -> InvalidSupport:
    return InvalidSupport({"files": text})


@contextmanager
def stored_files(files: Sequence[File[Any]]) -> Iterator[StoredFiles]:
    """Store ``files`` under random names; take them away again unless they are marked as kept.

    A call over the network with most storages: around the transaction, not inside of it.
    """
    model = get_support_attachment_model()
    stored = StoredFiles()
    storage = model._meta.get_field("file").storage
    try:
        for position, file in enumerate(files):
            size, sha256 = measure(file)
            attachment = model(name=clean_file_name(file.name or ""))
            path = attachment.file.field.generate_filename(attachment, attachment.name)
            stored.stored.append(
                {
                    "name": attachment.name,
                    "file": storage.save(path, File(file.file, name=attachment.name)),
                    "size": size,
                    "sha256": sha256,
                    "position": position,
                }
            )
        yield stored
    except BaseException:
        stored.is_kept = False
        raise
    finally:
        if not stored.is_kept:
            for each in stored.stored:
                storage.delete(each["file"])


def attach(message: AbstractSupportMessage, files: StoredFiles) -> None:
    """Add the rows of ``files`` to a message."""
    for each in files.stored:
        guard.insert(
            get_support_attachment_model()(message=message, **each)  # type: ignore[misc]
        )
