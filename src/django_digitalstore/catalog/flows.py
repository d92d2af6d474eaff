"""The verbs of the catalog. Each validates its own input, whatever the form before it did.

``actor`` is the user who acts, or None for the site itself (a command, a task). An actor is the
product's seller or holds the model's change permission; anybody else meets ``NotYourProduct``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.core.files.storage import Storage
from django.db import models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core.flow import flow, retry_transaction

from . import get_asset_model
from .abstract_models import AbstractAsset, AbstractCategory, AbstractProduct, AbstractRelease
from .choices import ProductStatus
from .exceptions import NotYourProduct, ProductNotReady
from .validators import clean_file_name

__all__ = [
    "archive_product",
    "attach_file",
    "delete_category",
    "measure",
    "publish_product",
    "save_category",
    "save_product",
    "store_file",
    "unpublish_product",
]

C = TypeVar("C", bound=AbstractCategory)
P = TypeVar("P", bound=AbstractProduct)
A = TypeVar("A", bound=AbstractAsset)

#: Columns of a product that its other flows decide; saving an edited product never writes them.
DECIDED = frozenset({"status", "published_at", "seller"})


@flow
def save_product(
    product: P, *, categories: Iterable[AbstractCategory] | None = None, actor: Any = None
) -> P:
    """Save a new product as a draft, or what was edited in an existing one, and its categories.

    Status, publication date and seller of an existing product stay as the database has them, so a
    form that was opened before the product was archived doesn't put it back on sale.
    ``categories=None`` leaves the categories alone. Raises ``ProductNotReady`` with the fields that
    are wrong, and ``NotYourProduct``.
    """
    _check_actor(product, product, actor)
    adding = product._state.adding
    if adding and product.status != ProductStatus.DRAFT:
        raise ProductNotReady(
            {"status": _("A new product is a draft. Save it, then call publish_product().")}
        )
    _clean(product)
    if categories is not None:
        categories = list(categories)
        _check_categories(product, categories)
    try:
        _write(product)
        if categories is not None:
            product.categories.set(categories)
    except Exception:
        if adding:  # The row is rolled back: the object must not take itself for a saved one.
            product.pk, product._state.adding = None, True
        raise
    return product


@flow
def publish_product(product: P, *, actor: Any = None) -> P:
    """Put a draft or an archived product on sale; nothing changes for a published one.

    The first publication date is kept. Raises ``ProductNotReady`` where a field is wrong, and
    ``NotYourProduct``.
    """
    return _move(product, ProductStatus.PUBLISHED, actor)


@flow
def unpublish_product(product: P, *, actor: Any = None) -> P:
    """Make a product a draft again. Who owns it keeps it. Raises ``NotYourProduct``."""
    return _move(product, ProductStatus.DRAFT, actor)


@flow
def archive_product(product: P, *, actor: Any = None) -> P:
    """Take a product off the shop for good, or until it is published again.

    Who owns it keeps it. Raises ``NotYourProduct``.
    """
    return _move(product, ProductStatus.ARCHIVED, actor)


@flow
def save_category(category: C, *, actor: Any = None) -> C:
    """Save a category. Raises ``ProductNotReady`` with the fields that are wrong, and
    ``NotYourProduct``.
    """
    _check_actor(category, category, actor)
    _clean(category)
    _write(category)
    return category


@flow
def delete_category(category: AbstractCategory, *, actor: Any = None) -> None:
    """Delete a category; its products stay, outside of it.

    Raises ``NotYourProduct``, and Django's ``ProtectedError`` where a host's key protects it.
    """
    _check_actor(category, category, actor)
    category.delete()


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
    _check_actor(asset, asset.release.product, actor)
    asset.name = clean_file_name(asset.name)
    asset.size, asset.sha256 = measure(file)
    # The uploaded name shows nowhere: the storage makes a random one, and keeps the extension.
    asset.file = File(file.file, name=asset.name or "file")
    _clean(asset)
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


def _move(product: P, status: ProductStatus, actor: Any) -> P:
    """Bring a product into ``status`` under its row's lock."""
    model = type(product)
    using = router.db_for_write(model, instance=product)
    row = model._base_manager.using(using).select_for_update().get(pk=product.pk)
    _check_actor(row, row, actor)
    if status == ProductStatus.PUBLISHED:
        _clean(row)
    if row.status != status:
        row.status = status
        if status == ProductStatus.PUBLISHED and row.published_at is None:
            row.published_at = timezone.now()
        row.save(update_fields=["status", "published_at", "updated_at"])
    product.status, product.published_at = row.status, row.published_at
    product.updated_at = row.updated_at
    return product


def _write(instance: models.Model) -> None:
    """Insert a new row; update an old one without the columns that other flows decide."""
    if instance._state.adding:
        instance.save()
        return
    columns = [f.name for f in instance._meta.concrete_fields if not f.primary_key]
    instance.save(update_fields=[name for name in columns if name not in DECIDED])


def _clean(instance: models.Model) -> None:
    try:
        instance.full_clean()
    except ValidationError as error:
        raise ProductNotReady(error.error_dict) from error


def _check_categories(product: AbstractProduct, categories: list[AbstractCategory]) -> None:
    for category in categories:
        if category.seller_id is not None and category.seller_id != product.seller_id:
            raise ProductNotReady(
                {
                    "categories": _(
                        "The category “%(category)s” belongs to another seller. Choose one of the "
                        "site's or of the product's seller."
                    )
                    % {"category": category}
                }
            )


def _check_actor(instance: models.Model, owned: Any, actor: Any) -> None:
    if actor is None or (owned.seller_id is not None and owned.seller_id == actor.pk):
        return
    options = instance._meta
    if actor.is_active and actor.has_perm(f"{options.app_label}.change_{options.model_name}"):
        return
    raise NotYourProduct(
        _("%(model)s “%(object)s” belongs to somebody else. Only its seller and staff change it.")
        % {"model": options.label, "object": instance}
    )
