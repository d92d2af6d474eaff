"""Uploads that go straight from the seller's browser to the storage, and what they leave behind.

A new file has a row from the start, which is *processing*, and given to nobody, until the storage
says that what lies there is what was announced. A replacement has none: the file it is for stays
as it is until the new bytes are proven.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.core.files.storage import Storage
from django.db import models, router
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_asset_model
from django_digitalstore.catalog.abstract_models import AbstractAsset
from django_digitalstore.catalog.choices import AssetState
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.catalog.storage import INCOMING, SOLD, asset_path
from django_digitalstore.catalog.uploads import (
    DirectUploadStorage,
    StoredObject,
    UploadTicket,
    direct_uploads,
)
from django_digitalstore.catalog.validators import clean_file_name
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction

from .asset_rows import check_limits, discard, gone, locked, put_in, using_of
from .rules import check_actor, clean

__all__ = [
    "Finished",
    "Pruned",
    "Pruning",
    "cancel_upload",
    "finish_replacement",
    "finish_upload",
    "finish_uploads",
    "prune_uploads",
    "start_replacement",
    "start_upload",
]

logger = logging.getLogger(__name__)

A = TypeVar("A", bound=AbstractAsset)

#: How long after its start an upload that has not arrived counts as failed. Tickets are good for
#: minutes; what comes later after all, makes the file ready all the same.
PATIENCE = timedelta(hours=1)
#: An object that nobody names lives so much longer than DIGITALSTORE_UPLOAD_AGE: a replacement
#: that is finished at the last moment must not lose its bytes meanwhile.
MARGIN = timedelta(hours=1)

_SHA256 = re.compile(r"[0-9a-f]{64}")


@flow(atomic=False)
def start_upload(asset: A, *, size: int, sha256: str, actor: Any = None) -> UploadTicket:
    """Save a new asset as *processing*, and return the ticket with which its bytes are uploaded.

    ``size`` in bytes and ``sha256`` in hex are what the browser says of its file: ``finish_upload``
    compares them with what arrived. The object's name is chosen here. Talks to the storage outside
    of any transaction. Raises ``ProductNotReady`` with the fields that are wrong,
    ``NotYourProduct``, and what the storage raises; neither leaves a row behind.
    """
    check_actor(asset, asset.release.product, actor)
    asset.name = clean_file_name(asset.name)
    direct = _check_announced(asset, asset.name, size, sha256)
    asset.size, asset.sha256 = size, sha256
    asset.state, asset.failure = AssetState.PROCESSING, ""
    asset.file.name = asset_path(asset, asset.name)
    clean(asset)
    name, using = str(asset.file.name), using_of(asset)
    retry_transaction(lambda: asset.save(using=using), using=using)
    try:
        return call_provider(direct.start_upload, name, size=size, sha256=sha256)
    except BaseException:
        asset.delete()
        raise


@flow(atomic=False)
def finish_upload(asset: A, *, actor: Any = None) -> A:
    """Ask the storage what arrived, and make the asset ready, or failed, by what it answers.

    Nothing changes where nothing is there yet and there is still time, nor for an asset that is
    ready. One that failed is looked at again. Asks outside of any transaction, and may read the
    whole object. Raises ``NotYourProduct``, ``ProductNotReady`` where the asset is gone, and what
    the storage raises.
    """
    check_actor(asset, asset.release.product, actor)
    if asset.is_ready:
        return asset
    name = str(asset.file.name)
    found = call_provider(_direct(asset).read_upload, name)
    state, failure = _judge(asset, found)

    def write() -> A:
        row = locked(asset)
        if row is None:
            raise gone()
        # Another tab, or the form, was faster; what was read says nothing about another object.
        if not row.is_ready and row.file.name == name:
            row.state, row.failure = state, failure
            row.save(update_fields=["state", "failure"])
        return row

    row = retry_transaction(write, using=using_of(asset))
    asset.state, asset.failure = row.state, row.failure
    return asset


@flow
def cancel_upload(asset: AbstractAsset, *, actor: Any = None) -> None:
    """Take away an asset whose upload is not complete; nothing happens to one that is ready.

    Raises ``NotYourProduct``.
    """
    check_actor(asset, asset.release.product, actor)
    _take_away(asset)


@flow(atomic=False)
def start_replacement(
    asset: AbstractAsset, *, size: int, sha256: str, actor: Any = None
) -> tuple[str, UploadTicket]:
    """Return the name of a new object for an existing asset, and the ticket to upload it.

    Nothing is saved: the asset keeps its bytes until ``finish_replacement``. Raises what
    ``start_upload`` raises.
    """
    check_actor(asset, asset.release.product, actor)
    direct = _check_announced(asset, asset.name, size, sha256)
    name = asset_path(asset, asset.name)
    return name, call_provider(direct.start_upload, name, size=size, sha256=sha256)


@flow(atomic=False)
def finish_replacement(asset: A, name: str, *, size: int, sha256: str, actor: Any = None) -> A:
    """Put the object ``name`` of ``start_replacement`` into the asset, once it is what was said.

    The bytes before leave the storage after commit. A second call changes nothing. Never take
    ``name``, ``size`` and ``sha256`` from a request unsigned. Raises ``ProductNotReady`` where the
    object is not there, is something else, belongs to another asset, or the asset is gone or was
    replaced meanwhile; and ``NotYourProduct``.
    """
    check_actor(asset, asset.release.product, actor)
    _check_announced(asset, asset.name, size, sha256)
    rows = type(asset)._base_manager.using(using_of(asset))
    if not name.startswith(f"{SOLD}/") or rows.filter(file=name).exclude(pk=asset.pk).exists():
        raise ProductNotReady({"file": _("This upload belongs to another file.")})
    before = rows.filter(pk=asset.pk).values_list("file", flat=True).first()
    if before == name:
        return asset
    found = call_provider(_direct(asset).read_upload, name)
    why = _difference(found, size, sha256) if found else _("The upload has not arrived.")
    if why:
        raise ProductNotReady({"file": why})
    asset.size, asset.sha256 = size, sha256
    asset.state, asset.failure = AssetState.READY, ""
    asset.file.name = name
    put_in(asset, name, keeps_rest=True, instead_of=before)
    return asset


@dataclass(slots=True)
class Finished:
    """What ``finish_uploads`` did, in numbers of assets."""

    ready: int = 0
    failed: int = 0
    waiting: int = 0
    #: The storage could not be asked; the log says why.
    troubles: int = 0


@flow(atomic=False)
def finish_uploads() -> Finished:
    """Finish the uploads of which no browser told, and give up those that did not arrive.

    One that failed is looked at again only where its bytes came after it was given up: reading
    gigabytes that were wrong before, once a minute, would keep the uploads of others waiting.
    """
    done = Finished()
    for asset in _unfinished():
        if direct_uploads(asset.file.storage) is None:
            continue
        if asset.state == AssetState.FAILED and not _came_late(asset):
            done.failed += 1
            continue
        try:
            finish_upload(asset)
        except ProductNotReady:  # deleted meanwhile
            continue
        except Exception:
            logger.exception("The upload of asset %s could not be finished", asset.pk)
            done.troubles += 1
            continue
        if asset.is_ready:
            done.ready += 1
        elif asset.state == AssetState.FAILED:
            done.failed += 1
        else:
            done.waiting += 1
    return done


@dataclass(frozen=True, slots=True)
class Pruning:
    """One thing that is taken away: an asset that never became ready, or an object."""

    name: str
    #: The asset's key; None for an object that no row names.
    asset: Any = None

    def __str__(self) -> str:
        if self.asset is None:
            return f"{self.name}: nothing names it"
        return f"{self.name}: asset {self.asset} was never completed"


@dataclass(slots=True)
class Pruned:
    """What ``prune_uploads`` took away."""

    assets: int = 0
    objects: int = 0
    troubles: int = 0
    #: Why orphaned objects could not be looked for; "" where they were.
    unlisted: str = ""


@flow(atomic=False)
def prune_uploads(
    *, is_dry: bool = False, tell: Callable[[Pruning], object] = lambda found: None
) -> Pruned:
    """Take away uploads that were not completed within DIGITALSTORE_UPLOAD_AGE, and orphans.

    Assets that are processing or failed go with their objects; then objects of the private storage
    that no row names: what a killed process, a rolled back transaction or a deletion left. Each
    is asked about again at the moment it is deleted. Storages that can't list what they hold keep
    their orphans; so does a storage of which the database names nothing at all: that is how it
    looks to a second site, or while a backup is restored. ``is_dry`` only tells. Raises
    ``CalledInTransaction`` inside a transaction.
    """
    refuse_in_transaction("catalog.flows.prune_uploads()")
    done = Pruned()
    now = timezone.now()
    stale = _unfinished().filter(created_at__lt=now - settings.DIGITALSTORE_UPLOAD_AGE)
    for asset in stale:
        name = str(asset.file.name)
        if not is_dry and not retry_transaction(
            lambda asset=asset: _take_away(asset),  # type: ignore[misc]
            using=using_of(asset),
        ):
            continue
        done.assets += 1
        tell(Pruning(name, asset.pk))
    storage: Storage = get_asset_model()._meta.get_field("file").storage
    try:
        for name in _orphans(storage, now - settings.DIGITALSTORE_UPLOAD_AGE - MARGIN):
            if name.startswith(f"{SOLD}/") and not _knows_any_file():
                done.unlisted = (
                    "the database names no file at all, so it may not be the one that these files "
                    "belong to. Check DATABASES and the storage; if it is, upload a file."
                )
                continue
            if not is_dry and not _delete_orphan(storage, name):
                done.troubles += 1
                continue
            done.objects += 1
            tell(Pruning(name))
    except NotImplementedError as error:
        done.unlisted = str(error) or f"{type(storage).__name__} can't list its files."
    return done


def _unfinished() -> QuerySet[Any]:
    model = get_asset_model()
    states = [AssetState.PROCESSING, AssetState.FAILED]
    rows = model._base_manager.filter(state__in=states)
    return rows.select_related("release__product").order_by("pk")


def _came_late(asset: AbstractAsset) -> bool:
    """Tell whether the object of a failed upload was written after its time was over."""
    try:
        written_at = _modified_at(asset.file.storage, str(asset.file.name), gone=asset.created_at)
    except Exception:
        # With an object storage, that nothing is there is an error of its own kind.
        logger.debug("Nothing is known of the object of asset %s", asset.pk, exc_info=True)
        return False
    return written_at > asset.created_at + PATIENCE


def _direct(asset: AbstractAsset) -> DirectUploadStorage:
    direct = direct_uploads(asset.file.storage)
    if direct is None:
        raise ProductNotReady(
            {"file": _("This storage takes no direct uploads. Upload the file by the form.")}
        )
    return direct


def _check_announced(
    asset: AbstractAsset, name: str, size: int, sha256: str
) -> DirectUploadStorage:
    """Check what a browser says of its file, before it sends it."""
    direct = _direct(asset)
    check_limits(name, size)
    if size < 1:
        raise ProductNotReady({"file": _("The file is empty.")})
    # Without it anybody with the ticket could exchange the bytes after they were checked.
    if not _SHA256.fullmatch(sha256):
        raise ProductNotReady({"file": _("The SHA-256 of the file is missing.")})
    return direct


def _judge(asset: AbstractAsset, found: StoredObject | None) -> tuple[str, str]:
    """Return state and failure of an asset whose storage has ``found``."""
    if found is None:
        if timezone.now() - asset.created_at < PATIENCE:
            return AssetState.PROCESSING, ""
        return AssetState.FAILED, _("The upload has not arrived.")
    failure = _difference(found, asset.size, asset.sha256)
    return (AssetState.FAILED if failure else AssetState.READY), failure


def _difference(found: StoredObject, size: int, sha256: str) -> str:
    """Say how the stored object is not what was announced; nothing where it is."""
    if found.size != size:
        return _("%(found)d bytes arrived instead of %(size)d. Upload the file again.") % {
            "found": found.size,
            "size": size,
        }
    if found.sha256 != sha256:
        return _("Other bytes arrived than were sent. Upload the file again.")
    return ""


def _take_away(asset: AbstractAsset) -> bool:
    """Delete an asset that is not ready, under its lock; its object goes after commit."""
    row = locked(asset)
    if row is None or row.is_ready:
        return False
    row.delete()
    discard(row.file.storage, str(row.file.name), using=using_of(asset))
    return True


def _orphans(storage: Storage, before: datetime) -> Iterator[str]:
    """Yield the names of objects older than ``before`` that no row names."""
    for folder in (SOLD, INCOMING):
        for names in _walk(storage, folder):
            named = _named(names)
            for name in names:
                if name not in named and _modified_at(storage, name, gone=timezone.now()) < before:
                    yield name


def _named(names: list[str]) -> set[str]:
    """Return those of the names that a file field of any model of the project has.

    Not of assets only: a host may keep files of its own in the private storage.
    """
    found: set[str] = set()
    for model in apps.get_models():
        if model._meta.proxy:
            continue
        for field in model._meta.local_concrete_fields:
            if isinstance(field, models.FileField):
                # A replica may not know yet what the primary does.
                rows = model._base_manager.using(router.db_for_write(model))
                same = rows.filter(**{f"{field.attname}__in": names})
                found.update(same.values_list(field.attname, flat=True))
    return found


def _knows_any_file() -> bool:
    model = get_asset_model()
    return model._base_manager.using(router.db_for_write(model)).exists()


def _walk(storage: Storage, folder: str) -> Iterator[list[str]]:
    """Yield the names in a folder and all below it, at most 500 at a time."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:
        return
    names = [f"{folder}/{file}" for file in files if file]
    for start in range(0, len(names), 500):
        yield names[start : start + 500]
    for inner in folders:
        yield from _walk(storage, f"{folder}/{inner}")


def _modified_at(storage: Storage, name: str, *, gone: datetime) -> datetime:
    """Return when an object was written; ``gone`` where there is none."""
    try:
        at = storage.get_modified_time(name)
    except FileNotFoundError:
        return gone
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def _delete_orphan(storage: Storage, name: str) -> bool:
    """Delete an object unless a row names it by now; tell whether it is gone."""
    if _named([name]):
        return False
    try:
        storage.delete(name)
    except Exception:
        logger.exception("The object %s could not be deleted", name)
        return False
    return True
