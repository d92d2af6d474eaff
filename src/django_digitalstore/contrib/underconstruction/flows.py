"""Closing and opening the site: the only writers of its status.

Each change is committed first and felt by this process at once, by all others within two seconds.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import locks
from django_digitalstore.core.flow import flow

from .exceptions import ClosureRefused
from .flag import flag
from .models import LONGEST_MESSAGE, ONLY, SiteChange, SiteStatus, SiteStatusChange

__all__ = ["revoke_preview_links", "schedule", "switch_off", "switch_on"]

_MUTEX = "underconstruction"


@flow
def switch_on(
    *,
    reason: str,
    actor: Any = None,
    message: str = "",
    until: datetime | None = None,
    retry_after: int | None = None,
) -> SiteStatus:
    """Close the site now, until ``until`` where that is known; a schedule is dropped.

    ``message`` is shown to visitors, in addition to what the page says. ``retry_after`` tells
    programs when to come again, in seconds; None is ``DIGITALSTORE_UNDERCONSTRUCTION_RETRY_AFTER``.
    Raises ``ClosureRefused``.
    """
    if until is not None and until <= timezone.now():
        raise ClosureRefused(_("The end of the closure has passed already."))
    return _close(
        SiteChange.CLOSED,
        reason,
        actor,
        message=message,
        retry_after=retry_after,
        is_on=True,
        starts_at=None,
        ends_at=until,
    )


@flow
def schedule(
    *,
    starts_at: datetime,
    ends_at: datetime | None = None,
    reason: str,
    actor: Any = None,
    message: str = "",
    retry_after: int | None = None,
) -> SiteStatus:
    """Close the site from ``starts_at`` on, until ``ends_at`` or until it is opened by hand.

    Where it is closed now it is open until then. Nothing has to run at these times: each request
    compares them with its clock. Raises ``ClosureRefused``.
    """
    if ends_at is not None and ends_at <= starts_at:
        raise ClosureRefused(_("The closure has to end after it begins."))
    if ends_at is not None and ends_at <= timezone.now():
        raise ClosureRefused(_("The end of the closure has passed already."))
    return _close(
        SiteChange.SCHEDULED,
        reason,
        actor,
        message=message,
        retry_after=retry_after,
        is_on=False,
        starts_at=starts_at,
        ends_at=ends_at,
    )


@flow
def switch_off(*, reason: str, actor: Any = None) -> SiteStatus:
    """Open the site, and drop a schedule. Raises ``ClosureRefused`` without a reason."""
    return _write(
        SiteChange.OPENED, reason, actor, is_on=False, starts_at=None, ends_at=None, message=""
    )


@flow
def revoke_preview_links(*, reason: str, actor: Any = None) -> SiteStatus:
    """Let nobody in by a preview link that was made before. Raises ``ClosureRefused``."""
    return _write(SiteChange.LINKS_REVOKED, reason, actor)


def _close(
    change: SiteChange,
    reason: str,
    actor: Any,
    *,
    message: str,
    retry_after: int | None,
    **columns: Any,
) -> SiteStatus:
    if len(message) > LONGEST_MESSAGE:
        text = _("The message has more than %(number)d characters.")
        raise ClosureRefused(text % {"number": LONGEST_MESSAGE})
    if retry_after is None:
        retry_after = int(settings.DIGITALSTORE_UNDERCONSTRUCTION_RETRY_AFTER.total_seconds())
    if retry_after < 1:
        raise ClosureRefused(_("Programs can come again after one second at the earliest."))
    message = message.strip()
    return _write(change, reason, actor, message=message, retry_after=retry_after, **columns)


def _write(change: SiteChange, reason: str, actor: Any, **columns: Any) -> SiteStatus:
    if not reason.strip():
        raise ClosureRefused(_("Write why. It is kept in the history."))
    locks.take(_MUTEX)
    row = SiteStatus.objects.filter(pk=ONLY).first() or SiteStatus()
    for name, value in columns.items():
        setattr(row, name, value)
    row.version += 1
    if change == SiteChange.LINKS_REVOKED:
        row.preview_generation += 1
    row.changed_at, row.changed_by, row.reason = timezone.now(), actor, reason
    row.save()
    SiteStatusChange.objects.create(
        change=change,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        message=row.message,
        reason=reason,
        changed_at=row.changed_at,
        changed_by=actor,
    )
    transaction.on_commit(partial(flag.publish, row))
    return row
