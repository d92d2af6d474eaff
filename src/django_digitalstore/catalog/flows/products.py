"""Products and categories: saved, put on sale, taken off it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

from django.db import models, router
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog.abstract_models import AbstractCategory, AbstractProduct
from django_digitalstore.catalog.choices import ProductStatus
from django_digitalstore.catalog.exceptions import ProductNotReady
from django_digitalstore.core.flow import flow

from .rules import check_actor, clean, update_days_problem

__all__ = [
    "archive_product",
    "delete_category",
    "publish_product",
    "save_category",
    "save_product",
    "unpublish_product",
]

C = TypeVar("C", bound=AbstractCategory)
P = TypeVar("P", bound=AbstractProduct)

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
    check_actor(product, product, actor)
    adding = product._state.adding
    if adding and product.status != ProductStatus.DRAFT:
        raise ProductNotReady(
            {"status": _("A new product is a draft. Save it, then call publish_product().")}
        )
    problem = update_days_problem(product.updates, product.update_days)
    if problem:
        raise ProductNotReady({"update_days": problem})
    clean(product)
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
    check_actor(category, category, actor)
    clean(category)
    _write(category)
    return category


@flow
def delete_category(category: AbstractCategory, *, actor: Any = None) -> None:
    """Delete a category; its products stay, outside of it.

    Raises ``NotYourProduct``, and Django's ``ProtectedError`` where a host's key protects it.
    """
    check_actor(category, category, actor)
    category.delete()


def _move(product: P, status: ProductStatus, actor: Any) -> P:
    """Bring a product into ``status`` under its row's lock."""
    model = type(product)
    using = router.db_for_write(model, instance=product)
    row = model._base_manager.using(using).select_for_update().get(pk=product.pk)
    check_actor(row, row, actor)
    if status == ProductStatus.PUBLISHED:
        clean(row)
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
