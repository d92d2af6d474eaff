"""Support beyond what was included: bought, or granted by a person."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from django.db.models import Count, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import guard
from django_digitalstore.core.flow import flow
from django_digitalstore.entitlements.policies import had_access, has_access
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.support import get_support_allowance_model
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport

from .rules import check_manages, clean, take_locks

if TYPE_CHECKING:
    from django_digitalstore.support.abstract_models import AbstractSupportAllowance

__all__ = ["end_allowance", "end_source", "grant_allowance"]

MANUAL = "manual"


@flow
def grant_allowance(
    user: Any,
    product: Any,
    *,
    requests: int | None,
    source: Source | None = None,
    expires_at: datetime | None = None,
    actor: Any = None,
    reason: str = "",
    must_own: bool = True,
) -> AbstractSupportAllowance | None:
    """Give ``user`` more requests about ``product``, and return what stands from this source.

    ``requests`` None is without a limit. The same source never gives twice: where it ended and is
    granted again, as after a dispute that was won, what was used before is not given again; None
    where nothing would be left. Without a ``source`` a person gives it, and ``reason`` is required.
    Raises ``NoSupport`` for somebody who does not own the product, unless ``must_own`` is False: it
    then waits, unusable, until they do. Raises ``InvalidSupport`` with the wrong fields, and
    ``NotYourRequest``. Writes in one transaction, joins the caller's; no other I/O.
    """
    check_manages(product, actor)
    if source is None:
        if not reason.strip():
            raise InvalidSupport({"reason": _("Say why.")})
        source = Source(MANUAL, uuid4().hex)
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        raise InvalidSupport({"expires_at": _("Choose a time to come, or none.")})
    take_locks(user.pk, product.pk)
    model = get_support_allowance_model()
    same = model.objects.filter(
        user_id=user.pk,
        product_id=product.pk,
        source_kind=source.kind,
        source_reference=source.reference,
    )
    standing = same.filter(ended_at=None).first()
    if standing is not None:
        return standing
    if must_own and not has_access(user, product):
        raise _not_an_owner(user, product)
    if requests is not None:
        used = same.annotate(number=Count("support_requests")).aggregate(all=Sum("number"))["all"]
        if used and used >= requests:
            return None
        requests -= used or 0
    allowance = model(
        user=user,
        product=product,
        source_kind=source.kind,
        source_reference=source.reference,
        requests=requests,
        granted_at=now,
        expires_at=expires_at,
        actor=actor,
        reason=reason.strip(),
    )
    clean(allowance)
    return guard.insert(allowance)


def _not_an_owner(user: Any, product: Any) -> NoSupport:
    if had_access(user, product):
        return NoSupport(
            "access_lost",
            _(
                "%(user)s does not have “%(product)s” any more, and support is for owners: restore "
                "the access first."
            )
            % {"user": user, "product": product},
        )
    return NoSupport(
        "no_purchase",
        _("%(user)s does not own “%(product)s”, and support is for owners: grant it first.")
        % {"user": user, "product": product},
    )


@flow
def end_allowance(
    allowance: AbstractSupportAllowance, *, actor: Any = None, reason: str
) -> AbstractSupportAllowance:
    """End an allowance and return it: what is unused is gone, what was used stays used.

    Nothing happens to one that has ended. ``reason`` is required: ``InvalidSupport`` without.
    Raises ``NotYourRequest``. Writes in one transaction, joins the caller's; no other I/O.
    """
    check_manages(allowance.product, actor)
    _require_reason(reason)
    take_locks(allowance.user_id, allowance.product_id)
    found = get_support_allowance_model().objects.select_for_update().get(pk=allowance.pk)
    if found.ended_at is None:
        _end(found, actor=actor, reason=reason)
    return found


@flow
def end_source(user: Any, product: Any, *, source: Source, reason: str) -> int:
    """End the allowance that ``source`` gave, and return how many ended. As ``end_allowance``."""
    _require_reason(reason)
    take_locks(user.pk, product.pk)
    standing = get_support_allowance_model().objects.filter(
        user_id=user.pk,
        product_id=product.pk,
        source_kind=source.kind,
        source_reference=source.reference,
        ended_at=None,
    )
    ending = list(standing)
    for allowance in ending:
        _end(allowance, actor=None, reason=reason)
    return len(ending)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise InvalidSupport({"reason": _("Say why.")})


def _end(allowance: AbstractSupportAllowance, *, actor: Any, reason: str) -> None:
    guard.update(allowance, ended_at=timezone.now(), ended_reason=reason.strip(), ended_by=actor)
