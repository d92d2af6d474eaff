"""What differs between our products and the providers', found by hash; and bringing it there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import router
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.flow import flow
from django_digitalstore.core.provider_calls import refuse_in_transaction
from django_digitalstore.payments.backends import BasePaymentBackend, Item, payment_backends
from django_digitalstore.payments.exceptions import ItemNotSynced
from django_digitalstore.payments.fulfilments import Quote
from django_digitalstore.payments.models import ItemState, ProviderItem

from .items import (
    ItemOutcome,
    Pace,
    Wish,
    is_archived,
    is_there,
    item_digest,
    provider_items,
    quotes_of,
    sync_item,
    wish_for,
)

__all__ = ["ItemDifference", "ItemReason", "find_differences", "sync_items"]

#: Products that are read at once.
PAGE: Final = 500

#: After so many failures one after the other the provider is let alone until the next run.
MOST_FAILURES: Final = 5


class ItemReason(StrEnum):
    """Why an item is to be brought to a provider."""

    NEW = "new"
    CHANGED = "changed"
    #: It was archived there.
    RETURNED = "on sale again"
    NOT_FOR_SALE = "not for sale"
    #: What is free skips the provider.
    FREE = "free"
    DELETED = "deleted"
    #: It failed before.
    FAILED = "failed before"
    #: It was noted as changed, and nothing that the provider knows is: no call is needed.
    SAME = "the same"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDifference:
    """An item that a provider doesn't have as we do; ``detail`` is the last failure's text."""

    alias: str
    kind: str
    product: str
    name: str
    reason: ItemReason
    detail: str = ""


def find_differences(
    alias: str, *, on_page: Callable[[int], None] | None = None
) -> Iterator[ItemDifference]:
    """Yield what differs, in pages: a few queries for 500 products, and no call to the provider.

    What failed before comes last: it must not keep the others waiting. ``on_page`` is told how
    many products were looked at so far.
    """
    backend = payment_backends[alias]
    failed = []
    for difference in _all_differences(backend, on_page or (lambda count: None)):
        if difference.reason == ItemReason.FAILED:
            failed.append(difference)
        else:
            yield difference
    yield from failed


@flow(atomic=False)
def sync_items(
    alias: str, *, limit: int | None = None, on_page: Callable[[int], None] | None = None
) -> Iterator[tuple[ItemDifference, ItemOutcome | ItemNotSynced]]:
    """Bring what differs to a provider, one after the other, and yield how each ended.

    At most ``limit`` of them, at the provider's pace. It may be stopped at any moment and begun
    again. Raises ``ItemNotSynced`` where the provider fails five times in a row. Calls the
    provider outside any transaction.
    """
    refuse_in_transaction("payments.flows.sync_items()")
    pace = Pace(payment_backends[alias].items_per_second)
    tried = in_a_row = 0
    for difference in find_differences(alias, on_page=on_page):
        outcome: ItemOutcome | ItemNotSynced
        try:
            outcome = sync_item(alias, difference.kind, difference.product, pace=pace)
        except ItemNotSynced as problem:
            outcome = problem
            in_a_row += not problem.is_busy
        else:
            in_a_row = 0
        if difference.reason == ItemReason.SAME and outcome == ItemOutcome.UNCHANGED:
            continue
        yield difference, outcome
        if in_a_row >= MOST_FAILURES:
            raise ItemNotSynced(
                _(
                    "The provider “%(alias)s” failed %(count)d times in a row: what is left waits "
                    "for the next run."
                )
                % {"alias": alias, "count": in_a_row}
            )
        tried += 1
        if tried == limit:
            return


def _all_differences(
    backend: BasePaymentBackend, on_page: Callable[[int], None]
) -> Iterator[ItemDifference]:
    seen = 0
    for products in _pages(_products()):
        rows = _rows_of(backend.alias, [str(product.pk) for product in products])
        quotes = {kind: quotes_of(kind, products) for kind in settings.DIGITALSTORE_FULFILMENTS}
        for product in products:
            yield from _of_product(backend, product, rows.get(str(product.pk), {}), quotes)
        seen += len(products)
        on_page(seen)
    left = (
        provider_items()
        .filter(alias=backend.alias)
        .exclude(state=ItemState.ARCHIVED, pushing_at=None)
    )
    for page in _pages(left):
        there = _existing({row.product for row in page})
        for row in page:
            if row.product not in there:
                yield _difference(row, f"{row.kind}:{row.product}", ItemReason.DELETED)


def _products() -> Any:
    model = get_product_model()
    return model._default_manager.using(router.db_for_write(model)).all()


def _pages(queryset: Any) -> Iterator[list[Any]]:
    """Yield lists of rows by key: what is written meanwhile neither repeats nor skips any."""
    queryset = queryset.order_by("pk")
    page = list(queryset[:PAGE])
    while page:
        yield page
        page = list(queryset.filter(pk__gt=page[-1].pk)[:PAGE]) if len(page) == PAGE else []


def _rows_of(alias: str, products: list[str]) -> dict[str, dict[str, ProviderItem]]:
    """Return product → kind → row."""
    found: dict[str, dict[str, ProviderItem]] = {}
    for row in provider_items().filter(alias=alias, product__in=products):
        found.setdefault(row.product, {})[row.kind] = row
    return found


def _existing(keys: Iterable[str]) -> set[str]:
    """Return those of ``keys`` that are keys of products."""
    field = get_product_model()._meta.pk
    valid = []
    for key in keys:
        try:
            valid.append(field.to_python(key))
        except ValidationError:  # the key of another model that was the product once
            continue
    return {str(pk) for pk in _products().filter(pk__in=valid).values_list("pk", flat=True)}


def _of_product(
    backend: BasePaymentBackend,
    product: Any,
    rows: dict[str, ProviderItem],
    quotes: Mapping[str, Mapping[Any, Quote | None] | None],
) -> Iterator[ItemDifference]:
    for kind in sorted({*rows, *settings.DIGITALSTORE_FULFILMENTS}):
        row = rows.get(kind)
        known = row or ProviderItem(alias=backend.alias, kind=kind, product=str(product.pk))
        try:
            reason = _reason(backend, wish_for(kind, product, quotes.get(kind)), row)
        except Exception as error:  # the sync keeps it, and names it
            detail = f"{type(error).__name__}: {error}"
            yield _difference(known, str(product), ItemReason.FAILED, detail)
            continue
        if reason is not None:
            yield _difference(known, str(product), reason)


def _reason(
    backend: BasePaymentBackend, wish: Item | Wish, row: ProviderItem | None
) -> ItemReason | None:
    if wish is Wish.UNKNOWN:
        return None
    gone = row is None or is_archived(row)
    if wish is Wish.OFF_SALE:
        return None if gone else ItemReason.NOT_FOR_SALE
    assert isinstance(wish, Item)
    digest = item_digest(backend, wish)
    if row is not None and is_there(row, digest):
        return None if row.state == ItemState.SYNCED else ItemReason.SAME
    if not wish.amount:
        return None if gone else ItemReason.FREE
    if row is None:
        return ItemReason.NEW
    if row.state == ItemState.FAILED:
        return ItemReason.FAILED
    if row.state == ItemState.ARCHIVED:
        return ItemReason.RETURNED
    return ItemReason.CHANGED if row.reference else ItemReason.NEW


def _difference(
    row: ProviderItem, name: str, reason: ItemReason, detail: str = ""
) -> ItemDifference:
    return ItemDifference(
        alias=row.alias,
        kind=row.kind,
        product=row.product,
        name=name,
        reason=reason,
        detail=detail or row.error,
    )
