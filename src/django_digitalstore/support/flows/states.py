"""How a request goes on without a message."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import guard
from django_digitalstore.core.flow import flow
from django_digitalstore.support import (
    get_support_message_model,
    get_support_request_model,
    policies,
)
from django_digitalstore.support.choices import RequestState
from django_digitalstore.support.events import SupportEventKind
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport
from django_digitalstore.support.signals import support_request_state_changed

from .notices import tell_notifiers
from .rules import check_answers, check_part, lock_request, promised_by

if TYPE_CHECKING:
    from django_digitalstore.support.abstract_models import AbstractSupportRequest

__all__ = ["assign", "close", "close_resolved", "reopen", "resolve"]


@flow
def assign(
    request: AbstractSupportRequest, assignee: Any, *, actor: Any = None, reason: str = ""
) -> AbstractSupportRequest:
    """Make ``assignee`` the one who answers (None: nobody in particular); return the request.

    They must be able to answer it: ``InvalidSupport`` else. With a ``reason`` an internal note says
    it. Raises ``NotYourRequest``. Writes in one transaction, joins the caller's; no other I/O.
    """
    check_answers(request, actor)
    request = lock_request(request)
    if assignee is not None and not policies.can_answer(assignee, request):
        raise InvalidSupport(
            {
                "assignee": _(
                    "%(user)s cannot answer this request: choose the product's seller, or staff "
                    "who may change support requests."
                )
                % {"user": assignee}
            }
        )
    if request.assignee_id == getattr(assignee, "pk", None):
        return request
    guard.update(request, assignee=assignee)
    _note(request, actor, reason)
    _tell(request, SupportEventKind.ASSIGNED, actor)
    return request


@flow
def resolve(
    request: AbstractSupportRequest, *, actor: Any = None, reason: str = ""
) -> AbstractSupportRequest:
    """Mark a request as resolved, by its customer or who answers; return it.

    Nothing happens to one that is. Raises ``NoSupport`` for a closed one, and ``NotYourRequest``.
    ``reason`` and I/O as for ``assign``.
    """
    check_part(request, actor)
    request = lock_request(request)
    if request.state == RequestState.RESOLVED:
        return request
    if request.state == RequestState.CLOSED:
        raise NoSupport("closed", _("This request is closed already."))
    now = timezone.now()
    _go(
        request,
        SupportEventKind.RESOLVED,
        actor,
        reason,
        state=RequestState.RESOLVED,
        resolved_at=now,
        waiting_since=now,
        due_at=None,
    )
    return request


@flow
def reopen(
    request: AbstractSupportRequest, *, actor: Any = None, reason: str = ""
) -> AbstractSupportRequest:
    """Let a request go on that was resolved, or, for the seller and staff, closed; return it.

    Its customer can within ``DIGITALSTORE_SUPPORT_REOPEN_WITHIN``, while the product is theirs and
    not too many others are open: ``NoSupport`` else. An answer is promised as for a new one.
    Nothing happens to one that is ongoing. No allowance is used up. Raises ``NotYourRequest``.
    ``reason`` and I/O as for ``assign``.
    """
    check_part(request, actor)
    request = lock_request(request)
    if request.is_ongoing:
        return request
    policies.check_reopen(request, actor)
    now = timezone.now()
    _go(
        request,
        SupportEventKind.REOPENED,
        actor,
        reason,
        state=RequestState.WAITING_SELLER,
        waiting_since=now,
        due_at=promised_by(policies.terms_of(request.user, request.product), now),
        resolved_at=None,
        closed_at=None,
    )
    return request


@flow
def close(
    request: AbstractSupportRequest, *, actor: Any = None, reason: str = ""
) -> AbstractSupportRequest:
    """Close a request for good, by who answers; return it. Nothing happens to one that is.

    Raises ``NotYourRequest``. ``reason`` and I/O as for ``assign``.
    """
    check_answers(request, actor)
    request = lock_request(request)
    if request.state != RequestState.CLOSED:
        _close(request, actor, reason, timezone.now())
    return request


@flow(atomic=False)
def close_resolved(*, now: datetime | None = None, limit: int = 1000) -> int:
    """Close what was resolved ``DIGITALSTORE_SUPPORT_CLOSE_AFTER`` ago; return how many.

    The periodic job calls it. One transaction for each request.
    """
    now = now or timezone.now()
    age = settings.DIGITALSTORE_SUPPORT_CLOSE_AFTER
    if age is None:
        return 0
    due = get_support_request_model().objects.filter(
        state=RequestState.RESOLVED, resolved_at__lte=now - age
    )
    return sum(_close_one(request, now, now - age) for request in due.order_by("pk")[:limit])


@flow
def _close_one(request: AbstractSupportRequest, now: datetime, resolved_by: datetime) -> int:
    request = lock_request(request)
    resolved = request.resolved_at
    if request.state != RequestState.RESOLVED or resolved is None or resolved > resolved_by:
        return 0  # its customer was faster
    _close(request, None, "", now)
    return 1


def _close(request: AbstractSupportRequest, actor: Any, reason: str, now: datetime) -> None:
    _go(
        request,
        SupportEventKind.CLOSED,
        actor,
        reason,
        state=RequestState.CLOSED,
        closed_at=now,
        due_at=None,
    )


def _go(
    request: AbstractSupportRequest,
    kind: SupportEventKind,
    actor: Any,
    reason: str,
    **changes: Any,
) -> None:
    old = request.state
    guard.update(request, **changes)
    _note(request, actor, reason)
    _tell(request, kind, actor)
    support_request_state_changed.send_after_commit(
        type(request), request=request, old=old, new=request.state
    )


def _tell(request: AbstractSupportRequest, kind: SupportEventKind, actor: Any) -> None:
    tell_notifiers(request, kind, actor=actor, cause=timezone.now().isoformat())


def _note(request: AbstractSupportRequest, actor: Any, reason: str) -> None:
    """Keep why somebody did it, where the customer does not read it."""
    if not reason.strip() or actor is None or actor.pk == request.user_id:
        return
    guard.insert(
        get_support_message_model()(
            request=request,  # type: ignore[misc]
            author=actor,
            body=reason.strip(),
            internal=True,
            at=timezone.now(),
        )
    )
