"""A refund is an intention: written first, sent once, looked for where its answer was lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from django_digitalstore.core import outbox
from django_digitalstore.core.invariants import violations
from django_digitalstore.core.models import OutboxMessage, OutboxState
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import (
    flows,
    get_payment_model,
    get_refund_model,
    policies,
)
from django_digitalstore.payments.backends import RefundAbility, RefundIntent
from django_digitalstore.payments.backends.sandbox import SandboxBackend, provider
from django_digitalstore.payments.events import PaymentReported, RefundReported
from django_digitalstore.payments.exceptions import (
    ProviderRefused,
    RefundRefused,
    RefundUnsettled,
)
from django_digitalstore.payments.facts import line_shares, prices_in
from django_digitalstore.payments.models import RefundRequest, new_refund_key
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    dispute,
    paid_order,
    place_order,
    refund,
    sandbox_checkout,
)
from tests.payments import signed

pytestmark = pytest.mark.django_db


# --- what the tests need ------------------------------------------------------------------------


class Unreliable(SandboxBackend):
    """A sandbox whose line breaks before, or after, it has made a refund."""

    breaks: str = ""
    calls = 0

    def refund(self, intent: RefundIntent) -> Any:
        Unreliable.calls += 1
        if self.breaks == "before":
            raise TimeoutError("no route to the provider")
        answer = super().refund(intent)
        if self.breaks == "after":
            raise TimeoutError("the answer was lost")
        return answer


class Forgetful(Unreliable):
    """It keeps no key with a refund."""

    def refund(self, intent: RefundIntent) -> Any:
        checkout = sandbox_checkout(
            get_payment_model().objects.get(provider_reference=intent.payment)
        )
        provider.refund(checkout, amount=intent.amount)
        raise TimeoutError("the answer was lost")


class Silent(Unreliable):
    """It cannot tell what it refunded."""

    supports_fetch_refunds = False


class Strict(SandboxBackend):
    """It refuses every refund."""

    def refund(self, intent: RefundIntent) -> Any:
        raise ProviderRefused("REFUND_WINDOW_EXPIRED", "The refund window is over.")


class ByItem(SandboxBackend):
    """It refunds by item, as Dodo Payments does."""

    refunds = RefundAbility.ITEMS


class InFull(SandboxBackend):
    """It refunds in full only."""

    refunds = RefundAbility.FULL


class Never(SandboxBackend):
    """It refunds nothing."""

    refunds = RefundAbility.NONE


class AmountsOnly(SandboxBackend):
    """It knows amounts only, and forgets what they were for."""

    def refund(self, intent: RefundIntent) -> Any:
        bare = RefundIntent(
            key=intent.key,
            payment=intent.payment,
            amount=intent.amount,
            currency=intent.currency,
            reason=intent.reason,
        )
        return super().refund(bare)


@pytest.fixture
def at_provider(settings: Any) -> Callable[[type[SandboxBackend]], None]:
    """Let the provider be another one from now on."""

    def use(backend: type[SandboxBackend]) -> None:
        settings.DIGITALSTORE_PAYMENTS = {"default": {"BACKEND": f"{__name__}.{backend.__name__}"}}

    return use


@pytest.fixture(autouse=True)
def _fresh_provider() -> Iterator[None]:
    Unreliable.breaks, Unreliable.calls = "", 0
    yield
    Unreliable.breaks = ""


@pytest.fixture
def ada() -> Any:
    return signed.make_customer()


@pytest.fixture
def book() -> Any:
    return signed.make_product("book", 1000)


@pytest.fixture
def song() -> Any:
    return signed.make_product("song", 999)


@pytest.fixture
def order(ada: Any, book: Any, song: Any) -> Any:
    return paid_order(ada, book, song)


def payment_of(order: Any) -> Any:
    return get_payment_model().objects.filter(order=order, state="succeeded").first()


def line(order: Any, position: int = 1) -> Any:
    return order.lines.get(position=position)


def fresh(row: Any) -> Any:
    return type(row).objects.get(pk=row.pk)


def ask(order: Any, actor: Any = None, **what: Any) -> RefundRequest:
    return flows.request_refund(payment_of(order), actor=actor, reason="they asked", **what)


def refused(order: Any, **what: Any) -> tuple[str, str]:
    with pytest.raises(RefundRefused) as caught:
        ask(order, **what)
    return caught.value.code, str(caught.value)


def time_passes(request: RefundRequest, **age: Any) -> None:
    """Let the last sending be long ago."""
    RefundRequest.objects.filter(pk=request.pk).update(
        sent_at=timezone.now() - timedelta(**(age or {"minutes": 11}))
    )


def at_the_sandbox(order: Any) -> list[dict[str, Any]]:
    payment = payment_of(order)
    return provider.refunds_of(payment.alias, payment.provider_reference)


def state(order: Any) -> tuple[str, str]:
    found = fresh(order)
    return found.status, found.attention


# --- what is asked for --------------------------------------------------------------------------


def test_a_payment_is_refunded_in_full(order: Any, ada: Any, book: Any) -> None:
    request = ask(order, actor=ada)
    assert (request.state, request.actor, request.reason) == ("requested", ada, "they asked")
    assert OutboxMessage.objects.filter(key=f"refund:{request.key}").count() == 1
    assert has_access(ada, book)

    sent = flows.send_refund(request.key)

    assert (sent.state, sent.attempts, sent.error) == ("sent", 1, "")
    assert [fact["key"] for fact in at_the_sandbox(order)] == [request.key]
    assert state(order) == ("refunded", "")
    assert not has_access(ada, book)
    assert list(violations()) == []


def test_the_outbox_sends_it_after_the_commit(
    order: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        request = ask(order)
    assert fresh(request).state == "sent"
    assert state(order) == ("refunded", "")


@pytest.mark.parametrize("backend", [SandboxBackend, ByItem, AmountsOnly])
def test_a_line_is_refunded_and_only_its_access_ends(
    order: Any, ada: Any, book: Any, song: Any, backend: Any, at_provider: Any
) -> None:
    at_provider(backend)
    request = ask(order, lines=[line(order)])
    assert (request.amount, request.items) == (1000, [[f"product:{book.pk}", 1000]])
    flows.send_refund(request.key)
    deliver_all(order)
    assert state(order) == ("partially_refunded", "")
    assert (has_access(ada, book), has_access(ada, song)) == (False, True)
    rest = ask(order, lines=[line(order, 2)])
    flows.send_refund(rest.key)
    assert state(order) == ("refunded", "")
    assert list(violations()) == []


def deliver_all(order: Any) -> None:
    for answer in deliver_webhooks(Client()):
        assert answer.status_code == 200, answer.content


def test_part_of_a_line_keeps_its_access(order: Any, ada: Any, book: Any) -> None:
    flows.send_refund(ask(order, lines=[line(order)], amount=400).key)
    assert has_access(ada, book)
    assert policies.refundable(payment_of(order)).lines[0].rest == 600
    flows.send_refund(ask(order, lines=[line(order)]).key)
    assert [fact["amount"] for fact in at_the_sandbox(order)] == [400, 600]
    assert not has_access(ada, book)


def test_an_amount_keeps_all_access_until_nothing_is_left(order: Any, ada: Any, book: Any) -> None:
    flows.send_refund(ask(order, amount=1500).key)
    assert state(order) == ("partially_refunded", "")
    assert has_access(ada, book)
    flows.send_refund(ask(order, amount=499).key)
    assert state(order) == ("refunded", "")
    assert not has_access(ada, book)


@pytest.mark.parametrize(
    ("what", "code", "message"),
    [
        ({"amount": 2000}, "too_much", "This is more than what is left: €19.99."),
        ({"amount": 0}, "amount", "Refund more than nothing."),
        ({"amount": -1}, "amount", "Refund more than nothing."),
        ({"lines": []}, "foreign_line", "Choose lines of the order that was paid."),
        ({"lines": [None]}, "foreign_line", "Choose lines of the order that was paid."),
    ],
)
def test_what_cannot_be_refunded_is_refused(
    order: Any, what: dict[str, Any], code: str, message: str
) -> None:
    assert refused(order, **what) == (code, message)
    assert not RefundRequest.objects.exists()


def test_an_amount_that_is_no_whole_number_is_a_mistake_of_the_caller(order: Any) -> None:
    with pytest.raises(TypeError) as caught:
        ask(order, amount=10.5)
    assert str(caught.value) == "amount=10.5 – write an int in minor units."


def test_a_line_of_another_order_is_refused(order: Any, book: Any) -> None:
    other = paid_order(signed.make_customer("eve"), book)
    assert refused(order, lines=[line(other)])[0] == "foreign_line"


def test_more_than_a_line_has_is_refused(order: Any) -> None:
    assert refused(order, lines=[line(order)], amount=1001) == (
        "too_much",
        "This is more than what is left: €10.00.",
    )
    assert refused(order, lines=list(order.lines.all()), amount=5) == (
        "which_line",
        "An amount is of one line: choose one.",
    )


def test_a_line_is_refunded_once(order: Any) -> None:
    flows.send_refund(ask(order, lines=[line(order)]).key)
    assert refused(order, lines=[line(order)]) == (
        "line_refunded",
        "“Book” was refunded already, or nothing was paid for it.",
    )


def test_a_reason_is_needed(order: Any) -> None:
    with pytest.raises(RefundRefused) as caught:
        flows.request_refund(payment_of(order), actor=None, reason=" ")
    assert str(caught.value) == "Say why: a refund needs a reason."


def test_nothing_is_refunded_twice(order: Any) -> None:
    flows.send_refund(ask(order).key)
    assert refused(order) == (
        "nothing_left",
        "All of this payment went back already, or is on its way.",
    )


def test_what_the_provider_cannot_do_is_refused_before_it_is_asked(
    order: Any, at_provider: Any
) -> None:
    at_provider(InFull)
    only_full = ("not_in_part", "This provider refunds a payment in full only.")
    assert refused(order, amount=5) == only_full
    assert refused(order, lines=[line(order)]) == only_full
    assert ask(order, amount=1999).amount is None
    RefundRequest.objects.all().delete()
    at_provider(ByItem)
    assert refused(order, amount=5) == (
        "which_line",
        "This provider refunds by line: choose the line.",
    )
    at_provider(Never)
    assert not policies.can_refund(payment_of(order))
    code, message = refused(order)
    assert code == "unsupported"
    assert message == (
        "“default” takes no refunds from here: refund in its dashboard, and it is known here by "
        "itself."
    )


def test_a_provider_that_refunds_by_item_takes_an_amount_of_a_single_line(
    ada: Any, book: Any, at_provider: Any
) -> None:
    order = paid_order(ada, book)
    at_provider(ByItem)
    assert ask(order, amount=300).items == [[f"product:{book.pk}", 300]]


def test_a_provider_that_is_gone_refunds_nothing(order: Any, settings: Any) -> None:
    settings.DIGITALSTORE_PAYMENTS = {"other": settings.DIGITALSTORE_PAYMENTS["default"]}
    assert refused(order) == (
        "unavailable",
        "The provider “default” is not configured here any more: refund there.",
    )


def test_an_unpaid_attempt_and_a_free_order_hold_no_money(ada: Any, book: Any) -> None:
    attempt = place_order(ada, book)
    with pytest.raises(RefundRefused) as caught:
        flows.request_refund(attempt, actor=None, reason="x")
    assert caught.value.code == "not_paid"
    free = paid_order(ada, signed.make_product("gift", 0))
    assert refused(free) == ("free", "Nothing was paid, so there is nothing to refund.")


def test_money_that_a_bank_may_take_is_not_refunded(order: Any, ada: Any, book: Any) -> None:
    reference = dispute(order)
    assert not has_access(ada, book)
    assert refused(order)[0] == "disputed"
    dispute(order, "won", reference=reference)
    flows.send_refund(ask(order).key)
    assert state(order) == ("refunded", "")


def test_a_dispute_that_comes_between_stops_the_sending(order: Any) -> None:
    request = ask(order)
    dispute(order, "lost")
    assert flows.send_refund(request.key).state == "refused"
    assert at_the_sandbox(order) == []
    assert state(order) == ("refunded", "")  # all of it is gone: nobody need look


# --- other money than what was asked -----------------------------------------------------------


@pytest.mark.parametrize("paid", [1500, 2500])
def test_another_amount_than_what_was_asked_can_be_refunded(
    ada: Any, book: Any, song: Any, paid: int
) -> None:
    attempt = place_order(ada, book, song)
    checkout = sandbox_checkout(attempt)
    checkout.amount = paid
    checkout.save()
    provider.pay(checkout)
    order = flows.refresh_order(attempt.order)
    assert (order.status, order.attention) == ("pending", "discrepancy")
    flows.send_refund(ask(order).key)
    assert [fact["amount"] for fact in at_the_sandbox(order)] == [paid]
    assert state(order) == ("cancelled", "")


def test_a_refused_refund_of_such_money_is_flagged(ada: Any, book: Any, at_provider: Any) -> None:
    attempt = place_order(ada, book)
    checkout = sandbox_checkout(attempt)
    checkout.amount = 5
    checkout.save()
    provider.pay(checkout)
    order = flows.refresh_order(attempt.order)
    at_provider(Strict)
    flows.send_refund(ask(order).key)
    assert state(order) == ("pending", "discrepancy refund_refused")


def report(client: Any, attempt: Any, **data: Any) -> Any:
    with override_settings(
        DIGITALSTORE_PAYMENTS={"default": {"BACKEND": f"{__name__}.Converting"}}
    ):
        assert (
            signed.post(client, signed.payment_event(attempt, **data), "msg_1").status_code == 200
        )
    return fresh(attempt.order)


class Converting(SandboxBackend):
    """It adds tax, and lets buyers pay in their own currency."""

    def normalize(self, message: Any) -> Any:
        tax = message.data["data"].get("tax", 0)
        return [
            replace(event, is_converted=True, tax=tax)
            if isinstance(event, PaymentReported)
            else event
            for event in super().normalize(message)
        ]


@pytest.mark.parametrize(
    ("amount", "currency", "tax", "share"),
    [(2379, "EUR", 380, 1190), (220_000, "JPY", 0, 110_055), (1000, "USD", 0, 500)],
    ids=["tax on top", "yen", "dollars"],
)
def test_a_line_has_its_share_of_what_was_paid(
    client: Any, ada: Any, book: Any, song: Any, amount: int, currency: str, tax: int, share: int
) -> None:
    attempt = signed.open_order(ada, book, song)
    order = report(client, attempt, amount=amount, currency=currency, tax=tax)
    assert state(order) == ("paid", "")
    lines = policies.refundable(payment_of(order)).lines
    assert [part.rest for part in lines] == [share, amount - share]
    request = ask(order, lines=[line(order)])
    assert (request.amount, request.currency) == (share, currency)
    body = signed.refund_event(amount=share, currency=currency, key=request.key)
    signed.post(client, body, "msg_2")
    assert (has_access(ada, book), has_access(ada, song)) == (False, True)
    assert state(order) == ("partially_refunded", "")


def test_part_of_a_converted_line_keeps_its_access(
    client: Any, ada: Any, book: Any, song: Any
) -> None:
    # More yen than the line has cents.
    attempt = signed.open_order(ada, book, song)
    report(client, attempt, amount=220_000, currency="JPY")
    items = [[f"product:{book.pk}", 2000]]
    signed.post(client, signed.refund_event(amount=2000, currency="JPY", items=items), "msg_2")
    assert has_access(ada, book)


# --- the same, twice ----------------------------------------------------------------------------


def test_a_double_click_makes_one_request(order: Any) -> None:
    assert ask(order).pk == ask(order).pk
    assert OutboxMessage.objects.filter(kind="payments.refund").count() == 1


def test_the_same_form_sent_again_makes_one_refund_of_a_part(order: Any) -> None:
    key = new_refund_key()
    first = ask(order, amount=500, key=key)
    flows.send_refund(first.key)
    again = ask(order, amount=500, key=key)
    assert (again.pk, again.state) == (first.pk, "sent")
    assert len(at_the_sandbox(order)) == 1


def test_a_key_of_another_payment_or_shape_is_refused(order: Any, book: Any) -> None:
    other = paid_order(signed.make_customer("eve"), book)
    key = ask(other).key
    broken = ("key", "This form is broken: open it again.")
    assert refused(order, key=key) == broken
    assert refused(order, key="ref_1") == broken


def test_another_request_waits_for_the_first(order: Any) -> None:
    first = ask(order, amount=500)
    code, message = refused(order, amount=600)
    assert code == "under_way"
    assert message == (
        f"A refund of this payment is under way ({first.key}): wait for it, or decide what became "
        "of it."
    )
    assert not policies.can_refund(payment_of(order))
    flows.send_refund(first.key)
    assert policies.can_refund(payment_of(order))
    assert ask(order, amount=600).pk != first.pk


def test_it_is_sent_once_however_often_it_is_called(order: Any) -> None:
    request = ask(order)
    for _ in range(3):
        assert flows.send_refund(request.key).state == "sent"
    assert len(at_the_sandbox(order)) == 1


# --- whose news comes first ---------------------------------------------------------------------


@pytest.mark.parametrize("keeps_key", [True, False], ids=["with key", "without key"])
def test_the_webhook_comes_before_the_answer(
    client: Any, order: Any, ada: Any, book: Any, at_provider: Any, keeps_key: bool
) -> None:
    class Eager(SandboxBackend):
        def refund(self, intent: RefundIntent) -> Any:
            answer = super().refund(intent)
            event: Any = answer[0]
            body = signed.refund_event(
                payment=intent.payment,
                reference=event.refund,
                amount=event.amount,
                second=10**8,
                key=intent.key if keeps_key else "",
            )
            assert signed.post(client, body, "msg_early").content == b"processed\n"
            if keeps_key:
                assert RefundRequest.objects.get().state == "sent"
            return answer

    globals()["Eager"] = Eager
    at_provider(Eager)
    request = ask(order, lines=[line(order)])
    assert flows.send_refund(request.key).state == "sent"
    assert state(order) == ("partially_refunded", "")
    assert get_refund_model().objects.get().items == [[f"product:{book.pk}", 1000]]
    assert not has_access(ada, book)


def test_the_webhook_comes_instead_of_the_answer(order: Any, at_provider: Any) -> None:
    at_provider(Unreliable)
    request = ask(order)
    Unreliable.breaks = "after"
    with pytest.raises(TimeoutError):
        flows.send_refund(request.key)
    kept = fresh(request)
    assert (kept.state, kept.error) == ("sending", "TimeoutError: the answer was lost")
    deliver_all(order)
    assert fresh(request).state == "sent"
    assert state(order) == ("refunded", "")
    flows.send_refund(request.key)
    assert Unreliable.calls == 1


# --- no answer ----------------------------------------------------------------------------------


def lose_the_answer(order: Any, when: str, **what: Any) -> RefundRequest:
    request = ask(order, **what)
    Unreliable.breaks = when
    with pytest.raises(TimeoutError):
        flows.send_refund(request.key)
    Unreliable.breaks = ""
    return request


def test_one_that_was_made_is_found_and_adopted(order: Any, at_provider: Any) -> None:
    at_provider(Unreliable)
    request = lose_the_answer(order, "after")
    assert flows.send_refund(request.key).state == "sent"
    assert (Unreliable.calls, len(at_the_sandbox(order))) == (1, 1)
    assert state(order) == ("refunded", "")


def test_one_that_is_absent_is_sent_again_once_that_is_certain(
    order: Any, at_provider: Any
) -> None:
    at_provider(Unreliable)
    request = lose_the_answer(order, "before")
    with pytest.raises(RefundUnsettled) as caught:
        flows.send_refund(request.key)
    assert str(caught.value) == (
        f"Refund {request.key} was sent, and it is too early to say whether it was made – it is "
        f"looked for again after DIGITALSTORE_REFUND_SETTLE_AGE."
    )
    assert Unreliable.calls == 1
    time_passes(request)
    assert flows.send_refund(request.key).state == "sent"
    assert (fresh(request).attempts, len(at_the_sandbox(order))) == (2, 1)
    assert state(order) == ("refunded", "")


def test_a_refund_that_may_be_ours_is_left_to_a_person(order: Any, at_provider: Any) -> None:
    at_provider(Forgetful)
    request = ask(order, amount=500)
    with pytest.raises(TimeoutError):
        flows.send_refund(request.key)
    time_passes(request)
    reference = at_the_sandbox(order)[0]["refund"]

    found = flows.send_refund(request.key)

    assert (found.state, found.error) == (
        "doubtful",
        f"It may be one of these refunds at the provider: {reference}.",
    )
    assert state(order) == ("partially_refunded", "refund_doubtful")
    flows.send_refund(request.key)
    assert len(at_the_sandbox(order)) == 1
    assert refused(order, amount=500)[0] == "under_way"


def test_a_refund_of_the_dashboard_that_was_known_before_explains_itself(
    order: Any, at_provider: Any
) -> None:
    refund(order, amount=100)
    at_provider(Unreliable)
    request = lose_the_answer(order, "before")
    time_passes(request)
    assert flows.send_refund(request.key).state == "sent"
    assert sorted(fact["amount"] for fact in at_the_sandbox(order)) == [100, 1899]
    assert state(order) == ("refunded", "")


def test_a_refund_of_an_earlier_request_explains_itself(order: Any, at_provider: Any) -> None:
    at_provider(Unreliable)
    flows.send_refund(ask(order, amount=100).key)
    request = lose_the_answer(order, "before", amount=200)
    time_passes(request)
    assert flows.send_refund(request.key).state == "sent"
    assert sorted(fact["amount"] for fact in at_the_sandbox(order)) == [100, 200]


def test_a_provider_that_cannot_tell_its_refunds_is_never_asked_twice(
    order: Any, at_provider: Any
) -> None:
    at_provider(Silent)
    request = lose_the_answer(order, "before")
    with pytest.raises(RefundUnsettled):
        flows.send_refund(request.key)
    time_passes(request)
    found = flows.send_refund(request.key)
    assert (found.state, found.error) == (
        "doubtful",
        "The provider did not answer, and cannot tell what refunds it made.",
    )
    assert Unreliable.calls == 1
    assert state(order) == ("paid", "refund_doubtful")


def test_a_provider_that_is_down_for_long_ends_at_a_person(order: Any, at_provider: Any) -> None:
    at_provider(Silent)
    Unreliable.breaks = "before"
    request = ask(order)
    message = OutboxMessage.objects.get(key=f"refund:{request.key}")
    OutboxMessage.objects.filter(pk=message.pk).update(attempts=outbox.MOST_ATTEMPTS - 1)
    assert outbox.deliver(message.pk) == outbox.Delivery.FAILED
    found = fresh(request)
    assert (found.state, found.error) == (
        "doubtful",
        "The provider did not say what became of it: TimeoutError: no route to the provider",
    )
    assert state(order) == ("paid", "refund_doubtful")


def test_one_that_could_never_be_sent_is_refused_in_the_end(order: Any, settings: Any) -> None:
    request = ask(order)
    message = OutboxMessage.objects.get(key=f"refund:{request.key}")
    settings.DIGITALSTORE_PAYMENTS = {"other": settings.DIGITALSTORE_PAYMENTS["default"]}
    assert outbox.deliver(message.pk) == outbox.Delivery.RETRY
    OutboxMessage.objects.filter(pk=message.pk).update(
        attempts=outbox.MOST_ATTEMPTS - 1, next_try_at=timezone.now()
    )
    assert outbox.deliver(message.pk) == outbox.Delivery.FAILED
    assert fresh(request).error == "It was never sent: the provider could not be reached."
    assert state(order) == ("paid", "refund_refused")


def test_an_answer_without_the_key_counts_as_none(order: Any, at_provider: Any) -> None:
    class Wrong(SandboxBackend):
        def refund(self, intent: RefundIntent) -> Any:
            return []

    globals()["Wrong"] = Wrong
    at_provider(Wrong)
    request = ask(order)
    with pytest.raises(ValueError, match="RefundReported") as caught:
        flows.send_refund(request.key)
    assert str(caught.value) == (
        "Wrong.refund() must return a RefundReported with the key of its intent."
    )
    assert fresh(request).state == "sending"


# --- the provider says no -----------------------------------------------------------------------


def test_a_refusal_is_flagged_with_its_code_and_not_tried_again(
    order: Any, ada: Any, at_provider: Any
) -> None:
    at_provider(Strict)
    request = ask(order)
    found = flows.send_refund(request.key)
    assert (found.state, found.error) == (
        "refused",
        "REFUND_WINDOW_EXPIRED: The refund window is over.",
    )
    assert state(order) == ("paid", "refund_refused")
    assert flows.send_refund(request.key).attempts == 1


def test_what_the_backend_does_not_do_after_all_is_refused(order: Any, at_provider: Any) -> None:
    class Boastful(SandboxBackend):
        def refund(self, intent: RefundIntent) -> Any:
            return super(SandboxBackend, self).refund(intent)

    globals()["Boastful"] = Boastful
    at_provider(Boastful)
    found = flows.send_refund(ask(order).key)
    assert found.state == "refused"
    assert found.error.startswith("unsupported: Boastful cannot refund.")


def test_a_refund_in_the_dashboard_meanwhile_leaves_nothing_to_send(order: Any) -> None:
    request = ask(order)
    refund(order)
    found = flows.send_refund(request.key)
    assert found.state == "refused"
    assert found.error.startswith("nothing_left: ")
    assert len(at_the_sandbox(order)) == 1
    assert state(order) == ("refunded", "")


def test_a_refund_in_the_dashboard_whose_webhook_is_late_is_refused_by_the_provider(
    order: Any,
) -> None:
    provider.refund(sandbox_checkout(payment_of(order)), amount=1500)
    request = ask(order, amount=600)
    found = flows.send_refund(request.key)
    assert (found.state, found.error) == (
        "refused",
        "REFUND_AMOUNT_TOO_HIGH: Only 499 of it is left.",
    )
    assert state(order) == ("paid", "refund_refused")
    deliver_all(order)
    assert state(order) == ("partially_refunded", "refund_refused")


def test_the_next_request_takes_the_place_of_a_refused_one(order: Any, at_provider: Any) -> None:
    at_provider(Strict)
    request = ask(order, amount=500)
    flows.send_refund(request.key)
    at_provider(SandboxBackend)
    ask(order, amount=400)
    assert fresh(request).state == "handled"
    assert state(order) == ("paid", "")


def test_a_refund_that_failed_is_shown_and_leaves_the_way_open(client: Any, order: Any) -> None:
    request = flows.send_refund(ask(order).key)
    fact = get_refund_model().objects.get()
    body = signed.refund_event(
        "failed",
        payment=fact.payment_reference,
        reference=fact.provider_reference,
        second=10**8,
    )
    signed.post(client, body, "msg_failed")
    found = fresh(request)
    assert (found.state, found.error) == (
        "refused",
        "failed: the provider accepted the refund and could not make it.",
    )
    assert state(order) == ("paid", "refund_refused")
    again = ask(order)
    assert again.pk != request.pk
    assert state(order) == ("paid", "")


# --- what people decide -------------------------------------------------------------------------


def test_a_person_marks_a_request_as_handled(order: Any, ada: Any, at_provider: Any) -> None:
    at_provider(Strict)
    request = flows.send_refund(ask(order).key)
    flows.resolve_refund_request(request, actor=ada, reason="paid back by bank")
    assert fresh(request).state == "handled"
    assert state(order) == ("paid", "")
    with pytest.raises(RefundRefused) as caught:
        flows.resolve_refund_request(request, actor=ada, reason="again")
    assert str(caught.value) == "Nothing is open here: see what became of it."


def test_what_was_handled_before_it_was_sent_is_never_sent(order: Any) -> None:
    request = ask(order)
    flows.resolve_refund_request(request, actor=None, reason="a mistake")
    assert flows.send_refund(request.key).state == "handled"
    assert at_the_sandbox(order) == []


def test_a_fact_outweighs_who_called_it_handled(order: Any, at_provider: Any) -> None:
    at_provider(Unreliable)
    request = lose_the_answer(order, "after")
    flows.resolve_refund_request(request, actor=None, reason="I see nothing there")
    deliver_all(order)
    assert fresh(request).state == "sent"
    assert state(order) == ("refunded", "")


@pytest.mark.parametrize("backend", [Strict, Silent])
def test_a_person_sends_it_again(order: Any, at_provider: Any, backend: Any) -> None:
    at_provider(backend)
    Unreliable.breaks = "before"
    request = ask(order, lines=[line(order)])
    for _ in range(2):
        try:
            flows.send_refund(request.key)
        except TimeoutError:
            time_passes(request)
    assert fresh(request).state in {"refused", "doubtful"}
    at_provider(SandboxBackend)

    again = flows.retry_refund(request, actor=None, reason="looked: it is not there")

    assert fresh(request).state == "handled"
    assert (again.amount, again.items) == (request.amount, request.items)
    assert again.key != request.key
    assert state(order) == ("paid", "")
    flows.send_refund(again.key)
    assert state(order) == ("partially_refunded", "")
    with pytest.raises(RefundRefused) as caught:
        flows.retry_refund(request, actor=None, reason="x")
    assert caught.value.code == "settled"


def test_one_that_was_given_up_is_tried_again(order: Any) -> None:
    request = ask(order)
    with pytest.raises(RefundRefused) as caught:
        flows.retry_refund(request, actor=None, reason="x")
    assert str(caught.value) == "It is under way, and is tried again by itself."
    OutboxMessage.objects.filter(kind="payments.refund").update(state=OutboxState.FAILED)
    assert flows.retry_refund(request, actor=None, reason="x") == request
    assert OutboxMessage.objects.get(kind="payments.refund").state == OutboxState.PENDING


# --- paid twice ---------------------------------------------------------------------------------


def pay_twice_at(attempt: Any) -> Any:
    checkout = sandbox_checkout(attempt)
    provider.pay(checkout)
    checkout.facts.update(kind="hidden")  # or the sandbox would not take the second one
    provider.pay(checkout)
    checkout.facts.filter(kind="hidden").update(kind="payment")
    deliver_all(attempt.order)
    assert state(attempt.order) == ("paid", "paid_twice")
    return attempt.order


def pay_twice(client: Any, ada: Any, book: Any) -> Any:
    return pay_twice_at(signed.open_order(ada, book))


def test_the_second_of_two_payments_is_refunded_with_one_click(
    client: Any, ada: Any, book: Any
) -> None:
    order = pay_twice(client, ada, book)
    _first, second = order.payments.order_by("pk")
    request = flows.refund_second_payment(order, actor=None, reason="paid twice")
    assert request.payment_reference == second.provider_reference
    with pytest.raises(RefundRefused) as caught:
        flows.refund_second_payment(order, actor=None, reason="paid twice")
    assert str(caught.value) == (
        f"A payment of order {order.public_id} is going back already: wait for it."
    )
    flows.send_refund(request.key)
    assert state(order) == ("paid", "")
    assert has_access(ada, book)
    with pytest.raises(RefundRefused) as caught:
        flows.refund_second_payment(order, actor=None, reason="paid twice")
    assert str(caught.value) == "Nothing of this order is paid twice."
    assert list(violations()) == []


def two_orders(ada: Any, *products: Any) -> tuple[Any, Any]:
    """Let a buyer pay for the same in two tabs."""
    attempts = [place_order(ada, *products), place_order(ada, *products, country="FR")]
    for attempt in attempts:
        provider.pay(sandbox_checkout(attempt))
    deliver_all(None)
    first, second = (fresh(attempt.order) for attempt in attempts)
    assert (first.attention, second.attention) == ("", "paid_twice")
    return first, second


def test_the_other_order_loses_its_flag_when_one_is_refunded(
    ada: Any, book: Any, django_capture_on_commit_callbacks: Any
) -> None:
    first, second = two_orders(ada, book)
    with django_capture_on_commit_callbacks(execute=True):
        refund(first)
    assert state(first) == ("refunded", "")
    assert state(second) == ("paid", "")
    assert has_access(ada, book)


def test_a_flag_is_lost_too_where_the_process_ended_after_the_commit(ada: Any, book: Any) -> None:
    first, second = two_orders(ada, book)
    refund(first)
    assert state(second) == ("paid", "paid_twice")
    outbox.sweep()
    assert state(second) == ("paid", "")


def test_two_flagged_orders_do_not_settle_each_other_for_ever(ada: Any, book: Any) -> None:
    attempts = [place_order(ada, book), place_order(ada, book, country="FR")]
    for attempt in attempts:
        pay_twice_at(attempt)
    for attempt in attempts:
        # A payment of each goes back, another stays: both have lost one, and both are flagged.
        second: Any = attempt.order.payments.order_by("pk").last()
        provider.refund(sandbox_checkout(attempt), payment=str(second.provider_reference))
        deliver_all(attempt.order)
        flows.settle_order(attempt.order)
    waiting = OutboxMessage.objects.filter(kind="payments.settle", state=OutboxState.PENDING)
    assert waiting.count() > 0
    outbox.sweep()
    assert waiting.count() == 0


def test_what_two_orders_paid_is_refunded_from_the_flagged_one(
    ada: Any, book: Any, song: Any
) -> None:
    single = place_order(ada, book, country="FR")
    attempt = place_order(ada, book, song)
    for one in (single, attempt):
        provider.pay(sandbox_checkout(one))
    deliver_all(None)
    order = attempt.order
    assert state(order) == ("paid", "paid_twice")
    request = flows.refund_second_payment(order, actor=None, reason="paid twice")
    assert request.items == [[f"product:{book.pk}", 1000]]
    # Two people at two orders: one of them is told.
    with pytest.raises(RefundRefused) as caught:
        flows.refund_second_payment(single.order, actor=None, reason="paid twice")
    assert caught.value.code == "under_way"
    flows.send_refund(request.key)
    outbox.sweep()
    assert state(order) == ("partially_refunded", "")
    assert has_access(ada, book)
    assert has_access(ada, song)
    with pytest.raises(RefundRefused) as caught:
        flows.refund_second_payment(single.order, actor=None, reason="paid twice")
    assert caught.value.code == "not_twice"


def test_the_same_form_refunds_a_second_payment_once(client: Any, ada: Any, book: Any) -> None:
    order = pay_twice(client, ada, book)
    key = new_refund_key()
    first = flows.refund_second_payment(order, actor=None, reason="paid twice", key=key)
    flows.send_refund(first.key)
    again = flows.refund_second_payment(order, actor=None, reason="paid twice", key=key)
    assert again == first


# --- on its way ---------------------------------------------------------------------------------


def test_what_is_on_its_way_is_not_refunded_again(order: Any) -> None:
    refund(order, amount=1500, state="pending")
    assert refused(order, amount=500) == ("too_much", "This is more than what is left: €4.99.")
    refund(order, state="pending")
    assert refused(order)[0] == "nothing_left"


def test_a_line_on_its_way_is_not_refunded_again(order: Any, song: Any) -> None:
    refund(order, items=[[f"product:{song.pk}", 999]], state="pending")
    assert has_access(order.customer, song)
    assert refused(order, lines=[line(order, 2)])[0] == "line_refunded"
    assert policies.refundable(payment_of(order)).rest == 1000


# --- what providers say in other ways -----------------------------------------------------------


def test_a_line_is_refunded_where_its_price_or_its_share_went_back() -> None:
    class Paid:
        amount, currency = 2379, "EUR"

    assert line_shares([1000, 999], 2379) == [1190, 1189]
    assert line_shares([0, 0], 5) == [0, 0]
    assert prices_in(Paid, [1000, 999], currency="EUR") == [999, 998]  # the net price, a cent less
    assert prices_in(Paid, [1000, 999], currency="USD") == [1189, 1188]
    assert prices_in(Paid, [1999], currency="EUR") == [2379]  # one line is the whole payment


def test_a_refund_in_full_on_its_way_leaves_nothing_whatever_its_amount(
    client: Any, order: Any
) -> None:
    reference = payment_of(order).provider_reference
    body = signed.refund_event("pending", payment=reference, amount=5, currency="USD", is_full=True)
    signed.post(client, body, "msg_1")
    assert refused(order)[0] == "nothing_left"


def report_refund(order: Any, **what: Any) -> None:
    values = {"refund": "ref_1", "state": "succeeded", "occurred_at": timezone.now(), **what}
    event = RefundReported(payment=payment_of(order).provider_reference, **values)
    flows.apply_events("default", [event])


def test_a_refund_without_an_amount_returns_what_was_asked_for(order: Any) -> None:
    report_refund(order, key=ask(order, amount=500).key)
    found = get_refund_model().objects.get()
    assert (found.amount, found.currency) == (500, "EUR")
    report_refund(order, refund="ref_2", key=ask(order).key)
    assert get_refund_model().objects.get(provider_reference="ref_2").is_full
    assert state(order) == ("refunded", "")


def test_two_refunds_of_one_key_are_both_facts(order: Any, caplog: Any) -> None:
    request = ask(order, amount=500)
    report_refund(order, key=request.key, amount=500, currency="EUR")
    report_refund(order, key=request.key, amount=500, currency="EUR", refund="ref_2")
    assert fresh(request).provider_reference == "ref_1"
    assert policies.refundable(payment_of(order)).rest == 999
    assert caplog.messages == [
        f"Provider 'default' made two refunds of request {request.key}: ref_1 and ref_2."
    ]


def test_what_a_person_handled_stays_handled_when_its_failure_is_told_again(order: Any) -> None:
    request = ask(order)
    report_refund(order, key=request.key, state="failed", amount=1999)
    flows.resolve_refund_request(request, actor=None, reason="paid back by bank")
    report_refund(order, key=request.key, state="failed", amount=1999)
    assert fresh(request).state == "handled"
    assert state(order) == ("paid", "")


def test_a_refund_that_failed_meanwhile_casts_no_doubt(order: Any, at_provider: Any) -> None:
    at_provider(Unreliable)
    request = lose_the_answer(order, "before")
    provider.refund(sandbox_checkout(payment_of(order)), state="failed")
    time_passes(request)
    assert flows.send_refund(request.key).state == "sent"


def test_a_form_of_another_order_refunds_no_second_payment(
    client: Any, ada: Any, book: Any, order: Any, song: Any
) -> None:
    twice = pay_twice(client, signed.make_customer("eve"), book)
    with pytest.raises(RefundRefused) as caught:
        flows.refund_second_payment(twice, actor=None, reason="x", key=ask(order).key)
    assert caught.value.code == "key"


def test_while_one_order_goes_back_the_other_is_not_refunded(ada: Any, book: Any) -> None:
    first, second = two_orders(ada, book)
    refund(first, state="pending")
    with pytest.raises(RefundRefused) as caught:
        flows.refund_second_payment(second, actor=None, reason="paid twice")
    assert str(caught.value) == (
        f"A payment of order {first.public_id} is going back already: wait for it."
    )
