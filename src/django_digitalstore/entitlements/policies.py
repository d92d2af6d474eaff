"""Questions about access. All read, none writes, and every one goes through ``live()``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import BooleanField, Exists, F, Model, OuterRef, Q, QuerySet, Value

from . import get_grant_model, get_purchased_product_model
from .sources import Source

__all__ = [
    "access_without_basis",
    "had_access",
    "has_access",
    "is_withheld",
    "live_purchase",
    "owned_by_filter",
    "owned_by_key",
    "owned_product_ids",
    "owner_annotation",
    "was_granted",
    "with_ownership",
]

M = TypeVar("M", bound=Model)


def _user_id(user: Any) -> Any:
    """Return the key of ``user``; None for nobody, who owns nothing."""
    return getattr(user, "pk", None)


def has_access(user: Any, product: Any) -> bool:
    """Tell whether ``user`` may use ``product`` now: one indexed query, never cached.

    Never yes because of a role. Anonymous and None own nothing, without a query.
    """
    user_id = _user_id(user)
    if user_id is None or product.pk is None:
        return False
    return (
        get_purchased_product_model()
        .objects.live()
        .filter(user_id=user_id, product_id=product.pk)
        .exists()
    )


def live_purchase(user: Any, product: Any) -> Any | None:
    """Return the row that gives access, or None."""
    user_id = _user_id(user)
    if user_id is None:
        return None
    return (
        get_purchased_product_model()
        .objects.live()
        .filter(user_id=user_id, product_id=product.pk)
        .first()
    )


def is_withheld(user: Any, product: Any) -> bool:
    """Tell whether a person's deny stands: such a buyer can neither buy nor be granted."""
    user_id = _user_id(user)
    if user_id is None:
        return False
    return (
        get_grant_model()
        .objects.standing()
        .denying()
        .filter(user_id=user_id, product_id=product.pk)
        .exists()
    )


def had_access(user: Any, product: Any) -> bool:
    """Tell whether ``user`` was ever granted ``product``: who has lost access may be told so.

    To anybody else a file that is not theirs looks like one that does not exist.
    """
    user_id = _user_id(user)
    if user_id is None:
        return False
    return (
        get_grant_model().objects.allowing().filter(user_id=user_id, product_id=product.pk).exists()
    )


def was_granted(user: Any, product: Any, source: Source) -> bool:
    """Tell whether a grant from this source ever gave access, standing or ended."""
    return (
        get_grant_model()
        .objects.allowing()
        .filter(
            user_id=_user_id(user),
            product_id=product.pk,
            source_kind=source.kind,
            source_reference=source.reference,
        )
        # One of no length only notes what a source would say: it never gave anything.
        .filter(Q(ended_at=None) | Q(ended_at__gt=F("granted_at")))
        .exists()
    )


def access_without_basis() -> QuerySet[Any]:
    """Return the live rows that no grant supports, or that a deny forbids: there should be none."""
    grants = (
        get_grant_model()
        .objects.standing()
        .filter(user_id=OuterRef("user_id"), product_id=OuterRef("product_id"))
    )
    broken = ~Exists(grants.allowing()) | Exists(grants.denying())
    return get_purchased_product_model().objects.live().filter(broken)


def owned_product_ids(user: Any, products: Iterable[Any]) -> set[Any]:
    """Return the keys of those ``products`` that ``user`` owns now: one query for a whole page."""
    user_id = _user_id(user)
    ids = [product.pk for product in products]
    return owned_by_key(user_id, ids) if user_id is not None else set()


def owned_by_key(user_id: Any, product_ids: Sequence[Any]) -> set[Any]:
    """Return those of ``product_ids`` that the user with this key owns now. At most one query."""
    if not product_ids:
        return set()
    return set(
        get_purchased_product_model()
        .objects.live()
        .filter(user_id=user_id, product_id__in=product_ids)
        .values_list("product_id", flat=True)
        .order_by()
    )


def owner_annotation(user: Any) -> str:
    """Return the attribute that ``with_ownership`` sets: it carries the user's key."""
    return f"owned_by_{_user_id(user)}".replace("-", "_")


def with_ownership(queryset: QuerySet[M], user: Any) -> QuerySet[M]:
    """Annotate products with whether ``user`` owns them, within the list's own query."""
    user_id = _user_id(user)
    if user_id is None:
        answer: Any = Value(False, output_field=BooleanField())
    else:
        purchases = get_purchased_product_model().objects.live()
        answer = Exists(purchases.filter(user_id=user_id, product_id=OuterRef("pk")))
    return queryset.annotate(**{owner_annotation(user): answer})


def owned_by_filter(user: Any) -> Q:
    """Return the condition that keeps products which ``user`` owns now."""
    owned = get_purchased_product_model().objects.live().filter(user_id=_user_id(user))
    return Q(pk__in=owned.order_by().values("product_id"))
