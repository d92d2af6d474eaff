"""The file field of attachments: its ``url`` raises and names the download view."""

from __future__ import annotations

from typing import NoReturn

from django_digitalstore.catalog.fields import (
    PrivateFieldFile,
    PrivateFileField,
    PrivateFileHasNoUrl,
)

__all__ = ["AttachmentFieldFile", "AttachmentFileField"]


class AttachmentFieldFile(PrivateFieldFile):
    """A file of a support message."""

    @property
    def url(self) -> NoReturn:
        """Raise ``PrivateFileHasNoUrl``."""
        label = self.instance._meta.label
        raise PrivateFileHasNoUrl(
            f"{label}.{self.field.name}.url: a file of a support message has no URL, since whoever "
            f"has the URL has the file. Give it out by a view that asks "
            f"support.policies.can_download(user, attachment)."
        )


class AttachmentFileField(PrivateFileField):
    """A ``FileField`` whose files have no URL."""

    attr_class = AttachmentFieldFile
