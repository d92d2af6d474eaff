"""Files of a release: put into the private storage, measured, saved."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from django.core.files.base import File
from django.core.files.storage import Storage

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.catalog.abstract_models import AbstractAsset, AbstractRelease
from django_digitalstore.catalog.choices import AssetState
from django_digitalstore.catalog.upload_handler import MeasuredFile
from django_digitalstore.catalog.validators import clean_file_name
from django_digitalstore.core.flow import flow

from .asset_rows import check_limits, discard, gone, locked, put_in, using_of
from .rules import check_actor, clean

__all__ = ["attach_file", "delete_file", "measure", "save_file", "store_file"]

A = TypeVar("A", bound=AbstractAsset)


@flow(atomic=False)
def attach_file(
    release: AbstractRelease,
    file: File[Any],
    *,
    name: str,
    platform: str = "",
    position: int = 0,
    actor: Any = None,
) -> AbstractAsset:
    """Add ``file`` to a release under a cleaned ``name``, with its size and SHA-256.

    Writes to the private storage, then inserts the row in a transaction. Raises
    ``ProductNotReady`` where nothing of the name is left or a field is wrong, and
    ``NotYourProduct``; neither leaves a file behind.
    """
    fields: dict[str, Any] = {"release": release, "name": name, "platform": platform}
    asset = get_asset_model()(position=position, **fields)
    return store_file(asset, file, actor=actor)


@flow(atomic=False)
def store_file(asset: A, file: File[Any], *, actor: Any = None, keeps_rest: bool = False) -> A:
    """Put ``file`` into an asset, new or existing, and save both with its size and SHA-256.

    The asset's name is cleaned; it is ready afterwards, whatever it was. With ``keeps_rest`` name,
    visibility and everything else of an existing asset stay as the database has them. A file that
    is replaced leaves the storage after commit. Reads the whole file twice, in chunks; once where
    an upload was measured while it came in. Raises what ``attach_file`` raises.
    """
    check_actor(asset, asset.release.product, actor)
    asset.name = clean_file_name(asset.name)
    asset.size, asset.sha256 = measure(file)
    check_limits(asset.name, asset.size)
    asset.state, asset.failure = AssetState.READY, ""
    # The uploaded name shows nowhere: the storage makes a random one, and keeps the extension.
    asset.file = File(file.file, name=asset.name or "file")
    clean(asset)
    # A call over the network with most storages: before the transaction, not inside of it. The
    # upload itself, not a wrapper: what lies on the same disk is then moved and not copied.
    asset.file.save(asset.name, file, save=False)
    storage: Storage = asset.file.storage
    stored = str(asset.file.name)
    try:
        put_in(asset, stored, keeps_rest=keeps_rest)
    except BaseException:
        storage.delete(stored)
        raise
    return asset


@flow
def save_file(asset: A, *, actor: Any = None) -> A:
    """Save name, platform, visibility and position of an existing asset; its bytes stay.

    Raises ``ProductNotReady`` with the fields that are wrong, or where the asset is gone, and
    ``NotYourProduct``.
    """
    check_actor(asset, asset.release.product, actor)
    asset.name = clean_file_name(asset.name)
    check_limits(asset.name, 0)
    clean(asset)
    if locked(asset) is None:
        raise gone()
    asset.save(update_fields=["name", "platform", "visibility", "position"])
    return asset


@flow
def delete_file(asset: AbstractAsset, *, actor: Any = None) -> None:
    """Delete an asset; its bytes leave the storage after commit.

    Who owns the product can't download it any more. Nothing happens where it is gone already.
    Raises ``NotYourProduct``.
    """
    check_actor(asset, asset.release.product, actor)
    row = locked(asset)
    if row is not None:
        row.delete()
        discard(row.file.storage, str(row.file.name), using=using_of(asset))


def measure(file: File[Any]) -> tuple[int, str]:
    """Return how many bytes ``file`` has and their SHA-256, read in chunks from its beginning.

    An upload that ``MeasuringUploadHandler`` took in is not read again.
    """
    if isinstance(file, MeasuredFile) and file.sha256 and file.size is not None:
        return file.size, file.sha256
    size, digest = 0, hashlib.sha256()
    for chunk in file.chunks():
        size += len(chunk)
        digest.update(chunk)
    file.seek(0)
    return size, digest.hexdigest()
