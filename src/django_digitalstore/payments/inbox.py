"""The webhook inbox: what providers say is stored before it is believed, and applied once.

Three transactions: store the message; claim it and apply it, with the claim as the first statement;
record the failure, if it raised. So an answer of 2xx means that the message is kept, and whatever
breaks in between is healed by one more delivery.
"""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, router, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core.exceptions import DigitalStoreError, InvalidBackend
from django_digitalstore.core.flow import (
    flow,
    is_transient,
    retry_transaction,
    without_savepoint,
)
from django_digitalstore.core.insert_once import insert_once

from . import flows, get_payment_model
from .backends import BasePaymentBackend, Message, payment_backends
from .events import PaymentEvent, PaymentReported, event_from_data
from .exceptions import WebhookInvalid, WebhookNotOurs, WebhookNotVerified
from .models import InboxMessage, InboxSource, InboxState

__all__ = [
    "UNRESOLVED",
    "Answer",
    "NothingToHandle",
    "left_over",
    "mark_handled",
    "process",
    "process_left_over",
    "process_waiting",
    "receive",
]

logger = logging.getLogger(__name__)

#: The one body of every refused signature: it tells a forger nothing.
NOT_VERIFIED = "The signature does not verify."

#: States in which a message has not done what it says, and somebody may have to look.
UNRESOLVED = (
    InboxState.RECEIVED,
    InboxState.WAITING,
    InboxState.UNMATCHED,
    InboxState.FAILED,
    InboxState.INVALID,
    InboxState.UNREADABLE,
)

#: A message younger than this may still be at work in another process.
AT_WORK = timedelta(minutes=5)


class NothingToHandle(DigitalStoreError):
    """A message needs nobody's care: it is processed, ignored, or handled already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the provider is answered. 2xx means kept, 5xx means send it again."""

    status: int
    text: str


_PROCESSED_ALREADY = Answer(200, "Processed already.")


class Unreadable(ValueError):
    """A body that is not an event."""


class _KeepAsItWas(Exception):
    """A processed message came again with a body that says nothing: the first one stays."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.text)
        self.answer = answer


def receive(alias: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Verify, store and apply a webhook. Never raises for what a sender can send.

    Must run outside any transaction of the caller's, so that what is stored stays stored.
    """
    backend = _backend(alias)
    if isinstance(backend, Answer):
        return backend
    try:
        message = backend.verify(body, headers)
    except WebhookNotVerified as error:
        logger.warning("A webhook of %r was refused: %s", alias, error)
        return Answer(401, NOT_VERIFIED)
    except ImproperlyConfigured as error:
        logger.error("Webhooks of %r cannot be verified: %s", alias, error)
        return Answer(503, "The webhook secret is not configured.")
    try:
        # Only a saving: the claim decides, whatever was read here.
        known = _row(alias, message.id).filter(state=InboxState.PROCESSED, digest=message.digest)
        if known.exists():
            return _PROCESSED_ALREADY
        stored = _store(alias, message)
    except OperationalError as error:
        if not is_transient(error):
            raise
        return Answer(503, "Busy, please send it again.")
    return process(stored, message=message)


def _backend(alias: str) -> BasePaymentBackend | Answer:
    if alias not in payment_backends:
        return Answer(404, "No such provider.")
    try:
        return payment_backends[alias]
    except InvalidBackend as error:
        logger.error("Webhooks of %r cannot be verified: %s", alias, error)
        return Answer(503, "The provider is not configured.")


def _store(alias: str, message: Message) -> InboxMessage:
    """Keep the message, in its own transaction; the first delivery of an id makes the row.

    What is returned names the row, and has no key: nobody asked whether it was there.
    """
    row = InboxMessage(
        alias=alias,
        message_id=message.id,
        sent_at=message.sent_at,
        body=message.body,
        digest=message.digest,
    )

    using = router.db_for_write(InboxMessage)
    retry_transaction(partial(insert_once, [row], key="message_id", using=using))
    return row


def _row(alias: str, message_id: str) -> QuerySet[InboxMessage]:
    return InboxMessage.objects.filter(alias=alias, message_id=message_id)


def process(stored: InboxMessage, *, message: Message | None = None) -> Answer:
    """Apply a stored message, with the body of ``message`` where that is a newer delivery.

    Idempotent: any message, any number of times, in whatever state. Failures are recorded on the
    row, not raised.
    """
    try:
        return retry_transaction(lambda: _apply(stored, message))
    except _KeepAsItWas as kept:
        return kept.answer
    except Exception as error:
        # Whatever it is, it is recorded, and 500 makes the provider send it again.
        logger.exception("Webhook message %s of %r failed.", stored.message_id, stored.alias)
        _record_failure(stored, error)
        return Answer(500, "Failed, please send it again.")


def _record_failure(stored: InboxMessage, error: Exception) -> None:
    # What is processed, or a person has dealt with, stays so, whatever a later delivery ran into.
    failing = _row(stored.alias, stored.message_id).exclude(
        state__in=[InboxState.PROCESSED, InboxState.HANDLED]
    )
    text = f"{type(error).__name__}: {error}"[:500]
    trace = "".join(traceback.format_exception(error))

    def record() -> None:
        failing.update(
            state=InboxState.FAILED, attempts=F("attempts") + 1, error=text, traceback=trace
        )

    try:
        retry_transaction(record)
    except Exception:
        logger.exception(
            "The failure of webhook message %s of %r could not be recorded.",
            stored.message_id,
            stored.alias,
        )


def _apply(stored: InboxMessage, newer: Message | None) -> Answer:
    """Claim, merge, derive and mark, in the caller's transaction."""
    claim = _row(stored.alias, stored.message_id)
    if newer is None:
        claim.update(attempts=F("attempts") + 1)
    else:
        # A duplicate of what is processed claims nothing; another body of the same id is merged.
        unprocessed = ~Q(state=InboxState.PROCESSED) | ~Q(digest=newer.digest)
        claimed = claim.filter(unprocessed).update(
            attempts=F("attempts") + 1,
            body=newer.body,
            digest=newer.digest,
            sent_at=newer.sent_at,
        )
        if not claimed:
            return _PROCESSED_ALREADY
    row = claim.defer("traceback").get()
    try:
        data = parse(bytes(row.body))
    except Unreadable as error:
        return _finish(row, InboxState.UNREADABLE, 400, str(error))
    try:
        events = _events(row, data)
    except WebhookInvalid as error:
        return _finish(row, InboxState.INVALID, 400, str(error))
    except WebhookNotOurs as error:
        return _finish(row, InboxState.UNMATCHED, 200, str(error))
    if not events:
        return _finish(row, InboxState.IGNORED, 200, "")
    applied = without_savepoint(flows.apply_events)(row.alias, events)
    if applied.unmatched:
        return _finish(
            row, InboxState.UNMATCHED, 200, applied.reason, applied.waits_for, applied.order
        )
    if applied.waits_for:
        return _finish(row, InboxState.WAITING, 200, "", applied.waits_for, applied.order)
    answer = _finish(row, InboxState.PROCESSED, 200, "", order=applied.order)
    for event in events:
        if isinstance(event, PaymentReported):
            _mark_waiting_processed(flows.payment_key(row.alias, event.payment))
    return answer


def _events(row: InboxMessage, data: Mapping[str, Any]) -> Sequence[PaymentEvent]:
    if row.source == InboxSource.RECONCILE:
        return [event_from_data(event) for event in data["events"]]
    message = Message(id=row.message_id, sent_at=row.sent_at, body=bytes(row.body), data=data)
    return payment_backends[row.alias].normalize(message)


def _finish(
    row: InboxMessage,
    state: InboxState,
    status: int,
    error: str,
    waits_for: str = "",
    order: str = "",
) -> Answer:
    answer = Answer(status, str(state.value) if status == 200 else f"{state.value}: {error}")
    if status != 200 and row.state == InboxState.PROCESSED:
        raise _KeepAsItWas(answer)
    if row.state == InboxState.HANDLED and state != InboxState.PROCESSED:
        raise _KeepAsItWas(answer)
    InboxMessage.objects.filter(pk=row.pk).update(
        state=state,
        error=error[:500],
        traceback="",
        waits_for=waits_for,
        order_reference=order or row.order_reference,
        processed_at=timezone.now() if state == InboxState.PROCESSED else None,
    )
    return answer


def _mark_waiting_processed(key: str) -> None:
    """Say of messages whose facts were waiting for this payment that they are applied.

    After the commit, in a transaction of its own: another worker may hold such a message while it
    waits for our payment's mutex, and touching it here would be a deadlock.
    """
    transaction.on_commit(lambda: process_waiting(key), robust=True)


def process_waiting(key: str) -> int:
    """Apply again what waits for ``key`` (``flows.payment_key``, ``flows.checkout_key``)."""
    waiting = InboxMessage.objects.filter(
        waits_for=key, state__in=[InboxState.WAITING, InboxState.UNMATCHED]
    ).defer("body", "traceback")
    rows = list(waiting.order_by("pk")[:100])
    for row in rows:
        process(row)
    return len(rows)


def left_over(*, older_than: timedelta = timedelta(hours=1)) -> list[InboxMessage]:
    """Return messages, oldest first, that a killed process kept and did not apply, at most 1000.

    Received and not tried, or waiting for what has come since. Two queries, no bodies.
    """
    old = InboxMessage.objects.filter(received_at__lt=timezone.now() - older_than)
    old = old.defer("body", "traceback").order_by("pk")
    received = list(old.filter(state=InboxState.RECEIVED)[:1000])
    return [*received, *_waiting_in_vain(old.filter(state=InboxState.WAITING))][:1000]


def _waiting_in_vain(waiting: QuerySet[InboxMessage]) -> list[InboxMessage]:
    """Return those whose payment is known."""
    references = {
        row: row.waits_for.removeprefix(flows.payment_key(row.alias, "")) for row in waiting[:1000]
    }
    known = set(
        get_payment_model()
        .objects.filter(provider_reference__in=references.values())
        .order_by()
        .values_list("alias", "provider_reference")
    )
    return [row for row, reference in references.items() if (row.alias, reference) in known]


def process_left_over() -> int:
    """Apply what a kill left between two transactions, and return how many messages."""
    rows = left_over(older_than=AT_WORK)
    for row in rows:
        process(row)
    return len(rows)


@flow
def mark_handled(message: InboxMessage) -> InboxMessage:
    """Note that a person took care of ``message`` and return it: it is no problem any more.

    A later delivery that can be applied is applied all the same. Raises ``NothingToHandle``.
    """
    handled = InboxMessage.objects.filter(pk=message.pk, state__in=UNRESOLVED)
    if not handled.update(state=InboxState.HANDLED):
        raise NothingToHandle(_("It needs nobody's care: it is processed, ignored or handled."))
    message.state = InboxState.HANDLED
    return message


def parse(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``. Raises ``Unreadable``, which says what it is instead.

    Strict: no NaN, no key twice, UTF-8 only.
    """
    try:
        data = json.loads(
            body.decode("utf-8"), parse_constant=_refuse_constant, object_pairs_hook=_unique_keys
        )
    except UnicodeDecodeError:
        raise Unreadable("The body is not UTF-8.") from None
    except RecursionError:
        raise Unreadable("The body is nested too deeply.") from None
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(data, dict):
        raise Unreadable("The body is not a JSON object.")
    return data


def _refuse_constant(name: str) -> None:
    raise Unreadable(f"The body holds {name}, which is not JSON.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Unreadable("The body holds a key twice.")
    return result
