"""Files of a release: put into the private storage, measured, saved."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import router, transaction

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.catalog.abstract_models import AbstractAsset, AbstractRelease
from django_digitalstore.catalog.validators import clean_file_name
from django_digitalstore.core.flow import flow, retry_transaction

from .rules import check_actor, clean

__all__ = ["attach_file", "measure", "store_file"]

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
def store_file(asset: A, file: File[Any], *, actor: Any = None) -> A:
    """Put ``file`` into an asset, new or existing, and save both with its size and SHA-256.

    The asset's name is cleaned. A file that is replaced leaves the storage after commit. Reads the
    whole file twice, in chunks. Raises what ``attach_file`` raises.
    """
    check_actor(asset, asset.release.product, actor)
    asset.name = clean_file_name(asset.name)
    asset.size, asset.sha256 = measure(file)
    # The uploaded name shows nowhere: the storage makes a random one, and keeps the extension.
    asset.file = File(file.file, name=asset.name or "file")
    clean(asset)
    using = router.db_for_write(type(asset), instance=asset)
    before = None
    if not asset._state.adding:
        before = (
            type(asset)
            ._default_manager.using(using)
            .filter(pk=asset.pk)
            .values_list("file", flat=True)
            .first()
        )
    # A call over the network with most storages: before the transaction, not inside of it.
    asset.file.save(asset.name, File(file.file, name=asset.name), save=False)
    storage: Storage = asset.file.storage
    stored = str(asset.file.name)
    try:
        retry_transaction(lambda: asset.save(using=using), using=using)
    except BaseException:
        storage.delete(stored)
        raise
    if before and before != stored:
        transaction.on_commit(lambda: storage.delete(str(before)), using=using, robust=True)
    return asset


def measure(file: File[Any]) -> tuple[int, str]:
    """Return how many bytes ``file`` has and their SHA-256, read in chunks from its beginning."""
    size, digest = 0, hashlib.sha256()
    for chunk in file.chunks():
        size += len(chunk)
        digest.update(chunk)
    file.seek(0)
    return size, digest.hexdigest()
