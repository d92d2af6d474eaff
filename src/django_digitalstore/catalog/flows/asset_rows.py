"""Rows of assets and the objects they name, changed together: what both ways of uploading share."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.files.storage import Storage
from django.db import router, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog.abstract_models import AbstractAsset
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.upload_limits import validate_extension, validate_size
from django_digitalstore.core.flow import retry_transaction

__all__ = ["check_limits", "discard", "gone", "locked", "put_in", "using_of"]

A = TypeVar("A", bound=AbstractAsset)

#: What new bytes change in an existing row. ``created_at`` is sent as Last-Modified: whoever
#: resumes by date must not mix old and new bytes.
OF_BYTES = ("file", "size", "sha256", "state", "failure", "created_at")


def using_of(asset: AbstractAsset) -> str:
    """Return the alias of the database that the asset is written to."""
    return router.db_for_write(type(asset), instance=asset)


def locked(asset: A) -> A | None:
    """Return the asset's row under its lock, inside a transaction; None where it is gone."""
    manager = type(asset)._base_manager.using(using_of(asset))
    return manager.select_for_update().filter(pk=asset.pk).first()


def gone() -> ProductNotReady:
    """Return the error of whoever comes after the asset was deleted."""
    return ProductNotReady(
        {"file": _("This file was deleted or taken away in the meantime. Upload it again.")}
    )


def check_limits(name: str, size: int) -> None:
    """Raise ``ProductNotReady`` where the settings don't allow such a file."""
    for field, problem in (
        ("name", lambda: validate_extension(name)),
        ("file", lambda: validate_size(name, size)),
    ):
        # Without a name there is another error, which says what to do.
        if not name:
            continue
        try:
            problem()
        except ValidationError as error:
            raise ProductNotReady({field: error}) from error


def put_in(
    asset: AbstractAsset, stored: str, *, keeps_rest: bool = False, instead_of: str | None = None
) -> None:
    """Save ``asset``, which names the object ``stored`` now; the one before goes after commit.

    With ``keeps_rest`` everything but the bytes stays as the database has it: an upload takes long,
    and what was read before it may be old by now. Raises ``ProductNotReady`` where the row was
    deleted in the meantime: saving must not make it anew; and where it names another object than
    ``instead_of``: ``stored`` may have been put in and replaced already, and be deleted.
    """
    using = using_of(asset)

    def write() -> None:
        row = None
        if not asset._state.adding:
            row = locked(asset)
            if row is None:
                raise gone()
            if instead_of is not None and row.file.name not in {instead_of, stored}:
                raise ProductNotReady({"file": _("This upload is over. Upload the file again.")})
            asset.created_at = timezone.now()
        if row is not None and keeps_rest:
            for field in row._meta.concrete_fields:
                if field.name not in OF_BYTES:
                    setattr(asset, field.attname, getattr(row, field.attname))
            asset.save(using=using, update_fields=OF_BYTES)
        else:
            asset.save(using=using)
        if row is not None and row.file and row.file.name != stored:
            discard(row.file.storage, str(row.file.name), using=using)

    retry_transaction(write, using=using)


def discard(storage: Storage, name: str, *, using: str) -> None:
    """Delete an object after commit. What fails is an orphan, which ``prune_uploads`` takes."""

    def delete(*args: Any) -> None:
        storage.delete(name)

    transaction.on_commit(delete, using=using, robust=True)
