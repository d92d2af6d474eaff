"""What is done with short links: the only writers of their tables."""

from __future__ import annotations

import logging
from datetime import date, datetime
from types import EllipsisType
from typing import Any

from django.core.exceptions import ValidationError
from django.db import DEFAULT_DB_ALIAS, IntegrityError, transaction
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core import locks
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.insert_once import insert_once

from . import counters, policies, resolution, targets
from .choices import TargetKind
from .codes import new_code
from .exceptions import LinkRefused, NotYourLink
from .models import ShortLink, ShortLinkDay, ShortLinkOrder

__all__ = [
    "attribute_order",
    "change_link",
    "create_link",
    "delete_link",
    "disable_link",
    "enable_link",
    "record_click",
    "record_clicks",
    "refresh_products",
]

logger = logging.getLogger(__name__)

#: Random codes that are tried: with seven characters one in a billion is taken already.
_ATTEMPTS = 10
#: Links to products that are looked at together.
_AT_ONCE = 500


@flow
def create_link(
    *,
    product: Any = None,
    path: str = "",
    url: str = "",
    code: str = "",
    owner: Any = None,
    label: str = "",
    expires_at: datetime | None = None,
    actor: Any = None,
) -> ShortLink:
    """Make a link to one of ``product``, ``path`` and ``url``; an empty ``code`` makes one.

    ``owner`` None belongs to the site. A seller as ``actor`` makes links of their own, to their own
    products, to paths of the site and to the hosts of ``DIGITALSTORE_SHORTURLS_HOSTS``; staff who
    may add links make any, and so does the site (None). Raises ``LinkRefused`` with the fields that
    are wrong, and ``NotYourLink``.
    """
    policies.check_creator(owner, actor)
    link = ShortLink(owner=owner, label=label, expires_at=expires_at)
    _aim(link, product=product, path=path, url=url, actor=actor, verb="add")
    _check_expiry(expires_at)
    if code:
        problem = policies.problem_of_code(code)
        if problem:
            raise LinkRefused({"code": problem})
        link.code = code
        _clean(link)
        if not _insert(link):
            raise LinkRefused({"code": _("This code is taken. Choose another.")})
    else:
        for _attempt in range(_ATTEMPTS):
            link.code = new_code()
            _clean(link)
            if policies.problem_of_code(link.code) == "" and _insert(link):
                break
        else:
            raise LinkRefused(
                {"code": _("No free code was found. Choose one, or let codes be longer.")}
            )
    # It was asked for before it was there, and that is kept too.
    resolution.forget(link.code)
    return link


@flow
def change_link(
    link: ShortLink,
    *,
    product: Any = None,
    path: str | None = None,
    url: str | None = None,
    label: str | None = None,
    expires_at: datetime | EllipsisType | None = ...,
    actor: Any = None,
) -> ShortLink:
    """Write where a link leads, its label, and when it expires (None: never); the code stays.

    What is not named stays as it was. Raises ``LinkRefused`` with the fields that are wrong, and
    ``NotYourLink``.
    """
    link = _locked(link, actor)
    if (product, path, url) != (None, None, None):
        _aim(link, product=product, path=path or "", url=url or "", actor=actor, verb="change")
    if not isinstance(expires_at, EllipsisType):
        if expires_at != link.expires_at:
            _check_expiry(expires_at)
        link.expires_at = expires_at
    if label is not None:
        link.label = label
    _clean(link)
    _write(link, "target_kind", "product_key", "path", "url", "label", "expires_at")
    return link


@flow
def disable_link(link: ShortLink, *, actor: Any = None) -> ShortLink:
    """Switch a link off: who clicks it finds nothing. Raises ``NotYourLink``."""
    return _switch(link, False, actor)


@flow
def enable_link(link: ShortLink, *, actor: Any = None) -> ShortLink:
    """Switch a link on again. Raises ``NotYourLink``."""
    return _switch(link, True, actor)


@flow
def delete_link(link: ShortLink, *, actor: Any = None) -> None:
    """Delete a link with its statistics; its code is free again. Raises ``NotYourLink``."""
    link = _locked(link, actor, "delete")
    resolution.forget(link.code)
    link.delete()


# --- clicks -------------------------------------------------------------------------------------


@flow(atomic=False)
def record_clicks() -> int:
    """Save the clicks that the cache has counted since the last time, and return how many.

    Each is saved once, however many do this at the same time, and wherever one is killed. Opens a
    transaction for each block of links that has any, and must run outside of one: what it takes off
    counters of this process alone would not come back with a rollback.
    """
    total = 0
    for block in counters.clicked_blocks():
        # Without the lock first: most blocks have nothing new.
        if counters.pending(block):
            with counters.saving(block) as was_saved:
                saved = retry_transaction(lambda block=block: _save(block))  # type: ignore[misc]
                was_saved(saved)
            total += sum(each.clicks for each in saved)
        counters.forget_past(block)
    return total


def _save(block: counters.Block) -> list[counters.Pending]:
    locks.take("shorturls.clicks")
    # Asked behind the lock: another may have saved them in between.
    pending = counters.pending(block)
    ids = [each.link_id for each in pending]
    # Links before days, here and wherever else: a row that is locked cannot be deleted.
    there = set(
        ShortLink.objects.select_for_update().filter(pk__in=ids).values_list("pk", flat=True)
    )
    pending = [each for each in pending if each.link_id in there]
    if not pending:
        return []
    ids = [each.link_id for each in pending]
    more = Case(*(When(pk=each.link_id, then=Value(each.clicks)) for each in pending))
    ShortLink.objects.filter(pk__in=ids).update(clicks=F("clicks") + more)
    insert_once(
        [ShortLinkDay(link_id=link_id, day=block.day) for link_id in ids],
        key="day",
        using=DEFAULT_DB_ALIAS,
    )
    ShortLinkDay.objects.filter(day=block.day, link_id__in=ids).update(
        clicks=F("clicks")
        + Case(*(When(link_id=each.link_id, then=Value(each.clicks)) for each in pending)),
        counter=Case(*(When(link_id=each.link_id, then=Value(each.counter)) for each in pending)),
    )
    return pending


@flow
def record_click(link_id: int, day: date) -> None:
    """Save one click at once: for a site whose cache is down, or keeps nothing."""
    if not ShortLink.objects.filter(pk=link_id).update(clicks=F("clicks") + 1):
        return
    of_day = ShortLinkDay.objects.filter(link_id=link_id, day=day)
    if not of_day.update(clicks=F("clicks") + 1):
        row = ShortLinkDay(link_id=link_id, day=day)
        insert_once([row], key="day", using=DEFAULT_DB_ALIAS)
        of_day.update(clicks=F("clicks") + 1)


# --- what a link led to -------------------------------------------------------------------------


@flow
def attribute_order(code: str, order_public_id: str) -> bool:
    """Note that the link of ``code`` led to an order; tell whether this call did it.

    An order has one link: the first that is noted, so that a second try to pay changes nothing.
    """
    link_id = ShortLink.objects.filter(code=code).values_list("pk", flat=True).first()
    orders = ShortLinkOrder.objects.filter(order_public_id=order_public_id)
    if link_id is None or orders.exists():
        return False
    row = ShortLinkOrder(link_id=link_id, order_public_id=order_public_id)
    insert_once([row], key="order_public_id", using=DEFAULT_DB_ALIAS)
    return orders.filter(link_id=link_id).exists()


@flow(atomic=False)
def refresh_products() -> int:
    """Look up where the pages of linked products are now; return how many links changed.

    The address of a product's page is kept with its link, so that a click asks one table. A product
    that has no page now, or fails to say which, leaves its link as it was; the latter is logged.
    """
    changed, last = 0, 0
    links = ShortLink.objects.filter(target_kind=TargetKind.PRODUCT).order_by("pk")
    while batch := list(links.filter(pk__gt=last)[:_AT_ONCE]):
        last = batch[-1].pk
        found = policies.products_by_key({link.product_key for link in batch})
        for link in batch:
            product = found.get(link.product_key)
            if product is None:
                continue  # its page says that it is gone
            try:
                path = targets.path_of_product(product)
            except targets.NoPage:
                continue
            except Exception:
                # The host's code. One product stops no other.
                logger.exception("Where product %s has its page is not known.", product.pk)
                continue
            if path != link.path:
                changed += _move(link, path)
    return changed


def _move(link: ShortLink, path: str) -> bool:
    with transaction.atomic():
        # As it was read: whoever has changed the link meanwhile knows better.
        rows = ShortLink.objects.filter(
            pk=link.pk, target_kind=TargetKind.PRODUCT, product_key=link.product_key, path=link.path
        )
        moved = bool(rows.update(path=path))
        if moved:
            resolution.forget(link.code)
    return moved


# --- rules --------------------------------------------------------------------------------------


def _aim(link: ShortLink, *, product: Any, path: str, url: str, actor: Any, verb: str) -> None:
    if (product is not None) + bool(path) + bool(url) != 1:
        raise LinkRefused(
            {"target_kind": _("Say one thing that the link leads to: a product, or an address.")}
        )
    link.product_key, link.path, link.url = "", "", ""
    if product is not None:
        if not isinstance(product, get_product_model()):
            raise TypeError(f"create_link(product=…) takes a product, not {product!r}.")
        policies.check_product(product, actor, verb)
        link.target_kind = TargetKind.PRODUCT
        link.product_key = str(product.pk)
        try:
            link.path = targets.path_of_product(product)
        except targets.NoPage as error:
            raise LinkRefused(
                {"product_key": _("This product has no page that a link could lead to.")}
            ) from error
    else:
        kind, location = ("path", path) if path else ("url", url)
        problem = targets.problem_of_path(path) if path else targets.problem_of_url(url)
        if not problem and targets.leads_to_short_link(location):
            problem = _("This is a short link itself. Write where it leads.")
        if problem:
            raise LinkRefused({kind: problem})
        link.target_kind, link.path, link.url = TargetKind(kind), path, url


def _check_expiry(expires_at: datetime | None) -> None:
    if expires_at is not None and expires_at <= timezone.now():
        raise LinkRefused({"expires_at": _("This time is over. Choose a later one, or none.")})


def _clean(link: ShortLink) -> None:
    try:
        link.full_clean(validate_unique=False, validate_constraints=False)
    except ValidationError as error:
        raise LinkRefused(error.error_dict) from error


def _insert(link: ShortLink) -> bool:
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError:
        link.pk, link._state.adding = None, True
        if not ShortLink.objects.filter(code=link.code).exists():
            raise
        return False
    return True


def _locked(link: ShortLink, actor: Any, verb: str = "change") -> ShortLink:
    fresh = ShortLink.objects.select_for_update().filter(pk=link.pk).first()
    if fresh is None:
        raise LinkRefused({"code": _("This link is gone.")})
    if not policies.may_change(fresh, actor, verb):
        raise NotYourLink(
            _(
                "The short link “%(link)s” belongs to somebody else. Only its owner and staff "
                "change it."
            )
            % {"link": fresh}
        )
    return fresh


def _switch(link: ShortLink, is_active: bool, actor: Any) -> ShortLink:
    link = _locked(link, actor)
    link.is_active = is_active
    _write(link, "is_active")
    return link


def _write(link: ShortLink, *fields: str) -> None:
    link.save(update_fields=fields)
    resolution.forget(link.code)
