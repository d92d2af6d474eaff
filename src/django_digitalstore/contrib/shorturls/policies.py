"""Questions about short links. All read, none writes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.roles import SELLER, has_role

from .exceptions import LinkRefused, NotYourLink
from .models import ShortLink, ShortLinkOrder, ShortLinkQuerySet
from .validators import validate_code

__all__ = [
    "OrderCount",
    "check_creator",
    "check_product",
    "count_orders",
    "links_of",
    "may_change",
    "orders_of_link",
    "problem_of_code",
    "products_by_key",
]

_APP = "digitalstore_shorturls"


@dataclass(frozen=True, slots=True)
class OrderCount:
    """How many orders a link led to, and how many of them were paid."""

    placed: int = 0
    paid: int = 0


def may_change(link: ShortLink, actor: Any, verb: str = "change") -> bool:
    """Tell whether ``actor`` may change a link: its owner who sells, staff, the site (None).

    ``verb`` is the permission that staff need: ``change`` or ``delete``.
    """
    if actor is None or _is_staff(actor, verb):
        return True
    return link.owner_id is not None and link.owner_id == actor.pk and has_role(actor, SELLER)


def check_creator(owner: Any, actor: Any) -> None:
    """Raise ``NotYourLink`` unless ``actor`` may make a link of ``owner``'s."""
    if actor is None or _is_staff(actor, "add"):
        return
    if not has_role(actor, SELLER) or owner is None or owner.pk != actor.pk:
        raise NotYourLink(
            _("Sellers make short links of their own, and staff make those of others.")
        )


def check_product(product: Any, actor: Any, verb: str) -> None:
    """Raise ``LinkRefused`` unless ``actor`` may link to a product.

    ``verb`` is the permission by which staff link to any: ``add`` or ``change``, as they do.
    """
    if actor is None or _is_staff(actor, verb) or product.seller_id == actor.pk:
        return
    raise LinkRefused({"product_key": _("Choose a product of your own.")})


def links_of(user: Any) -> ShortLinkQuerySet:
    """Return the links that this seller manages: their own."""
    return ShortLink.objects.of_seller(user)


def problem_of_code(code: str) -> str:
    """Return why nobody may choose ``code``, or nothing. Whether it is taken is not asked."""
    try:
        validate_code(code)
    except ValidationError as error:
        return " ".join(error.messages)
    if code.lower() in settings.DIGITALSTORE_SHORTURLS_RESERVED:
        return _("This code is reserved. Choose another.")
    return ""


def products_by_key(keys: Iterable[str]) -> dict[str, Any]:
    """Return key, as text → product, of those that are there. One query."""
    model = get_product_model()
    valid = set()
    for key in keys:
        try:
            valid.add(model._meta.pk.to_python(key))
        except ValidationError:
            continue  # of a product model that the site had before
    found = model._default_manager.filter(pk__in=valid)
    return {str(product.pk): product for product in found}


def count_orders(links: Collection[ShortLink], *, seller: Any = None) -> dict[int, OrderCount]:
    """Return link's key → the orders that it led to. One query; none without payments.

    With ``seller`` only orders that hold products of theirs count: what else a visitor bought is
    not theirs to know.
    """
    orders = _orders(seller)
    if orders is None or not links:
        return {}
    mine = orders.filter(public_id=OuterRef("order_public_id"))
    rows = (
        ShortLinkOrder.objects.filter(Exists(mine), link__in=[link.pk for link in links])
        .order_by()
        .values("link")
        .annotate(
            placed=Count("pk"), paid=Count("pk", filter=Q(Exists(mine.exclude(paid_at=None))))
        )
    )
    return {row["link"]: OrderCount(row["placed"], row["paid"]) for row in rows}


def orders_of_link(link: ShortLink, *, seller: Any = None) -> list[Any]:
    """Return the newest hundred orders that a link led to. One query; none without payments.

    With ``seller`` only those that hold products of theirs.
    """
    orders = _orders(seller)
    if orders is None:
        return []
    ids = ShortLinkOrder.objects.filter(link=link).order_by().values("order_public_id")
    return list(orders.filter(public_id__in=ids).order_by("-pk")[:100])


def _orders(seller: Any) -> QuerySet[Any] | None:
    if not apps.is_installed("django_digitalstore.payments"):
        return None
    # Not at the top, and not by its modules: links do without payments.
    from django_digitalstore import payments

    orders = payments.get_order_model().objects.all()
    return orders if seller is None else orders.of_seller(seller)


def _is_staff(actor: Any, verb: str) -> bool:
    return bool(actor.is_active and actor.is_staff and actor.has_perm(f"{_APP}.{verb}_shortlink"))
