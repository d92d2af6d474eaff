"""The file field of assets: its ``url`` raises and names the download view."""

from __future__ import annotations

from typing import NoReturn

from django.db import models
from django.db.models.fields.files import FieldFile

from django_digitalstore.core.exceptions import DigitalStoreError

__all__ = ["PrivateFieldFile", "PrivateFileField", "PrivateFileHasNoUrl"]


class PrivateFileHasNoUrl(DigitalStoreError, ValueError):
    """The URL of a sold file was asked for. Files leave through the download view only."""


class PrivateFieldFile(FieldFile):
    """A sold file."""

    @property
    def url(self) -> NoReturn:
        """Raise ``PrivateFileHasNoUrl``."""
        label = self.instance._meta.label
        raise PrivateFileHasNoUrl(
            f"{label}.{self.field.name}.url: a sold file has no URL, since whoever has the URL has "
            f"the file. Link to your subclass of GenericDownloadLinkView, which asks "
            f"entitlements.policies.has_access()."
        )


class PrivateFileField(models.FileField):
    """A ``FileField`` whose files have no URL."""

    attr_class = PrivateFieldFile
