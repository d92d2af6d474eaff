"""What customers and sellers write to each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.files.base import File
from django.utils import timezone

from django_digitalstore.core import guard
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.payments.abstract_models import new_payment_key
from django_digitalstore.support import (
    get_support_message_model,
    get_support_request_model,
    policies,
)
from django_digitalstore.support.choices import RequestState
from django_digitalstore.support.events import SupportEventKind
from django_digitalstore.support.exceptions import NoSupport
from django_digitalstore.support.signals import (
    support_request_opened,
    support_request_state_changed,
)

from .files import StoredFiles, attach, check_files, stored_files
from .notices import tell_of_message
from .rules import (
    check_answers,
    check_part,
    clean_body,
    clean_key,
    clean_subject,
    lock_request,
    promised_by,
    take_locks,
)

if TYPE_CHECKING:
    from django_digitalstore.support.abstract_models import (
        AbstractSupportMessage,
        AbstractSupportRequest,
    )

__all__ = ["add_note", "open_request", "reply"]

R = TypeVar("R")


@flow(atomic=False)
def open_request(
    user: Any,
    product: Any,
    *,
    subject: str,
    body: str,
    files: Sequence[File[Any]] = (),
    key: str = "",
) -> AbstractSupportRequest:
    """Open a request of ``user`` about ``product``, use up one of their allowance, and return it.

    ``key`` is of the form: the same one again, as of a double click, is the same request. Raises
    ``NoSupport``, with a message for the customer and an offer where more can be bought, and
    ``InvalidSupport`` with the wrong fields; neither leaves anything behind. Writes ``files`` to
    the private storage, then the rest in one transaction.
    """
    key = clean_key(key) or new_payment_key()
    subject, body = clean_subject(subject), clean_body(body)
    check_files(files)
    known = _opened_with(user, key)
    if known is not None:
        return known
    # Before any file is stored for nothing; asked again under the lock.
    known = _done_meanwhile(
        lambda: policies.check_open(user, product), lambda: _opened_with(user, key)
    )
    if known is not None:
        return known
    with stored_files(files) as stored:
        return retry_transaction(lambda: _open(user, product, subject, body, stored, key))


def _done_meanwhile(check: Callable[[], object], find: Callable[[], R | None]) -> R | None:
    """Let ``check`` raise, but where the other click of a double one has used up what it asks for.

    That click may end between the first look for what it wrote and the check.
    """
    try:
        check()
    except NoSupport:
        known = find()
        if known is None:
            raise
        return known
    return None


def _opened_with(user: Any, key: str) -> AbstractSupportRequest | None:
    return get_support_request_model().objects.filter(user_id=user.pk, key=key).first()


def _open(
    user: Any, product: Any, subject: str, body: str, files: StoredFiles, key: str
) -> AbstractSupportRequest:
    files.is_kept = False
    take_locks(user.pk, product.pk, writer_id=user.pk)
    known = _opened_with(user, key)
    if known is not None:
        return known
    balance = policies.check_open(user, product)
    now = timezone.now()
    request = guard.insert(
        get_support_request_model()(
            user=user,
            product=product,
            subject=subject,
            allowance=balance.allowance,  # type: ignore[misc]  # the plugin wants the host's class
            key=key,
            opened_at=now,
            waiting_since=now,
            last_message_at=now,
            due_at=promised_by(balance.terms, now),
        )
    )
    message = _add(request, user, body, files, key, now)
    tell_of_message(message, SupportEventKind.OPENED)
    support_request_opened.send_after_commit(type(request), request=request)
    return request


def _add(
    request: AbstractSupportRequest,
    author: Any,
    body: str,
    files: StoredFiles,
    key: str,
    now: datetime,
    *,
    internal: bool = False,
) -> AbstractSupportMessage:
    message = guard.insert(
        get_support_message_model()(
            request=request,  # type: ignore[misc]
            author=author,
            body=body,
            internal=internal,
            at=now,
            key=key,
        )
    )
    attach(message, files)
    files.is_kept = True
    return message


@flow(atomic=False)
def reply(
    request: AbstractSupportRequest,
    *,
    author: Any,
    body: str,
    files: Sequence[File[Any]] = (),
    key: str = "",
) -> AbstractSupportMessage:
    """Add what the customer, the seller or staff wrote, tell the other side, and return it.

    A customer's reply to a resolved request reopens it. ``key`` as for ``open_request``. Raises
    ``NotYourRequest`` for anybody else, ``NoSupport`` where the request is closed or the customer
    lost the product, and ``InvalidSupport``; none leaves anything behind. I/O as ``open_request``.
    """
    _require_author(author, "reply")
    check_part(request, author)
    key, body = clean_key(key) or new_payment_key(), clean_body(body)
    check_files(files)
    known = _written_with(request, key)
    if known is not None:
        return known
    known = _done_meanwhile(
        lambda: policies.check_reply(request, author), lambda: _written_with(request, key)
    )
    if known is not None:
        return known
    with stored_files(files) as stored:
        return retry_transaction(lambda: _reply(request, author, body, stored, key))


def _reply(
    request: AbstractSupportRequest, author: Any, body: str, files: StoredFiles, key: str
) -> AbstractSupportMessage:
    files.is_kept = False
    request = lock_request(request, writer=author)
    known = _written_with(request, key)
    if known is not None:
        return known
    policies.check_reply(request, author)
    now, old = timezone.now(), request.state
    message = _add(request, author, body, files, key, now)
    is_customer = author.pk == request.user_id
    changes: dict[str, Any] = {"last_message_at": now}
    if is_customer and not request.waits_for_seller:
        terms = policies.terms_of(request.user, request.product)
        changes.update(
            state=RequestState.WAITING_SELLER,
            waiting_since=now,
            due_at=promised_by(terms, now),
            resolved_at=None,
        )
    elif not is_customer and request.waits_for_seller:
        changes.update(state=RequestState.WAITING_CUSTOMER, waiting_since=now, due_at=None)
    guard.update(request, **changes)
    kind = SupportEventKind.REPLIED if is_customer else SupportEventKind.ANSWERED
    tell_of_message(message, kind)
    if request.state != old:
        support_request_state_changed.send_after_commit(
            type(request), request=request, old=old, new=request.state
        )
    return message


def _written_with(request: AbstractSupportRequest, key: str) -> AbstractSupportMessage | None:
    return get_support_message_model().objects.filter(request=request.pk, key=key).first()


def _require_author(author: Any, name: str) -> None:
    if getattr(author, "pk", None) is None:
        raise NoSupport(
            "no_author",
            f"support.flows.{name}() was given author={author!r}, and somebody must have written "
            f"it. Pass a saved user.",
        )


@flow(atomic=False)
def add_note(
    request: AbstractSupportRequest,
    *,
    author: Any,
    body: str,
    files: Sequence[File[Any]] = (),
    key: str = "",
) -> AbstractSupportMessage:
    """Add an internal note, which neither the customer nor any e-mail ever shows, and return it.

    In any state, and whether or not the customer has access. Raises ``NotYourRequest`` for anybody
    but the seller and staff, and ``InvalidSupport``. I/O as ``open_request``.
    """
    _require_author(author, "add_note")
    check_answers(request, author)
    key, body = clean_key(key) or new_payment_key(), clean_body(body)
    check_files(files)

    def write() -> AbstractSupportMessage:
        stored.is_kept = False
        locked = lock_request(request)
        return _written_with(locked, key) or _add(
            locked, author, body, stored, key, timezone.now(), internal=True
        )

    with stored_files(files) as stored:
        return retry_transaction(write)
