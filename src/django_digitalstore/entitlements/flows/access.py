"""Who gets access, and who loses it: the writers of ``PurchasedProduct`` and ``Grant``.

Each flow takes the permanent mutex of (user, product) first, changes the ledger, and then derives
the row from what stands. All are idempotent, and safe under concurrency on every database.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_digitalstore.core import guard, locks
from django_digitalstore.core.exceptions import OutsideTransaction
from django_digitalstore.core.flow import flow
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.entitlements.choices import EndedKind, GrantEffect
from django_digitalstore.entitlements.exceptions import AccessWithheld, InvalidGrant
from django_digitalstore.entitlements.signals import access_granted, access_revoked
from django_digitalstore.entitlements.sources import Source

if TYPE_CHECKING:
    from django_digitalstore.entitlements.abstract_models import (
        AbstractGrant,
        AbstractPurchasedProduct,
    )

__all__ = [
    "clear_expired",
    "grant_locked",
    "grant_product",
    "lock_access",
    "restore_product",
    "revoke_product",
    "withhold_product",
]

REVOKED_BY_HAND = "revoked"
#: Why a source takes back what it gave.
BY_ITS_SOURCE = (EndedKind.WITHDRAWN, EndedKind.REFUNDED, EndedKind.DISPUTED)
#: Ends after which the same source goes on with what it gave.
SUSPENDED = (EndedKind.REVOKED, EndedKind.DISPUTED, EndedKind.REPLACED)


def _key(user_id: Any, product_id: Any) -> str:
    return f"access:{user_id}:{product_id}"


def lock_access(pairs: Iterable[tuple[Any, Any]]) -> None:
    """Take the mutexes of several (user, product) pairs in one statement, sorted.

    For a flow that touches several products in one transaction: taken one by one, in an order of
    their own, two such flows could wait for each other. Needs an open transaction.
    """
    locks.take(*(_key(user.pk, product.pk) for user, product in pairs))


@flow
def grant_product(
    user: Any,
    product: Any,
    *,
    source: Source,
    actor: Any = None,
    reason: str = "",
    expires_at: datetime | None = None,
) -> AbstractPurchasedProduct:
    """Give ``user`` access to ``product`` and return the row that says so.

    ``expires_at`` None is for ever. The same source twice is one grant; with another expiry the
    newer one replaces the older. Raises ``AccessWithheld`` where a person has revoked (nothing is
    written), and ``InvalidGrant`` for a user or product without a row, or an expiry in the past.
    Writes in one transaction, joins the caller's; no other I/O.
    """
    _require_rows(user, product)
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise InvalidGrant(
            f"grant_product() was given expires_at={expires_at.isoformat()}, which is past. "
            f"Pass a time to come, or None for ever."
        )
    locks.take(_key(user.pk, product.pk))
    return grant_locked(
        user, product, source=source, actor=actor, reason=reason, expires_at=expires_at
    )


@flow(atomic=False)
def grant_locked(
    user: Any,
    product: Any,
    *,
    source: Source,
    actor: Any = None,
    reason: str = "",
    expires_at: datetime | None = None,
) -> AbstractPurchasedProduct:
    """Grant as ``grant_product`` does, for a flow that took the mutex with ``lock_access``.

    In the caller's transaction and without a savepoint: of all that it raises, only
    ``AccessWithheld``, before which nothing is written, can be caught and the transaction go on.
    ``expires_at``, if any, is to come. Raises ``OutsideTransaction`` where no mutex can be held.
    """
    if not transaction.get_connection().in_atomic_block:
        raise OutsideTransaction(
            "entitlements.flows.grant_locked() was called outside a transaction, where no mutex "
            "is held. Call grant_product() instead: it opens one and takes the mutex."
        )
    now = timezone.now()
    ledger = _ledger(user, product)
    standing = _standing(ledger, now)
    if any(grant.effect == GrantEffect.DENY for grant in standing):
        raise AccessWithheld(
            f"User {user.pk} was denied product {product.pk} by a person. "
            f"Call entitlements.flows.restore_product(user, product, reason=…) first."
        )
    same = [
        g
        for g in standing
        if (g.source_kind, g.source_reference) == (source.kind, source.reference)
    ]
    with transaction.atomic(savepoint=False):
        if not any(g.expires_at == expires_at for g in same):
            for grant in same:
                _end(grant, now, EndedKind.REPLACED, actor=actor, reason=reason)
                standing.remove(grant)
            standing.append(
                _add(user, product, source, now, actor=actor, reason=reason, expires_at=expires_at)
            )
        purchase = _derive(user, product, ledger, standing, now)
    assert purchase is not None  # an allow stands and no deny does
    return purchase


@flow
def revoke_product(
    user: Any,
    product: Any,
    *,
    source: Source | None = None,
    kind: EndedKind = EndedKind.WITHDRAWN,
    actor: Any = None,
    reason: str,
) -> int:
    """End grants and return how many ended.

    With ``source`` only its grant ends, and access stays while another stands. ``kind`` is why that
    source takes back what it gave, and what its owner reads: WITHDRAWN, REFUNDED or DISPUTED.
    Without, a person takes the access away: all grants end and a deny stands until
    ``restore_product`` lifts it. ``reason`` is required, and for staff alone.
    Raises ``InvalidGrant``. Writes in one transaction, joins the caller's; no other I/O.
    """
    _require_rows(user, product)
    if not reason.strip():
        raise InvalidGrant("revoke_product() needs a reason. Pass reason='refund of order …'.")
    if kind not in BY_ITS_SOURCE or (source is None and kind != EndedKind.WITHDRAWN):
        raise InvalidGrant(
            f"revoke_product() was given kind={str(kind)!r}. With source=… it takes "
            f"{', '.join(repr(str(known)) for known in BY_ITS_SOURCE)}; without, a person revokes: "
            f"leave it out."
        )
    now = timezone.now()
    locks.take(_key(user.pk, product.pk))
    ledger = _ledger(user, product)
    standing = _standing(ledger, now)
    if source is not None:
        ending = [
            g
            for g in standing
            if g.effect == GrantEffect.ALLOW
            and (g.source_kind, g.source_reference) == (source.kind, source.reference)
        ]
        if not ending:
            _remember_end(user, product, source, now, kind, actor=actor, reason=reason)
    else:
        ending = [g for g in standing if g.effect == GrantEffect.ALLOW]
        kind = EndedKind.REVOKED
    for grant in ending:
        _end(grant, now, kind, actor=actor, reason=reason)
        standing.remove(grant)
    if source is None and not standing:
        deny = Source(REVOKED_BY_HAND)
        standing.append(
            _add(user, product, deny, now, actor=actor, reason=reason, effect=GrantEffect.DENY)
        )
    _derive(user, product, ledger, standing, now)
    return len(ending)


@flow
def withhold_product(user: Any, product: Any, *, source: Source, reason: str) -> None:
    """Note that ``source`` would give access, while a person's deny stands; nothing is given.

    ``restore_product`` then gives it. Nothing happens where no deny stands, or it is noted already.
    Writes in one transaction, joins the caller's; no other I/O.
    """
    _require_rows(user, product)
    now = timezone.now()
    locks.take(_key(user.pk, product.pk))
    ledger = _ledger(user, product)
    standing = _standing(ledger, now)
    if not any(g.effect == GrantEffect.DENY for g in standing):
        return
    last = _last_word(user, product, source)
    if last is None or last.ended_kind != EndedKind.REVOKED:
        _note(user, product, source, now, EndedKind.REVOKED, actor=None, reason=reason)


@flow
def restore_product(
    user: Any, product: Any, *, actor: Any = None, reason: str
) -> AbstractPurchasedProduct | None:
    """Lift a person's deny, and return the row if anything supports access then.

    The grants that the revoke had ended stand again, as new lines of the ledger, unless their own
    source withdrew them meanwhile (a refund) or their time is over. ``reason`` is required.
    Writes in one transaction, joins the caller's; no other I/O.
    """
    _require_rows(user, product)
    if not reason.strip():
        raise InvalidGrant("restore_product() needs a reason. Pass reason='revoked by mistake'.")
    now = timezone.now()
    locks.take(_key(user.pk, product.pk))
    ledger = _ledger(user, product)
    standing = _standing(ledger, now)
    denies = [g for g in standing if g.effect == GrantEffect.DENY]
    for deny in denies:
        _end(deny, now, EndedKind.LIFTED, actor=actor, reason=reason)
        standing.remove(deny)
    if denies:
        for ended in _last_words(user, product):
            if ended.ended_kind == EndedKind.REVOKED and (
                ended.expires_at is None or ended.expires_at > now
            ):
                source = Source(ended.source_kind, ended.source_reference)
                standing.append(
                    _add(
                        user,
                        product,
                        source,
                        now,
                        actor=actor,
                        reason=reason,
                        expires_at=ended.expires_at,
                    )
                )
    return _derive(user, product, ledger, standing, now)


@flow(atomic=False)
def clear_expired(*, limit: int = 1000) -> int:
    """Delete rows whose time is over and return how many; the periodic job calls it.

    They give no access already: every question hides them. One transaction for each row.
    """
    now = timezone.now()
    expired = get_purchased_product_model().objects.expired(now).select_related("user", "product")
    cleared = 0
    for purchase in expired.order_by("user_id", "product_id")[:limit]:
        cleared += _clear_one(purchase.user, purchase.product)
    return cleared


@flow
def _clear_one(user: Any, product: Any) -> int:
    now = timezone.now()
    locks.take(_key(user.pk, product.pk))
    ledger = _ledger(user, product)
    return int(_derive(user, product, ledger, _standing(ledger, now), now) is None)


def _require_rows(user: Any, product: Any) -> None:
    for what, row in (("user", user), ("product", product)):
        if getattr(row, "pk", None) is None or row._state.adding:
            raise InvalidGrant(
                f"The {what} {row!r} has no row in the database, so it can own or be owned by "
                f"nothing. Pass a saved {what}."
            )


def _ledger(user: Any, product: Any) -> list[AbstractGrant]:
    grants = get_grant_model().objects.filter(user_id=user.pk, product_id=product.pk)
    return list(grants.order_by("pk"))


def _standing(ledger: list[AbstractGrant], now: datetime) -> list[AbstractGrant]:
    return [
        grant
        for grant in ledger
        if grant.ended_at is None and (grant.expires_at is None or grant.expires_at > now)
    ]


def _add(
    user: Any,
    product: Any,
    source: Source,
    now: datetime,
    *,
    actor: Any,
    reason: str,
    expires_at: datetime | None = None,
    effect: GrantEffect = GrantEffect.ALLOW,
    **ended: Any,
) -> AbstractGrant:
    return guard.insert(
        get_grant_model()(
            user=user,
            product=product,
            effect=effect,
            source_kind=source.kind,
            source_reference=source.reference,
            reason=reason,
            actor=actor,
            granted_at=now,
            expires_at=expires_at,
            **ended,
        )
    )


def _end(grant: AbstractGrant, now: datetime, kind: EndedKind, *, actor: Any, reason: str) -> None:
    guard.update(grant, ended_at=now, ended_kind=kind, ended_reason=reason, ended_by=actor)


def _remember_end(
    user: Any,
    product: Any,
    source: Source,
    now: datetime,
    kind: EndedKind,
    *,
    actor: Any,
    reason: str,
) -> None:
    """Note what an ended source says now, where that is something else.

    That of a revoked one is no: without it, ``restore_product`` would bring back what was refunded
    while the deny stood. And a dispute that ends in a refund is a refund to its owner.
    """
    last = _last_word(user, product, source)
    if last is None:
        return
    was = last.ended_kind
    if was == EndedKind.REVOKED or (
        was != kind and {was, kind} == {EndedKind.DISPUTED, EndedKind.REFUNDED}
    ):
        _note(user, product, source, now, kind, actor=actor, reason=reason)


def _note(
    user: Any,
    product: Any,
    source: Source,
    now: datetime,
    kind: EndedKind,
    *,
    actor: Any,
    reason: str,
) -> None:
    """Add a grant of no length: it gives nothing, and is the last word of its source."""
    _add(
        user,
        product,
        source,
        now,
        actor=actor,
        reason=reason,
        ended_at=now,
        ended_kind=kind,
        ended_reason=reason,
        ended_by=actor,
    )


def _last_word(user: Any, product: Any, source: Source) -> AbstractGrant | None:
    """Return the newest allowing grant of one source, or None."""
    return (
        get_grant_model()
        .objects.allowing()
        .filter(
            user_id=user.pk,
            product_id=product.pk,
            source_kind=source.kind,
            source_reference=source.reference,
        )
        .order_by("-pk")
        .first()
    )


def _last_words(user: Any, product: Any) -> list[AbstractGrant]:
    """Return the newest allowing grant of each source, oldest source first."""
    grants: QuerySet[Any] = (
        get_grant_model().objects.allowing().filter(user_id=user.pk, product_id=product.pk)
    )
    newest = {(g.source_kind, g.source_reference): g for g in grants.order_by("pk")}
    return list(newest.values())


def _since(ledger: list[AbstractGrant], standing: list[AbstractGrant], now: datetime) -> datetime:
    """Return when the oldest of what stands began, before it was suspended.

    Access that comes back is no new purchase: else whoever disputes a payment in vain would get the
    updates and the downloads of one. What was given back, or had run out, begins anew.
    """
    began: dict[tuple[str, str], datetime] = {}
    ran_out: dict[tuple[str, str], datetime | None] = {}
    known = {grant.pk: grant for grant in [*ledger, *standing]}
    for grant in sorted(known.values(), key=lambda grant: grant.pk):
        if grant.effect != GrantEffect.ALLOW:
            continue
        source = (grant.source_kind, grant.source_reference)
        end = ran_out.get(source)
        if end is not None and end <= grant.granted_at:
            began.pop(source, None)
        if grant.ended_at is not None and grant.ended_kind not in SUSPENDED:
            began.pop(source, None)
        elif grant.ended_at != grant.granted_at:  # a note gives nothing
            began.setdefault(source, grant.granted_at)
            ran_out[source] = grant.expires_at
    sources = {(grant.source_kind, grant.source_reference) for grant in standing}
    return min((began[source] for source in sources & began.keys()), default=now)


def _derive(
    user: Any,
    product: Any,
    ledger: list[AbstractGrant],
    standing: list[AbstractGrant],
    now: datetime,
) -> AbstractPurchasedProduct | None:
    """Make the row match what stands. The one writer of ``PurchasedProduct``; needs the mutex.

    ``ledger`` was read behind the mutex; what was added since, and stands, is in ``standing``.
    """
    model = get_purchased_product_model()
    row = model.objects.filter(user_id=user.pk, product_id=product.pk).first()
    allowed = bool(standing) and all(g.effect == GrantEffect.ALLOW for g in standing)
    ends = [g.expires_at for g in standing]
    until = None if None in ends else max((end for end in ends if end is not None), default=None)
    if row is not None and (not allowed or not row.is_live):
        # An expired row is replaced, not prolonged: a new purchase has a new key, so old links die.
        guard.delete(row)
        if not allowed:
            access_revoked.send_after_commit(model, user_id=user.pk, product_id=product.pk)
        row = None
    if not allowed:
        return None
    if row is None:
        since = _since(ledger, standing, now)
        row = guard.insert(model(user=user, product=product, granted_at=since, expires_at=until))
        access_granted.send_after_commit(
            model, user_id=user.pk, product_id=product.pk, purchase=row
        )
    elif row.expires_at != until:
        guard.update(row, expires_at=until)
    return row
