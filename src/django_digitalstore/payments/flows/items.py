"""What we sell, at providers that keep products of their own: one item at a time.

Whoever pushes claims the row first and reads our product after that, so that an older price never
goes over a newer one. A digest is what the provider is known to have; where nobody knows (a kill,
an error, a claim that was taken over), it is empty and the item is pushed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import Enum, StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.db import router
from django.db.models import Case, F, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core import outbox
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.insert_once import insert_once
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction
from django_digitalstore.payments.backends import BasePaymentBackend, Item, payment_backends
from django_digitalstore.payments.exceptions import CheckoutRefused, ItemNotSynced
from django_digitalstore.payments.fulfilments import Quote, get_fulfilment
from django_digitalstore.payments.models import ItemState, ProviderItem

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder, AbstractOrderLine

__all__ = [
    "ItemOutcome",
    "Pace",
    "doubt_items",
    "find_product",
    "item_aliases",
    "mark_product",
    "sync_item",
    "sync_product",
]

logger = logging.getLogger(__name__)

#: Kind of the outbox messages that bring a product to a provider.
SYNC_PRODUCT: Final = "payments.sync_item"

_LONGEST_REFERENCE = 200
_LONGEST_ERROR = 500
_LOOK_AGAIN = 0.2  # seconds between two looks at what another process pushes


class ItemOutcome(StrEnum):
    """What became of an item."""

    PUSHED = "pushed"
    ARCHIVED = "archived"
    UNCHANGED = "unchanged"


class Wish(Enum):
    """What a provider should have of something that has no item."""

    #: Nothing that can be bought.
    OFF_SALE = "off sale"
    #: Whatever it has: only a checkout knows the price.
    UNKNOWN = "unknown"


class Pace:
    """Lets calls begin at most ``per_second`` times in a second; None: at once."""

    def __init__(self, per_second: float | None) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._next = 0.0

    def wait(self) -> None:
        """Sleep until the next call may begin."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(now, self._next) + self._gap


def item_aliases() -> list[str]:
    """Return the aliases whose provider keeps products. One that can't be loaded is left out."""
    aliases = []
    for alias in payment_backends:
        try:
            if payment_backends[alias].keeps_items:
                aliases.append(alias)
        except ImproperlyConfigured as error:  # `manage.py check` names it
            logger.warning("Products are not brought to the provider %r: %s", alias, error)
    return aliases


# --- What a provider should have ----------------------------------------------------------------


def item_of(kind: str, product: Any, quote: Quote) -> Item:
    """Return ``product`` as providers are told of it."""
    return Item(
        kind=kind,
        product=str(product.pk),
        name=quote.name,
        amount=quote.unit_price,
        currency=quote.currency,
        description=product.summary,
    )


def wish_for(
    kind: str, product: Any, quotes: Mapping[Any, Quote | None] | None = None
) -> Item | Wish:
    """Return what a provider should have of ``product``, or None for one that is gone.

    ``quotes`` are what ``list_quotes`` said of it and others; without, it is asked alone.
    """
    if product is None or not product.is_for_sale:
        return Wish.OFF_SALE
    try:
        fulfilment = get_fulfilment(kind)
    except ImproperlyConfigured:  # a kind that is no longer sold, or misspelt: nobody may guess
        return Wish.UNKNOWN
    quote = fulfilment.list_quote(product) if quotes is None else quotes.get(product.pk)
    return Wish.UNKNOWN if quote is None else item_of(kind, product, quote)


def quotes_of(kind: str, products: Sequence[Any]) -> Mapping[Any, Quote | None] | None:
    """Return the quotes of a page of products, where the kind's fulfilment finds them together."""
    try:
        return get_fulfilment(kind).list_quotes(products)
    except ImproperlyConfigured:  # wish_for() says what that means
        return None


def item_digest(backend: BasePaymentBackend, item: Item) -> str:
    """Return the SHA-256 of what the provider is told of ``item``, in hex."""
    # An alias that goes live has other products than it had in test mode.
    told = [item.key, backend.is_test, backend.describe_item(item)]
    content = json.dumps(told, sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()


def find_product(key: str) -> Any:
    """Return the product as the database has it now, or None."""
    model = get_product_model()
    # Never from a replica: a price that is late would be pushed over the right one.
    products = model._default_manager.using(router.db_for_write(model))
    try:
        return products.filter(pk=key).first()
    except (ValueError, ValidationError):  # the key of another model that was the product once
        return None


def is_there(row: ProviderItem, digest: str) -> bool:
    """Tell whether the provider is known to have what ``digest`` is the hash of."""
    return bool(row.reference) and row.pushing_at is None and row.digest == digest


def is_archived(row: ProviderItem) -> bool:
    """Tell whether the provider is known to sell nothing of it."""
    return row.state == ItemState.ARCHIVED and row.pushing_at is None


# --- The row, and who may push ------------------------------------------------------------------


def provider_items() -> QuerySet[ProviderItem]:
    """Return all rows, from where they are written: what was claimed just now is read back."""
    return ProviderItem.objects.using(router.db_for_write(ProviderItem))


def _write(rows: QuerySet[ProviderItem], **values: Any) -> int:
    return retry_transaction(partial(rows.update, **values), using=rows.db)


def _row(alias: str, kind: str, product: str) -> ProviderItem:
    """Return the row of an item; a new one where there is none."""
    rows = provider_items().filter(alias=alias, kind=kind, product=product)
    row = rows.first()
    if row is None:
        new = ProviderItem(alias=alias, kind=kind, product=product)
        add = partial(insert_once, [new], key="product", using=rows.db)
        retry_transaction(add, using=rows.db)
        row = rows.get()
    return row


def _claim(row: ProviderItem) -> datetime | None:
    """Claim a row for pushing and return the time that is the claim; None where another has it."""
    now = timezone.now()
    rows = provider_items().filter(pk=row.pk)
    if row.pushing_at is None:
        return now if _write(rows.filter(pushing_at=None), pushing_at=now) else None
    stale = now - settings.DIGITALSTORE_CHECKOUT_OPENING_AGE
    if row.pushing_at >= stale:
        return None
    # Its process is gone or hangs, and nobody knows what the provider has: a failed attempt.
    taken = _write(
        rows.filter(pushing_at__lt=stale), pushing_at=now, attempts=F("attempts") + 1, digest=""
    )
    return now if taken else None


def _fail(rows: QuerySet[ProviderItem], error: BaseException) -> str:
    """Keep a failure, after which nobody knows what the provider has; return it as text."""
    text = f"{type(error).__name__}: {error}"[:_LONGEST_ERROR]
    interrupted = not isinstance(error, Exception)
    state = ItemState.DIRTY if interrupted else ItemState.FAILED
    _write(rows, state=state, attempts=F("attempts") + 1, error=text, digest="", pushing_at=None)
    return text


def _not_synced(row: ProviderItem, error: str) -> ItemNotSynced:
    return ItemNotSynced(
        _("%(item)s could not be brought to the provider “%(alias)s”: %(error)s")
        % {"item": f"{row.kind}:{row.product}", "alias": row.alias, "error": error}
    )


def _busy(row: ProviderItem) -> ItemNotSynced:
    return ItemNotSynced(
        _("%(item)s is being brought to the provider “%(alias)s” right now.")
        % {"item": f"{row.kind}:{row.product}", "alias": row.alias},
        is_busy=True,
    )


def _describe(backend: BasePaymentBackend, row: ProviderItem, item: Item) -> str:
    """Return the digest of ``item``; keep the failure where the backend can't describe it."""
    try:
        return item_digest(backend, item)
    except Exception as error:
        logger.exception("%s cannot describe %s.", type(backend).__name__, item.key)
        rows = provider_items().filter(pk=row.pk, pushing_at=None)
        raise _not_synced(row, _fail(rows, error)) from error


def _push(
    backend: BasePaymentBackend,
    row: ProviderItem,
    claimed_at: datetime,
    wanted: Callable[[], Item | Wish],
    pace: Pace,
) -> tuple[ItemOutcome, str] | None:
    """Make the provider's product what ``wanted`` says, under a claim.

    Returns what was done, and the reference; None where the claim was taken over meanwhile.
    ``wanted`` may raise ``CheckoutRefused``: nothing is done then. Raises ``ItemNotSynced``.
    """
    claim = provider_items().filter(pk=row.pk, pushing_at=claimed_at)

    def call(function: Callable[..., Any], *args: Any) -> Any:
        pace.wait()
        return call_provider(function, *args)

    try:
        # First the row, then the product: a change in between shows by changed_at.
        row = claim.get()
        item = wanted()
        if item is Wish.UNKNOWN:
            _write(claim, pushing_at=None)
            return ItemOutcome.UNCHANGED, row.reference
        reference, digest = row.reference, ""
        if isinstance(item, Item):
            digest = item_digest(backend, item)
            if reference and row.digest == digest:  # another did it before our claim
                _write(claim, pushing_at=None)
                return ItemOutcome.UNCHANGED, reference
        if not reference and row.attempts:
            # An attempt of which nobody knows how it ended: there may be a product already.
            sought = Item(kind=row.kind, product=row.product, name="", amount=0, currency="")
            reference = call(backend.find_item, item if isinstance(item, Item) else sought)
        if isinstance(item, Item):
            reference = call(backend.ensure_item, item, reference)
            if not 0 < len(reference) <= _LONGEST_REFERENCE:
                raise ValueError(
                    f"{type(backend).__name__}.ensure_item() must return a reference of 1 to "
                    f"{_LONGEST_REFERENCE} characters."
                )
        elif reference:
            call(backend.archive_item, reference)
    except CheckoutRefused:
        _write(claim, pushing_at=None)
        raise
    except (KeyboardInterrupt, SystemExit) as error:
        _fail(claim, error)
        raise
    except Exception as error:
        logger.exception("Provider %r could not take %s:%s.", row.alias, row.kind, row.product)
        raise _not_synced(row, _fail(claim, error)) from error
    return _record(backend, row, claim, reference, digest)


def _record(
    backend: BasePaymentBackend,
    row: ProviderItem,
    claim: QuerySet[ProviderItem],
    reference: str,
    digest: str,
) -> tuple[ItemOutcome, str] | None:
    """Write down what the provider has now; None where the claim was taken over meanwhile."""
    now = timezone.now()
    done = ItemState.SYNCED if digest else ItemState.ARCHIVED
    recorded = _write(
        claim,
        reference=reference,
        # Who noted a change after we had read the product wants another push.
        digest=Case(When(changed_at=row.changed_at, then=Value(digest)), default=Value("")),
        state=Case(
            When(changed_at=row.changed_at, then=Value(done)), default=Value(ItemState.DIRTY)
        ),
        pushing_at=None,
        attempts=0,
        error="",
        synced_at=now,
    )
    if recorded:
        return (ItemOutcome.PUSHED if digest else ItemOutcome.ARCHIVED), reference
    # We were slow and another took over. What we pushed may lie over what it pushed; the new
    # changed_at tells it so where it isn't done yet.
    others = provider_items().filter(pk=row.pk)
    _write(others, digest="", state=ItemState.DIRTY, changed_at=now)
    if digest and not row.reference:
        current = others.values_list("reference", flat=True).first()
        if current and current != reference:
            try:
                call_provider(backend.archive_item, reference)
            except Exception:
                logger.exception("Provider %r keeps a surplus product %s.", row.alias, reference)
    return None


# --- Checkout -----------------------------------------------------------------------------------


def check_price(order: AbstractOrder, line: AbstractOrderLine, product: Any) -> Quote:
    """Return what a line costs now. Raises ``CheckoutRefused`` where it isn't what was ordered."""
    quote = get_fulfilment(line.kind).quote(order.customer, product)
    if (quote.unit_price, quote.currency) != (line.unit_price, order.currency):
        raise CheckoutRefused(
            "price_changed",
            _("The price of “%(product)s” has changed since you ordered it. Please order again.")
            % {"product": line.name},
        )
    return quote


def ensure_line(
    backend: BasePaymentBackend, order: AbstractOrder, line: AbstractOrderLine, *, wait: float
) -> str:
    """Return the provider's reference of what a line buys, and make sure that it costs the same.

    A provider that keeps products is asked only where something differs; who comes second waits,
    at most ``wait`` seconds. Raises ``CheckoutRefused`` where the line's price is not today's, and
    ``ItemNotSynced``. Calls the provider outside any transaction.
    """
    if not backend.keeps_items:
        ordered = Item(
            kind=line.kind,
            product=str(line.product_id),
            name=line.name,
            amount=line.unit_price,
            currency=order.currency,
        )
        return call_provider(backend.ensure_item, ordered)

    def wanted() -> Item:
        product = find_product(str(line.product_id))
        if product is None or not product.is_for_sale:
            raise CheckoutRefused(
                "not_for_sale", _("“%(product)s” is not for sale.") % {"product": line.name}
            )
        return item_of(line.kind, product, check_price(order, line, product))

    deadline = time.monotonic() + wait
    attempts: int | None = None
    while True:
        item = wanted()
        row = _row(backend.alias, line.kind, str(line.product_id))
        if is_there(row, _describe(backend, row, item)):
            return row.reference
        if attempts is not None and row.pushing_at is None and row.attempts > attempts:
            # Whom we waited for has failed: all who wait would fail one after the other.
            raise _not_synced(row, row.error)
        attempts = row.attempts if attempts is None else attempts
        claimed_at = _claim(row)
        if claimed_at is not None:
            done = _push(backend, row, claimed_at, wanted, Pace(None))
            if done is not None:
                return done[1]
        elif time.monotonic() >= deadline:
            raise _busy(row)
        else:
            time.sleep(_LOOK_AGAIN)


def doubt_items(alias: str, products: Iterable[Any] | None = None) -> int:
    """Forget what a provider is known to have, of all products or of those with these keys.

    Returns of how many; each is pushed again, by the next checkout or sync. For what was changed
    or deleted in the provider's dashboard, which no hash shows.
    """
    rows = provider_items().filter(alias=alias, pushing_at=None).exclude(digest="")
    if products is not None:
        rows = rows.filter(product__in=[str(key) for key in products])
    return _write(rows, digest="", state=ItemState.DIRTY)


# --- Sync ---------------------------------------------------------------------------------------


@flow(atomic=False)
def sync_item(alias: str, kind: str, product: str, *, pace: Pace | None = None) -> ItemOutcome:
    """Make a provider's product what ours is now: pushed, archived, or left alone.

    ``product`` is our product's key as text; one that is deleted or not for sale is archived.
    Raises ``ItemNotSynced``; the failure is kept in the row. Calls the provider outside any
    transaction, and only where something differs.
    """
    refuse_in_transaction("payments.flows.sync_item()")
    backend = payment_backends[alias]

    def wanted() -> Item | Wish:
        wish = wish_for(kind, find_product(product))
        return Wish.OFF_SALE if isinstance(wish, Item) and wish.amount == 0 else wish

    row = provider_items().filter(alias=alias, kind=kind, product=product).first()
    try:
        wish = wish_for(kind, find_product(product))
    except Exception as error:
        logger.exception("There is no price for everybody of %s:%s.", kind, product)
        row = row or _row(alias, kind, product)
        unclaimed = provider_items().filter(pk=row.pk, pushing_at=None)
        raise _not_synced(row, _fail(unclaimed, error)) from error
    if wish is Wish.UNKNOWN:
        return ItemOutcome.UNCHANGED
    if isinstance(wish, Item) and (wish.amount or row is not None):
        row = row or _row(alias, kind, product)
        digest = _describe(backend, row, wish)
        if is_there(row, digest):
            same = provider_items().filter(
                pk=row.pk, digest=digest, pushing_at=None, changed_at=row.changed_at
            )
            if row.state != ItemState.SYNCED:
                _write(same, state=ItemState.SYNCED, attempts=0, error="")
            return ItemOutcome.UNCHANGED
    # What is free skips the provider: it goes off sale there, unless it stands in a checkout.
    if row is None or ((wish is Wish.OFF_SALE or not wish.amount) and is_archived(row)):
        return ItemOutcome.UNCHANGED
    claimed_at = _claim(row)
    if claimed_at is None:
        raise _busy(row)
    done = _push(backend, row, claimed_at, wanted, pace or Pace(None))
    if done is None:
        raise _busy(row)
    return done[0]


@flow(atomic=False)
def sync_product(alias: str, product: str) -> list[ItemOutcome]:
    """Sync every kind of a product with one provider. Raises ``ItemNotSynced`` after all of them.

    Calls the provider outside any transaction.
    """
    if alias not in item_aliases():
        return []
    known = provider_items().filter(alias=alias, product=product).values_list("kind", flat=True)
    outcomes, problems = [], []
    for kind in sorted({*known, *settings.DIGITALSTORE_FULFILMENTS}):
        try:
            outcomes.append(sync_item(alias, kind, product))
        except ItemNotSynced as problem:
            problems.append(problem)
    if problems:
        raise ItemNotSynced(
            " ".join(str(problem) for problem in problems),
            is_busy=all(problem.is_busy for problem in problems),
        )
    return outcomes


def mark_product(product: str) -> None:
    """Note that a product may have changed; the outbox brings it to the providers.

    ``product`` is its key as text. No flow, and no decision: it may be called by any receiver,
    after commit. What nobody notes is found by its hash all the same.
    """
    now = timezone.now()
    for alias in item_aliases():
        rows = provider_items().filter(alias=alias, product=product)
        dirty = When(state=ItemState.SYNCED, then=Value(ItemState.DIRTY))

        def mark(alias: str = alias, rows: Any = rows, dirty: When = dirty) -> None:
            if not rows.update(state=Case(dirty, default=F("state")), changed_at=now):
                found = find_product(product)
                if found is None or not found.is_for_sale:
                    return
            outbox.enqueue(
                SYNC_PRODUCT,
                f"{SYNC_PRODUCT}:{alias}:{product}:{uuid4().hex}",
                {"alias": alias, "product": product},
            )

        retry_transaction(mark, using=rows.db)
