"""Reconciling: the provider is asked what happened, and what no webhook told is made up for.

The facts are the ones that webhooks bring, merged by the same ``apply_events``, one at a time in
the order of their time: so a store that got no webhook at all ends as if it had got each of them.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from django.conf import settings
from django.db import router, transaction
from django.db.models import Q
from django.utils import timezone

from django_digitalstore.core import locks
from django_digitalstore.core.exceptions import InvalidBackend
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.insert_once import insert_once
from django_digitalstore.core.money import display_money
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction
from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.payments import (
    get_dispute_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
)
from django_digitalstore.payments.backends import BasePaymentBackend, payment_backends
from django_digitalstore.payments.choices import DisputeState, PaymentState, RefundState
from django_digitalstore.payments.events import PaymentEvent, PaymentReported, event_to_data
from django_digitalstore.payments.models import InboxMessage, InboxSource, InboxState

from .items import Pace
from .reports import Applied, apply_events, checkout_key, payment_key

__all__ = ["Difference", "Finding", "Reconciled", "Trouble", "Unmatched", "reconcile"]

logger = logging.getLogger(__name__)

#: A provider that fails so often in a row is left alone until the next run.
_GIVE_UP = 5
_OPEN_DISPUTE = (DisputeState.OPENED, DisputeState.CHALLENGED)

#: What is known of an order: what a line of it is called, and what it says.
Standing = dict[tuple[str, Any], tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a run of ``reconcile`` found at the provider ``alias``; str() says it."""

    alias: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference(Finding):
    """An order that was not what its provider says. ``changes`` are (what, before, after)."""

    order: str
    changes: tuple[tuple[str, str, str], ...]

    def __str__(self) -> str:
        parts = [
            f"{what}: {before or '–'} → {after or '–'}" for what, before, after in self.changes
        ]
        return f"order {self.order}: {'; '.join(parts)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched(Finding):
    """Something at the provider that is not for a checkout of ours, and why."""

    payment: str
    reason: str

    def __str__(self) -> str:
        return f"payment {self.payment} of {self.alias}: unmatched. {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble(Finding):
    """Something that could not be asked or applied; the rest went on."""

    what: str
    error: str

    def __str__(self) -> str:
        return f"{self.what} of {self.alias}: {self.error}"


@dataclass(slots=True)
class Reconciled:
    """What a run found; ``events`` is how many facts the providers told."""

    events: int = 0
    differences: int = 0
    unmatched: int = 0
    troubles: int = 0


@dataclass(slots=True)
class _Run:
    """What the steps of one run share."""

    is_dry: bool
    tell: Callable[[Finding], object]
    pace: Pace
    result: Reconciled = field(default_factory=Reconciled)

    def found(self, finding: Finding) -> None:
        match finding:
            case Difference():
                self.result.differences += 1
            case Unmatched():
                self.result.unmatched += 1
            case Trouble():
                self.result.troubles += 1
        self.tell(finding)

    def failed(self, alias: str, what: str, error: Exception) -> None:
        logger.warning("Reconciling: %s of %r failed.", what, alias, exc_info=error)
        self.found(Trouble(alias=alias, what=what, error=f"{type(error).__name__}: {error}"))


@flow(atomic=False)
def reconcile(
    *,
    since: datetime | None = None,
    alias: str | None = None,
    is_dry: bool = False,
    per_second: float | None = 4,
    tell: Callable[[Finding], object] = lambda finding: None,
) -> Reconciled:
    """Ask the providers what happened since ``since``, and merge what no webhook told.

    ``since`` None is ``DIGITALSTORE_RECONCILE_PERIOD`` ago. A provider that lists what happened is
    asked page by page, any other for each checkout of ours that may have news; what is unfinished
    is asked for, whatever its age. ``tell`` gets each ``Difference``, ``Unmatched``
    and ``Trouble`` as it is found. ``is_dry`` finds the same, rolls every change back and sends
    nothing. Calls begin at most ``per_second`` times in a second. Idempotent; the error of one
    provider or checkout does not stop the others. Calls providers outside any transaction.
    """
    refuse_in_transaction("payments.flows.reconcile()")
    since = since or timezone.now() - settings.DIGITALSTORE_RECONCILE_PERIOD
    run = _Run(is_dry=is_dry, tell=tell, pace=Pace(per_second))
    for name in [alias] if alias is not None else list(payment_backends):
        try:
            backend = payment_backends[name]
        except InvalidBackend as error:
            run.failed(name, "the backend", error)
            continue
        _reconcile_provider(run, name, backend, since)
    return run.result


def _reconcile_provider(
    run: _Run, alias: str, backend: BasePaymentBackend, since: datetime
) -> None:
    if backend.supports_fetch_since:
        pages = _list(run, alias, backend, since)
        asked = _attempts(alias, _unfinished() & Q(created_at__lt=since))
    else:
        pages = iter(())
        asked = _attempts(alias, _unfinished() | _with_news(since))
    # A dry run applies nothing, so that facts on several pages must be seen together.
    held: list[PaymentEvent] = []
    for page in chain(pages, _ask(run, alias, backend, asked)):
        run.result.events += len(page)
        if run.is_dry:
            held.extend(page)
        else:
            _merge_page(run, alias, page)
    if run.is_dry:
        _merge_dry(run, alias, held)


def _attempts(alias: str, which: Q) -> list[list[str]]:
    """Return the checkouts of the attempts that meet a condition, those of an order together."""
    found = get_payment_model().objects.filter(which, alias=alias).exclude(checkout_reference="")
    orders: dict[Any, set[str]] = defaultdict(set)
    for order_id, reference in found.order_by("order_id").values_list(
        "order_id", "checkout_reference"
    ):
        orders[order_id].add(reference)
    return [sorted(references) for references in orders.values()]


def _unfinished() -> Q:
    """Return the condition of attempts with something under way: money, a refund, a dispute."""
    return (
        Q(state=PaymentState.PROCESSING)
        | Q(state=PaymentState.OPEN, checkout_expires_at__gt=timezone.now())
        | Q(refunds__state=RefundState.PENDING)
        | Q(disputes__state__in=_OPEN_DISPUTE)
    )


def _with_news(since: datetime) -> Q:
    """Return the condition of attempts that could be paid, or were paid, since."""
    recent = Q(created_at__gte=since) | Q(state_at__gte=since) | Q(checkout_expires_at__gte=since)
    return recent & ~Q(state=PaymentState.CREATED)


def _list(
    run: _Run, alias: str, backend: BasePaymentBackend, since: datetime
) -> Iterator[Sequence[PaymentEvent]]:
    """Yield page by page what happened since; ends, told, where the provider fails."""
    try:
        pages = iter(backend.fetch_since(since))

        def next_page() -> Sequence[PaymentEvent] | None:
            return next(pages, None)

        while True:
            run.pace.wait()
            page = call_provider(next_page)
            if page is None:
                return
            yield page
    except Exception as error:
        run.failed(alias, "the list of what happened", error)


def _ask(
    run: _Run, alias: str, backend: BasePaymentBackend, orders: list[list[str]]
) -> Iterator[Sequence[PaymentEvent]]:
    """Yield what became of each order's checkouts; gives up where the provider keeps failing."""
    failures = 0
    for checkouts in orders:
        events: list[PaymentEvent] = []
        for reference in checkouts:
            run.pace.wait()
            try:
                events += call_provider(backend.fetch_checkout, reference)
            except Exception as error:
                run.failed(alias, f"checkout {reference}", error)
                failures += 1
            else:
                failures = 0
        yield events
        if failures >= _GIVE_UP:
            text = f"{failures} calls in a row failed: the rest was not asked."
            run.found(Trouble(alias=alias, what="the other checkouts", error=text))
            return


def _in_time(events: Sequence[PaymentEvent]) -> list[PaymentEvent]:
    """Return facts by their time; a success never after what happened to its money.

    Some providers name the time of a payment's last change, which is that of its refund.
    """
    others: dict[str, datetime] = {}
    for event in events:
        if not isinstance(event, PaymentReported):
            others[event.payment] = min(
                event.occurred_at, others.get(event.payment, event.occurred_at)
            )

    def moment(event: PaymentEvent) -> tuple[datetime, bool]:
        if not isinstance(event, PaymentReported):
            return event.occurred_at, True
        if event.state != PaymentState.SUCCEEDED:
            return event.occurred_at, False
        return min(event.occurred_at, others.get(event.payment, event.occurred_at)), False

    return sorted(events, key=moment)


@dataclass(slots=True)
class _Merged:
    """What merging some facts changed."""

    #: Order's key → its number, what it was, what it is.
    orders: dict[Any, tuple[str, Standing, Standing]] = field(default_factory=dict)
    unmatched: dict[str, str] = field(default_factory=dict)


def _merge_page(run: _Run, alias: str, page: Sequence[PaymentEvent]) -> None:
    """Merge facts one by one, as their webhooks would have, and tell what changed of each order."""
    from django_digitalstore.payments.inbox import process_waiting  # the inbox builds on flows

    seen = _Merged()
    for event in _in_time(page):
        try:
            merged = retry_transaction(partial(_merge, alias, [event], is_dry=False))
            process_waiting(payment_key(alias, event.payment))
            if isinstance(event, PaymentReported) and event.checkout:
                process_waiting(checkout_key(alias, event.checkout))
        except Exception as error:
            run.failed(alias, f"payment {event.payment}", error)
            continue
        for pk, (order, before, after) in merged.orders.items():
            first = seen.orders.get(pk, (order, before, after))[1]
            seen.orders[pk] = (order, first, after)
        seen.unmatched |= merged.unmatched
    _tell(run, alias, seen)


def _merge_dry(run: _Run, alias: str, events: Sequence[PaymentEvent]) -> None:
    """Merge the facts of each order together, tell what changed, and roll it back."""
    for together in _by_order(alias, events):
        try:
            merged = retry_transaction(partial(_merge, alias, _in_time(together), is_dry=True))
        except Exception as error:
            run.failed(alias, f"payment {together[0].payment}", error)
        else:
            _tell(run, alias, merged)


def _by_order(alias: str, events: Sequence[PaymentEvent]) -> list[list[PaymentEvent]]:
    """Group facts by the order that they belong to, as far as that is known, else by payment."""
    checkouts = {e.payment: e.checkout for e in events if isinstance(e, PaymentReported)}
    known = get_payment_model().objects.filter(alias=alias).order_by()
    of_checkout = dict(
        known.filter(checkout_reference__in=set(checkouts.values()) - {""}).values_list(
            "checkout_reference", "order_id"
        )
    )
    of_payment = dict(
        known.filter(provider_reference__in={event.payment for event in events}).values_list(
            "provider_reference", "order_id"
        )
    )
    groups: dict[Any, list[PaymentEvent]] = defaultdict(list)
    for event in events:
        order = of_payment.get(event.payment) or of_checkout.get(checkouts.get(event.payment, ""))
        groups[order or event.payment].append(event)
    return list(groups.values())


def _tell(run: _Run, alias: str, merged: _Merged) -> None:
    for order, before, after in merged.orders.values():
        if changes := _changes(before, after):
            run.found(Difference(alias=alias, order=order, changes=changes))
    for payment, reason in merged.unmatched.items():
        run.found(Unmatched(alias=alias, payment=payment, reason=reason))


def _changes(before: Standing, after: Standing) -> tuple[tuple[str, str, str], ...]:
    """Return (what, before, after) for whatever is not the same."""
    changes = []
    for key in [*before, *(key for key in after if key not in before)]:
        label, was = before.get(key, ("", ""))
        label, now = after.get(key, (label, ""))
        if was != now:
            changes.append((label, was, now))
    return tuple(changes)


def _merge(alias: str, events: Sequence[PaymentEvent], *, is_dry: bool) -> _Merged:
    """Merge facts in the caller's transaction and compare. Noted in the inbox, or rolled back."""
    locks.take(*(payment_key(alias, event.payment) for event in events))
    before = _standings(alias, events)
    applied = [(event, apply_events(alias, [event])) for event in events]
    after = _standings(alias, events)
    merged = _Merged()
    for pk, (order, standing) in after.items():
        merged.orders[pk] = (order, before.get(pk, (order, {}))[1], standing)
    is_changed = any(_changes(was, now) for _order, was, now in merged.orders.values())
    for event, outcome in applied:
        if outcome.unmatched or outcome.waits_for:
            note = _note_of(alias, event, outcome)
            if _is_known(note, event):
                continue
            if outcome.unmatched:
                merged.unmatched[event.payment] = outcome.reason
        elif is_changed:
            note = _note_of(alias, event, outcome)
        else:
            continue
        if not is_dry:
            insert_once([note], key="alias", using=router.db_for_write(InboxMessage))
    if is_dry:
        transaction.set_rollback(True)
    return merged


def _note_of(alias: str, event: PaymentEvent, outcome: Applied) -> InboxMessage:
    """Return the message of a fact that no webhook told: it is seen, and can be replayed."""
    body = json.dumps({"events": [event_to_data(event)]}).encode()
    digest = hashlib.sha256(body).hexdigest()
    state = InboxState.PROCESSED
    if outcome.unmatched:
        state = InboxState.UNMATCHED
    elif outcome.waits_for:
        state = InboxState.WAITING
    # One that found no place is one message, however often it is asked for.
    tail = digest[:40] if state == InboxState.PROCESSED else event.payment
    now = timezone.now()
    return InboxMessage(
        alias=alias,
        source=InboxSource.RECONCILE,
        message_id=f"reconcile:{tail}",
        sent_at=now,
        received_at=now,
        body=body,
        digest=digest,
        state=state,
        attempts=1,
        waits_for=outcome.waits_for,
        order_reference=outcome.order,
        error=outcome.reason[:500],
        processed_at=now if state == InboxState.PROCESSED else None,
    )


def _is_known(note: InboxMessage, event: PaymentEvent) -> bool:
    """Tell whether the inbox says already that this found no place: it is told once."""
    same = Q(message_id=note.message_id)
    if not isinstance(event, PaymentReported) or event.checkout:
        same |= Q(waits_for=note.waits_for)
    return InboxMessage.objects.filter(same, alias=note.alias).exists()


def _standings(alias: str, events: Sequence[PaymentEvent]) -> dict[Any, tuple[str, Standing]]:
    """Return what is known of the orders that these facts belong to: key → (number, standing)."""
    checkouts = {e.checkout for e in events if isinstance(e, PaymentReported)} - {""}
    theirs = get_payment_model().objects.filter(
        Q(provider_reference__in={event.payment for event in events})
        | Q(checkout_reference__in=checkouts),
        alias=alias,
    )
    orders = get_order_model().objects.filter(pk__in=theirs.order_by().values("order_id"))
    return {order.pk: (order.public_id, _standing(order)) for order in orders}


def _standing(order: Any) -> Standing:
    """Return what is known of an order, in words."""
    standing: Standing = {
        ("order", "status"): ("status", str(order.get_status_display())),
        ("order", "attention"): (
            "needs attention",
            "; ".join(str(label) for label in order.attention_labels),
        ),
    }
    for payment in get_payment_model().objects.filter(order=order).order_by("pk"):
        standing[("payment", payment.pk)] = (f"payment {payment}", _in_words(payment))
    for model in (get_refund_model(), get_dispute_model()):
        kind = str(model._meta.verbose_name)
        for fact in model.objects.filter(payment__order=order).order_by("pk"):
            standing[(kind, fact.pk)] = (f"{kind} {fact}", _in_words(fact))
    lines = list(order.lines.order_by("position"))
    owned = set(
        get_purchased_product_model()
        .objects.of_customer(order.customer_id)
        .filter(product__in=[line.product_id for line in lines])
        .values_list("product_id", flat=True)
    )
    for line in lines:
        access = "yes" if line.product_id in owned else "no"
        standing[("access", line.pk)] = (f"access to “{line.name}”", access)
    return standing


def _in_words(fact: Any) -> str:
    """Return state and amounts of a payment, refund or dispute; not when they were reported."""
    parts = [str(fact.get_state_display()), display_money(fact.amount, fact.currency)]
    for name, currency in (
        ("tax", fact.currency),
        ("discount", fact.currency),
        ("settlement_amount", getattr(fact, "settlement_currency", "")),
    ):
        if amount := getattr(fact, name, None):
            parts.append(f"{name.partition('_')[0]} {display_money(amount, currency)}")
    parts += [str(getattr(fact, name, "")) for name in ("discrepancy", "failure")]
    return ", ".join(part for part in parts if part)
