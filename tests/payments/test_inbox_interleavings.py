"""Any interleaving of deliveries, repetitions and people ends where the oracle says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from django_digitalstore.core.invariants import violations
from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements import policies
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.payments import flows
from tests.payments import signed

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.needs("payments")]

PAYMENT_RANK = ["open", "expired", "processing", "cancelled", "failed", "succeeded"]
AGAINST_ACCESS = {
    "refund": ["pending", "failed", "succeeded"],
    "dispute": ["won", "cancelled", "expired", "opened", "challenged", "accepted", "lost"],
}


@dataclass
class OracleOrder:
    """What an order should look like, from the set of facts that arrived, however they arrived."""

    payment: str
    states: set[str] = field(default_factory=set)
    others: dict[tuple[str, str], tuple] = field(default_factory=dict)
    settled: bool = False

    @property
    def known(self) -> bool:
        return bool(self.states)

    @property
    def succeeded(self) -> bool:
        return "succeeded" in self.states

    def now(self, kind: str) -> list[tuple]:
        return [value for (k, _), value in self.others.items() if k == kind]

    @property
    def lost(self) -> bool:
        return any(state in {"lost", "accepted"} for _, _, state, _ in self.now("dispute"))

    @property
    def disputed(self) -> bool:
        return any(state in {"opened", "challenged"} for _, _, state, _ in self.now("dispute"))

    @property
    def refunded(self) -> int:
        return sum(amount for _, _, state, amount in self.now("refund") if state == "succeeded")

    @property
    def supported(self) -> bool:
        return self.succeeded and not self.lost and not self.disputed and self.refunded < 1999

    @property
    def status(self) -> str:
        if not self.succeeded:
            best = max(self.states, key=PAYMENT_RANK.index, default="open")
            return best if best in {"expired", "cancelled", "failed"} else "pending"
        if self.disputed:
            return "disputed"
        if self.lost or self.refunded >= 1999:
            return "refunded"
        return "partially_refunded" if self.refunded else "paid"


class Store(RuleBasedStateMachine):
    """One buyer, one product, two open checkouts of it, a provider and a person with a mind."""

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic._from_testcase = True  # as Django's TestCase: providers may be called in it
        self.atomic.__enter__()
        self.client = Client()
        self.buyer, self.book = signed.make_customer(), signed.make_product()
        self.attempts = [signed.open_order(self.buyer, self.book)]
        # Another country makes another order: two tabs, two checkouts, both payable.
        second = flows.start_checkout(
            self.buyer, [flows.LineRequest(self.book)], email="a@example.com", country="FR"
        )
        self.attempts.append(
            flows.open_checkout(second, return_url="https://x/", cancel_url="https://x/")
        )
        self.orders = [OracleOrder(f"pay_{n}") for n in range(2)]
        self.deny = False
        self.standing: set[str] = set()
        self.revoked: set[str] = set()
        self.ever: set[str] = set()
        self.sent: list[bytes] = []
        self.messages = 0

    def teardown(self) -> None:
        broken = list(violations())
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        assert broken == []

    # --- the provider

    def deliver(self, body: bytes) -> None:
        self.messages += 1
        answer = signed.post(self.client, body, f"msg_{self.messages}")
        assert answer.status_code == 200, answer.content

    def send(self, body: dict) -> None:
        raw = json.dumps(body).encode()
        self.sent.append(raw)
        self.deliver(raw)

    @rule(
        which=st.integers(0, 1), state=st.sampled_from(PAYMENT_RANK[1:]), second=st.integers(1, 9)
    )
    def payment_is_reported(self, which: int, state: str, second: int) -> None:
        order = self.orders[which]
        order.states.add(state)
        self.send(
            signed.payment_event(
                self.attempts[which], state, reference=order.payment, second=second
            )
        )
        self.settle(which)

    @rule(
        which=st.integers(0, 1),
        number=st.integers(1, 2),
        state=st.sampled_from(AGAINST_ACCESS["refund"]),
        amount=st.sampled_from([500, 1000, 1999]),
        second=st.integers(1, 5),
    )
    def refund_is_reported(
        self, which: int, number: int, state: str, amount: int, second: int
    ) -> None:
        reference = f"ref_{which}_{number}"
        self.merge(which, "refund", reference, state, amount, second)
        self.send(
            signed.refund_event(
                state,
                payment=self.orders[which].payment,
                reference=reference,
                amount=amount,
                second=second,
            )
        )
        self.settle(which)

    @rule(
        which=st.integers(0, 1),
        state=st.sampled_from(AGAINST_ACCESS["dispute"]),
        second=st.integers(1, 5),
    )
    def dispute_is_reported(self, which: int, state: str, second: int) -> None:
        reference = f"dsp_{which}"
        self.merge(which, "dispute", reference, state, 1999, second)
        self.send(
            signed.dispute_event(
                state, payment=self.orders[which].payment, reference=reference, second=second
            )
        )
        self.settle(which)

    @rule(data=st.data())
    def an_old_message_comes_again(self, data) -> None:
        if self.sent:
            body = data.draw(st.sampled_from(self.sent))
            self.deliver(body)
            payment = json.loads(body)["data"]["payment"]
            self.settle(int(payment.removeprefix("pay_")))

    def merge(self, which, kind, reference, state, amount, second) -> None:
        version = (second, AGAINST_ACCESS[kind].index(state), state, amount)
        others = self.orders[which].others
        key = (kind, reference)
        old = others.get(key)
        if old is None or (version[0], version[1], version[3]) > (old[0], old[1], old[3]):
            others[key] = version

    def settle(self, which: int) -> None:
        order = self.orders[which]
        if not order.known or not order.succeeded:
            return
        source = f"payment-{which}"
        if not order.supported:
            self.standing.discard(source)
            self.revoked.discard(source)
        elif self.deny:
            self.revoked.add(source)
        else:
            self.standing.add(source)
            self.revoked.discard(source)

    # --- people

    @rule()
    def a_gift_is_given(self) -> None:
        try:
            access.grant_product(self.buyer, self.book, source=Source("gift"))
        except AccessWithheld:
            assert self.deny
        else:
            assert not self.deny
            self.standing.add("gift")
            self.revoked.discard("gift")

    @rule()
    def the_gift_is_taken_back(self) -> None:
        access.revoke_product(
            self.buyer, self.book, source=Source("gift"), reason="a change of mind"
        )
        self.standing.discard("gift")
        self.revoked.discard("gift")

    @rule()
    def a_person_revokes(self) -> None:
        access.revoke_product(self.buyer, self.book, reason="abuse")
        if not self.deny:
            self.revoked |= self.standing
            self.standing = set()
            self.deny = True

    @rule()
    def a_person_restores(self) -> None:
        access.restore_product(self.buyer, self.book, reason="a mistake")
        if self.deny:
            self.deny = False
            self.standing |= self.revoked
            self.revoked = set()

    # --- what must hold, always

    @invariant()
    def access_is_what_the_oracle_says(self) -> None:
        assert policies.has_access(self.buyer, self.book) == bool(self.standing and not self.deny)

    @invariant()
    def orders_are_what_the_oracle_says(self) -> None:
        for attempt, oracle in zip(self.attempts, self.orders, strict=True):
            attempt.order.refresh_from_db()
            assert attempt.order.status == oracle.status


def test_any_interleaving_ends_where_the_oracle_says():
    run_state_machine_as_test(
        Store,
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
