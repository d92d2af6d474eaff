"""Every sequence of up to four happenings ends where the oracle says, after each of its steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.payments import flows, get_order_model
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentEvent,
    PaymentReported,
    RefundReported,
)
from tests.payments import signed
from tests.payments.states import (
    HAPPENINGS,
    LONGEST,
    PAGE,
    Outcome,
    Sequence,
    outcome_of,
    page,
    sequences,
)

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


class Store:
    """One order of one buyer for one product, to which things happen."""

    def __init__(self) -> None:
        self.buyer, self.book = signed.make_customer(), signed.make_product()
        self.attempt = signed.open_order(self.buyer, self.book)

    def happens(self, what: str, second: int) -> None:
        """Let ``what`` happen, ``second`` seconds into the story."""
        if what == "granted by hand":
            with suppress(AccessWithheld):
                access.grant_product(self.buyer, self.book, source=Source("gift"))
        elif what == "revoked by hand":
            access.revoke_product(self.buyer, self.book, reason="abuse")
        else:
            self.tell(what, second)

    def tell(self, what: str, second: int) -> None:
        """Let the provider tell of it."""
        flows.apply_events("default", [self.event(what, second)])

    def event(self, what: str, second: int) -> PaymentEvent:
        at: dict[str, Any] = {
            "payment": "pay_1",
            "occurred_at": signed.START + timedelta(seconds=second),
        }
        kind, _, state = what.partition(" ")
        if kind == "payment":
            return PaymentReported(
                checkout=self.attempt.checkout_reference,
                state=state,
                amount=1999,
                currency="EUR",
                **at,
            )
        if kind == "dispute":
            return DisputeReported(dispute="dsp_1", state=state, amount=1999, currency="EUR", **at)
        amount, full = (500, False) if state == "of a part" else (1999, state == "in full")
        return RefundReported(
            refund=f"ref_{state}",
            state="failed" if state == "failed" else "succeeded",
            amount=amount,
            currency="EUR",
            is_full=full,
            **at,
        )

    @property
    def outcome(self) -> Outcome:
        order = get_order_model().objects.get(pk=self.attempt.order_id)
        return Outcome(order.status, has_access(self.buyer, self.book), order.attention)


@contextmanager
def undone() -> Iterator[None]:
    """Undo what is done within."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def walk(
    store: Store, begun: Sequence, longest: int, look: Callable[[Sequence, Outcome], None]
) -> None:
    """Let every happening follow on ``begun``, look, and go on from there, as deep as it goes."""
    for what in HAPPENINGS:
        sequence = (*begun, what)
        with undone():
            store.happens(what, second=len(sequence))
            look(sequence, store.outcome)
            if len(sequence) < longest:
                walk(store, sequence, longest, look)


def differences(first: str, longest: int) -> tuple[int, dict[Sequence, tuple[Outcome, Outcome]]]:
    """Walk all sequences that begin with ``first``; return their number and what ended wrong."""
    found: dict[Sequence, tuple[Outcome, Outcome]] = {}
    seen = 0

    def look(sequence: Sequence, outcome: Outcome) -> None:
        nonlocal seen
        seen += 1
        if outcome != outcome_of(sequence):
            found[sequence] = (outcome, outcome_of(sequence))

    store = Store()
    store.happens(first, second=1)
    look((first,), store.outcome)
    walk(store, (first,), longest, look)
    return seen, found


@pytest.mark.parametrize("first", HAPPENINGS)
def test_every_sequence_of_two_ends_where_the_oracle_says(first):
    assert differences(first, 2) == (12, {})


@pytest.mark.slow
@pytest.mark.parametrize("first", HAPPENINGS)
def test_every_sequence_of_four_ends_where_the_oracle_says(first):
    assert differences(first, LONGEST) == (1 + 11 + 11**2 + 11**3, {})


def test_a_wrong_outcome_would_be_seen(monkeypatch):
    monkeypatch.setattr(Store, "outcome", Outcome("paid", access=True))
    _, found = differences("payment failed", 2)
    assert found[("payment failed",)] == (
        Outcome("paid", access=True),
        Outcome("failed", access=False),
    )


def test_the_page_of_the_reference_is_what_the_oracle_says():
    assert PAGE.read_text("utf-8") == page(), "Write `python -m tests.payments.states`."
    assert sum(1 for _ in sequences()) == 16_104
