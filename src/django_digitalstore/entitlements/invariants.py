"""What must hold of access: the rows are what the ledger says, one for each user and product."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery
from django.utils import timezone

from django_digitalstore.core.invariants import Finding, invariant

from . import get_grant_model, get_purchased_product_model, policies

__all__ = [
    "find_access_for_another_time",
    "find_access_twice",
    "find_access_without_basis",
    "find_grants_twice",
    "find_grants_without_access",
]

_CHUNK = 1000
_FLOWS = "entitlements.flows"


def _pair(user_id: object, product_id: object) -> str:
    return f"user {user_id} and product {product_id}"


@invariant("entitlements.access_without_basis")
def find_access_without_basis() -> Iterator[Finding]:
    """Nobody has access for whom no grant stands, or whom a deny keeps out."""
    denies = get_grant_model().objects.standing().denying()
    theirs = denies.filter(user_id=OuterRef("user_id"), product_id=OuterRef("product_id"))
    rows = policies.access_without_basis().annotate(is_denied=Exists(theirs))
    for row in rows.order_by("pk").iterator(_CHUNK):
        pair = _pair(row.user_id, row.product_id)
        if row.is_denied:
            yield (
                row,
                f"{pair} have access while a person's deny stands",
                (
                    f"call {_FLOWS}.revoke_product(user, product, reason=…), or restore_product(…) "
                    f"to lift the deny."
                ),
            )
        else:
            yield (
                row,
                f"{pair} have access, and no grant stands",
                (
                    f"call {_FLOWS}.grant_product(user, product, source=…) if it is right, else "
                    f"restore_product(user, product, reason=…), which derives the row again."
                ),
            )


@invariant("entitlements.grants_without_access")
def find_grants_without_access() -> Iterator[Finding]:
    """Everybody has access for whom a grant stands, unless a deny does."""
    same = {"user_id": OuterRef("user_id"), "product_id": OuterRef("product_id")}
    grants = get_grant_model().objects.standing()
    lost = (
        grants.allowing()
        .exclude(Exists(grants.denying().filter(**same)))
        .exclude(Exists(get_purchased_product_model().objects.live().filter(**same)))
    )
    pairs = lost.order_by("user_id", "product_id").values_list("user_id", "product_id").distinct()
    label = get_purchased_product_model()._meta.label
    for user_id, product_id in pairs.iterator(_CHUNK):
        yield (
            f"{label} of {_pair(user_id, product_id)}",
            "it does not exist, and a grant stands",
            f"call {_FLOWS}.restore_product(user, product, reason=…), which derives the row again.",
        )


@invariant("entitlements.access_until")
def find_access_for_another_time() -> Iterator[Finding]:
    """Access lasts as long as the longest of its grants."""
    grants = (
        get_grant_model()
        .objects.standing()
        .allowing()
        .filter(user_id=OuterRef("user_id"), product_id=OuterRef("product_id"))
    )
    last = grants.exclude(expires_at=None).order_by("-expires_at").values("expires_at")[:1]
    rows = (
        get_purchased_product_model()
        .objects.live(timezone.now())
        .annotate(is_for_ever=Exists(grants.filter(expires_at=None)), until=Subquery(last))
    )
    wrong = Q(is_for_ever=True, expires_at__isnull=False) | Q(is_for_ever=False) & (
        Q(expires_at=None, until__isnull=False) | ~Q(expires_at=F("until"))
    )
    # Where nothing stands at all, that is what is wrong with it: another invariant.
    for row in rows.filter(wrong).filter(Exists(grants)).order_by("pk").iterator(_CHUNK):
        until = "for ever" if row.is_for_ever else f"until {row.until.isoformat()}"
        shown = "for ever" if row.expires_at is None else f"until {row.expires_at.isoformat()}"
        yield (
            row,
            f"{_pair(row.user_id, row.product_id)} have access {shown}, the grants say {until}",
            f"call {_FLOWS}.restore_product(user, product, reason=…), which derives the row again.",
        )


@invariant("entitlements.access_twice")
def find_access_twice() -> Iterator[Finding]:
    """One row for each user and product."""
    model = get_purchased_product_model()
    pairs = model.objects.order_by().values_list("user_id", "product_id")
    for user_id, product_id, number in pairs.annotate(number=Count("pk")).filter(number__gt=1):
        yield (
            f"{model._meta.label} of {_pair(user_id, product_id)}",
            f"there are {number} rows: the table lost its unique constraint",
            "delete all but one by SQL, and add the constraint again: run makemigrations, migrate.",
        )


@invariant("entitlements.grant_twice")
def find_grants_twice() -> Iterator[Finding]:
    """A source gives once."""
    model = get_grant_model()
    keys = ("user_id", "product_id", "source_kind", "source_reference")
    standing = model.objects.standing().order_by().values_list(*keys)
    twice = standing.annotate(number=Count("pk")).filter(number__gt=1)
    for user_id, product_id, kind, reference, number in twice.order_by(*keys):
        source = f"{kind}:{reference}" if reference else kind
        yield (
            f"{model._meta.label} of {_pair(user_id, product_id)}",
            f"{number} grants of the source {source} stand",
            f"call {_FLOWS}.revoke_product(user, product, source=…, reason=…) and grant it again.",
        )
