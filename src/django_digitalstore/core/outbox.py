"""Effects outside the database that follow from a change in it: e-mails, provider calls.

A message is a row, written in the transaction that causes it: it exists if and only if the change
does. After commit it is tried once; ``manage.py digitalstore_outbox``, or the periodic job, sends
what is left. A message is never lost. It is sent twice only if the process is killed between the
sending and the mark, so handlers pass ``message.key`` on where a provider takes an idempotency key.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from itertools import islice
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks, mail
from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from .exceptions import DigitalStoreError
from .insert_once import insert_once
from .jobs import periodic_job
from .models import OutboxMessage, OutboxState
from .provider_calls import call_provider, refuse_in_transaction
from .whole_headers import WholeHeadersEmail

__all__ = [
    "BATCH",
    "Delivery",
    "NotDue",
    "Sweep",
    "UnknownOutboxKind",
    "check_tasks",
    "deliver",
    "enqueue",
    "enqueue_many",
    "handler",
    "message_id",
    "requeue",
    "sweep",
]

logger = logging.getLogger(__name__)

Handler = Callable[[Mapping[str, Any], OutboxMessage], None]

#: Waiting times after the first, second, … failure; the last one repeats.
BACK_OFF: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
    timedelta(hours=12),
    timedelta(hours=24),
)
#: After so many failures (a good week) a message is given up and shows as failed.
MOST_ATTEMPTS: Final = 14
#: How long a message belongs to the process that claimed it; afterwards it counts as killed.
CLAIM: Final = timedelta(minutes=10)
#: Messages that ``enqueue_many`` writes by one statement: as many as every database takes.
BATCH: Final = 90
#: Seconds that a mail server may take to answer: a buyer may be waiting for the page.
MAIL_TIMEOUT: Final = 10

_LONGEST_ERROR = 2000
_LONGEST_KEY = 255


class UnknownOutboxKind(DigitalStoreError, LookupError):
    """No handler is registered for a kind of message."""


class NotDue(DigitalStoreError):
    """Raised by a handler whose cause is gone for now: the message goes, and its key is free again.

    Returning instead means that the message is sent, and nothing of its key is sent again.
    """


class Delivery(StrEnum):
    """How an attempt to deliver ended."""

    SENT = "sent"
    #: It failed and will be tried again.
    RETRY = "retry"
    #: It failed for the last time.
    FAILED = "failed"
    #: There was nothing to do: sent, given up, claimed by another process, or not due (any more).
    SKIPPED = "skipped"


@dataclass(slots=True)
class Sweep:
    """What a sweep did, in numbers of messages."""

    sent: int = 0
    retry: int = 0
    failed: int = 0
    skipped: int = 0


_handlers: dict[str, Handler] = {}
_bulk_kinds: set[str] = set()


def handler(kind: str, *, bulk: bool = False) -> Callable[[Handler], Handler]:
    """Register the decorated ``function(payload, message)`` to deliver messages of ``kind``.

    It is called outside any transaction and may do I/O, with a short timeout. Whatever it raises
    is recorded, and it is called again later, but for ``NotDue``. A sweep takes messages of a
    ``bulk`` kind after all others: thousands of newsletters keep no refund waiting. Raises
    ``ValueError`` where the kind is taken.
    """

    def register(function: Handler) -> Handler:
        known = _handlers.get(kind)
        if known is not None and (known.__module__, known.__qualname__) != (
            function.__module__,
            function.__qualname__,
        ):
            raise ValueError(
                f"Outbox messages of kind {kind!r} are already delivered by "
                f"{known.__module__}.{known.__qualname__}. Choose another kind."
            )
        _handlers[kind] = function
        if bulk:
            _bulk_kinds.add(kind)
        return function

    return register


def enqueue(kind: str, key: str, payload: Mapping[str, Any]) -> None:
    """Write a message, in one statement, and try it once after the surrounding commit.

    Call it inside the ``transaction.atomic()`` block that makes the change: a rollback then takes
    the message with it. In autocommit it works, and only a kill between the change and this call
    can lose the message. ``key`` names the cause; a second message of one key is not written.
    Raises ``UnknownOutboxKind``, ``ValueError`` for a key of more than 255 characters, and
    ``TypeError`` for a payload that isn't JSON.
    """
    _handler_of(kind)
    using = router.db_for_write(OutboxMessage)
    insert_once([_message(kind, key, payload)], key="key", using=using)
    transaction.on_commit(partial(_try_after_commit, key, using), using=using, robust=True)


def enqueue_many(kind: str, items: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Write messages of ``(key, payload)``, without trying any: the sweeps send them.

    For what goes to many at once, such as a newsletter. One statement for each ``BATCH`` of items,
    and nothing else; a key that has a message is left out. In autocommit each statement commits by
    itself, so that after a kill the same call writes what is missing. Raises as ``enqueue`` does,
    for a whole batch before any of it is written.
    """
    _handler_of(kind)
    using = router.db_for_write(OutboxMessage)
    left = iter(items)
    while batch := [_message(kind, key, payload) for key, payload in islice(left, BATCH)]:
        insert_once(batch, key="key", using=using)


def deliver(pk: int, *, now: datetime | None = None) -> Delivery:
    """Claim a message that is due, run its handler and record how it ended.

    The claim is one conditional UPDATE, so that two processes never send one message. An error of
    the handler is recorded and logged, not raised. Raises ``CalledInTransaction`` inside a
    transaction, with nothing claimed.
    """
    refuse_in_transaction(f"outbox.deliver({pk!r})")
    claimed_at = now or timezone.now()
    claimed_until = claimed_at + CLAIM
    due = _messages().filter(_due(claimed_at), pk=pk, attempts__lt=MOST_ATTEMPTS)
    if not due.update(claimed_until=claimed_until, attempts=F("attempts") + 1):
        return Delivery.SKIPPED
    # Nothing below touches the row once another process has claimed it after us.
    claim = _messages().filter(pk=pk, state=OutboxState.PENDING, claimed_until=claimed_until)
    message = claim.first()
    if message is None:
        return Delivery.SKIPPED
    try:
        call_provider(_handler_of(message.kind), message.payload, message)
    except NotDue:
        claim.delete()
        return Delivery.SKIPPED
    except Exception as error:
        return _record_failure(message, claim, error, now)
    claim.update(
        state=OutboxState.SENT, sent_at=now or timezone.now(), claimed_until=None, last_error=""
    )
    return Delivery.SENT


def sweep(limit: int = 100, *, now: datetime | None = None) -> Sweep:
    """Deliver at most ``limit`` messages that are due, oldest first, and return the numbers.

    Those of bulk kinds come after all others. Messages whose last attempt was killed are given up.
    Raises ``CalledInTransaction`` inside a transaction.
    """
    refuse_in_transaction("outbox.sweep()")
    moment = now or timezone.now()
    done = Sweep()
    exhausted = _messages().filter(_due(moment), attempts__gte=MOST_ATTEMPTS)
    done.failed += exhausted.update(
        state=OutboxState.FAILED,
        claimed_until=None,
        last_error="The process was killed during the last attempt.",
    )
    due = (
        _messages().filter(_due(moment)).order_by("next_try_at", "pk").values_list("pk", flat=True)
    )
    pks = list(due.exclude(kind__in=_bulk_kinds)[:limit])
    if _bulk_kinds and len(pks) < limit:
        pks += due.filter(kind__in=_bulk_kinds)[: limit - len(pks)]
    for pk in pks:
        outcome = deliver(pk, now=now)
        setattr(done, outcome, getattr(done, outcome) + 1)
    return done


def requeue(pks: Iterable[int]) -> int:
    """Make messages that were given up pending again, due now; return how many."""
    given_up = _messages().filter(pk__in=list(pks), state=OutboxState.FAILED)
    return given_up.update(
        state=OutboxState.PENDING, attempts=0, next_try_at=timezone.now(), claimed_until=None
    )


def message_id(key: str) -> str:
    """Return the Message-ID of the e-mail of ``key``: the same at every attempt.

    A mail that a kill made us send twice is thus one mail to most mail programs.
    """
    host = urlsplit(settings.DIGITALSTORE_SITE_URL or "").hostname or "localhost"
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:32]}@{host}>"


def check_tasks(check_id: str) -> list[checks.CheckMessage]:
    """Return an error where ``DIGITALSTORE_TASKS`` names a queue that isn't there."""
    if settings.DIGITALSTORE_TASKS is None:
        return []
    try:
        _task()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id=check_id)]
    return []


def _message(kind: str, key: str, payload: Mapping[str, Any]) -> OutboxMessage:
    if len(key) > _LONGEST_KEY:
        raise ValueError(
            f"The outbox key {key[:40]!r}… has {len(key)} characters. "
            f"Write at most {_LONGEST_KEY}, or a hash of the cause."
        )
    return OutboxMessage(kind=kind, key=key, payload=dict(payload))


def _messages() -> QuerySet[OutboxMessage]:
    # Never from a replica: what was claimed a moment ago is read back here.
    return OutboxMessage.objects.using(router.db_for_write(OutboxMessage))


def _due(now: datetime) -> Q:
    unclaimed = Q(claimed_until=None) | Q(claimed_until__lte=now)
    return Q(state=OutboxState.PENDING, next_try_at__lte=now) & unclaimed


def _try_after_commit(key: str, using: str) -> None:
    # The change is committed: an error here belongs to the message and not to the request.
    try:
        pk = (
            OutboxMessage.objects.using(using)
            .filter(key=key, state=OutboxState.PENDING)
            .values_list("pk", flat=True)
            .first()
        )
        if pk is None:
            return
        if settings.DIGITALSTORE_TASKS is not None:
            _task().enqueue(pk)
        else:
            deliver(pk)
    except Exception:
        logger.exception("The outbox message %s could not be tried; the sweep will do it", key)


def _task() -> Any:
    from .outbox_tasks import get_task

    return get_task(settings.DIGITALSTORE_TASKS)


def _handler_of(kind: str) -> Handler:
    try:
        return _handlers[kind]
    except KeyError:
        close = difflib.get_close_matches(kind, _handlers, n=1)
        hint = (
            f"Did you mean {close[0]!r}?"
            if close
            else f"Register one with @outbox.handler({kind!r}) in a module imported at start."
        )
        raise UnknownOutboxKind(
            f"Nothing delivers outbox messages of kind {kind!r}. {hint}"
        ) from None


def _record_failure(
    message: OutboxMessage,
    claim: QuerySet[OutboxMessage],
    error: Exception,
    now: datetime | None,
) -> Delivery:
    failed = message.attempts >= MOST_ATTEMPTS
    wait = BACK_OFF[min(message.attempts, len(BACK_OFF)) - 1]
    claim.update(
        state=OutboxState.FAILED if failed else OutboxState.PENDING,
        next_try_at=(now or timezone.now()) + wait,
        claimed_until=None,
        last_error=f"{type(error).__name__}: {error}"[:_LONGEST_ERROR],
    )
    if failed:
        logger.error(
            "The outbox message %s is given up after %d attempts",
            message.key,
            message.attempts,
            exc_info=error,
        )
        return Delivery.FAILED
    logger.warning(
        "The outbox message %s failed with %s, attempt %d",
        message.key,
        type(error).__name__,
        message.attempts,
    )
    return Delivery.RETRY


@handler("email")
def send_email(payload: Mapping[str, Any], message: OutboxMessage) -> None:
    """Send ``{"to", "subject", "body"}``, with ``html``, ``from_email``, ``reply_to`` if given.

    ``headers`` are further headers, as in ``{"List-Unsubscribe": "<https://…>"}``; the Message-ID
    is always the outbox's own.
    """
    to = [payload["to"]] if isinstance(payload["to"], str) else list(payload["to"])
    if not any(to):
        raise ValueError("The e-mail has no recipient. Write its address in payload['to'].")
    email = WholeHeadersEmail(
        # A template's subject ends with a line break, which no header may hold.
        subject=" ".join(str(payload["subject"]).split()),
        body=payload["body"],
        from_email=payload.get("from_email"),
        to=to,
        reply_to=payload.get("reply_to"),
        headers={**(payload.get("headers") or {}), "Message-ID": message_id(message.key)},
    )
    if payload.get("html"):
        email.attach_alternative(payload["html"], "text/html")
    connection = _mail_connection()
    sent = connection.send_messages([email])
    if not sent:
        raise RuntimeError("The mail backend did not take the e-mail.")


def _mail_connection() -> Any:
    # Django 6.1 replaced get_connection() by mailers, which also serve the older settings.
    mailers = getattr(mail, "mailers", None)
    connection = mail.get_connection() if mailers is None else mailers.default
    timeout = getattr(connection, "timeout", None)
    # Only backends that know a timeout have the attribute; a shorter one of the site's stays.
    if hasattr(connection, "timeout") and (timeout is None or timeout > MAIL_TIMEOUT):
        connection.timeout = MAIL_TIMEOUT
    return connection


@periodic_job("outbox", every=timedelta(minutes=1))
def _sweep_job() -> None:
    sweep()
