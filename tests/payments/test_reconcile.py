"""What no webhook told is found by asking: the store ends as if each of them had come."""

from __future__ import annotations

import io
import random
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from django_digitalstore.core.invariants import violations
from django_digitalstore.core.models import OutboxMessage
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import (
    flows,
    get_dispute_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
    inbox,
)
from django_digitalstore.payments.backends.sandbox import SandboxBackend, provider
from django_digitalstore.payments.models import InboxMessage, SandboxDelivery
from django_digitalstore.payments.testing import (
    paid_order,
    place_order,
    sandbox_checkout,
    sign_webhook,
)

pytestmark = pytest.mark.django_db

#: The two ways in which a provider can be asked.
BY_LIST, BY_CHECKOUT = True, False

LONG_AGO = timezone.now() - timedelta(days=400)


def reconcile(*arguments: str) -> str:
    """Run the command; return what it printed, with its error and exit code at the end."""
    out = io.StringIO()
    try:
        call_command(
            "digitalstore_reconcile", *arguments, "--per-second=10000", stdout=out, stderr=out
        )
    except CommandError as error:
        out.write(f"exit {error.returncode}: {error}\n")
    return out.getvalue()


@pytest.fixture
def lost(customer: Any, product: Any) -> Any:
    """Return an attempt that is paid at the provider, whose webhook never came."""
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment))
    return payment


def reference_of(payment: Any) -> str:
    return str(sandbox_checkout(payment).facts.filter(kind="payment").get().reference)


# --- from an empty inbox ---------------------------------------------------------------------


def a_long_random_shop(seed: int, buyers: list[Any], products: list[Any]) -> None:
    """Let much happen at the provider, and nothing of it arrive."""
    dice = random.Random(seed)
    for buyer in buyers:
        checkouts = []
        for product in dice.sample(products, 2):
            attempt = place_order(buyer, product)
            checkouts.append(sandbox_checkout(attempt))
            if dice.random() < 0.4:  # gives up, and tries again another day
                flows.expire_checkouts(now=timezone.now() + timedelta(days=2))
                order = get_order_model().objects.get(pk=attempt.order_id)
                second = flows.open_checkout(
                    flows.retry_checkout(order), return_url="/", cancel_url="/"
                )
                checkouts.append(sandbox_checkout(second))
        dice.shuffle(checkouts)
        for checkout in checkouts:
            for outcome in dice.choice(
                [["succeeded"], ["failed"], ["failed", "succeeded"], ["late"], ["cancelled"], []]
            ):
                provider.pay(checkout, outcome)
        paid = [c for c in checkouts if c.facts.filter(data__state="succeeded").exists()]
        for checkout in paid:
            item = checkout.lines[0]["item"]
            match dice.randrange(7):
                case 0:
                    provider.refund(checkout)
                case 1:
                    provider.refund(checkout, amount=dice.randrange(1, checkout.amount))
                case 2:
                    provider.refund(checkout, items=[[item, checkout.amount]])
                case 3:
                    provider.refund(checkout, amount=5, state=dice.choice(["failed", "pending"]))
                case 4:
                    dispute = provider.dispute(checkout)
                    end = dice.choice(["won", "lost", "cancelled", "opened"])
                    provider.dispute(checkout, end, reference=dispute)


def send_all_webhooks() -> None:
    for delivery in SandboxDelivery.objects.order_by("due_at", "pk"):
        body, headers = sign_webhook(delivery.body, message_id=delivery.message_id)
        assert inbox.receive("default", body, headers).status == 200


#: Times of our own clock, keys of rows, and names that we drew by lot.
OURS = {
    "id",
    "key",
    "created_at",
    "updated_at",
    "paid_at",
    "granted_at",
    "ended_at",
    "payment_id",
    "order_id",
}


def books() -> dict[str, list[Any]]:
    """Return every row and column of the books that is not only ours."""
    numbers = {p.key: p.provider_reference or p.checkout_reference for p in payments()}
    rows: dict[str, list[Any]] = {}
    for model, also in (
        (get_order_model(), ()),
        (get_payment_model(), ("order__public_id",)),
        (get_refund_model(), ("payment__provider_reference",)),
        (get_dispute_model(), ("payment__provider_reference",)),
        (get_grant_model(), ()),
        (get_purchased_product_model(), ()),
    ):
        columns = [f.attname for f in model._meta.concrete_fields if f.attname not in OURS]
        found = []
        for row in model._base_manager.order_by("pk").values(*columns, *also):
            if "source_reference" in row:
                order, line, key = row["source_reference"].split("/")
                row["source_reference"] = (order, line, numbers[key])
            found.append(row)
        rows[model.__name__] = sorted(found, key=str)
    rows["receipts"] = sorted(
        numbers[key.removeprefix("receipt:")]
        for key in OutboxMessage.objects.filter(kind="payments.receipt").values_list(
            "key", flat=True
        )
    )
    return rows


def payments() -> Any:
    return get_payment_model()._base_manager.all()


def and_back(function: Any) -> Any:
    """Return what ``function`` answers, and undo what it wrote."""
    with transaction.atomic():
        answer = function()
        transaction.set_rollback(True)
    return answer


@pytest.mark.parametrize("way", [BY_LIST, BY_CHECKOUT], ids=["by list", "by checkout"])
@pytest.mark.parametrize("seed", range(3))
def test_an_empty_inbox_ends_as_if_every_webhook_had_come(
    make_user: Any,
    make_product: Any,
    monkeypatch: pytest.MonkeyPatch,
    way: bool,
    seed: int,
) -> None:
    monkeypatch.setattr(SandboxBackend, "supports_fetch_since", way)
    monkeypatch.setattr(provider, "PAGE", 7)
    monkeypatch.setattr(provider, "LATE", timedelta(microseconds=1))
    buyers = [make_user(f"buyer{number}") for number in range(8)]
    products = [make_product(f"Book {number}") for number in range(3)]
    a_long_random_shop(seed, buyers, products)

    def by_webhooks() -> Any:
        send_all_webhooks()
        assert list(violations()) == []
        return books()

    expected = and_back(by_webhooks)
    assert not InboxMessage.objects.exists()
    before = books()
    dry = flows.reconcile(since=LONG_AGO, is_dry=True, per_second=None)
    assert books() == before
    done = flows.reconcile(since=LONG_AGO, per_second=None)

    assert books() == expected
    assert list(violations()) == []
    assert done.troubles == done.unmatched == dry.troubles == dry.unmatched == 0
    assert len(expected["Grant"]) > 3
    again = flows.reconcile(since=LONG_AGO, per_second=None)
    assert (again.differences, again.unmatched, again.troubles) == (0, 0, 0)
    assert books() == expected


# --- one order -------------------------------------------------------------------------------


def test_each_difference_is_told_and_healed(lost: Any, customer: Any, product: Any) -> None:
    order, payment = lost.order.public_id, reference_of(lost)
    assert reconcile() == (
        f"order {order}: status: Waiting for payment → Paid; payment {payment}: "
        "Checkout open, €19.99 → Succeeded, €19.99; access to “A book”: no → yes\n"
        "1 facts seen: 1 orders healed, 0 unmatched, 0 troubles.\n"
    )
    assert has_access(customer, product)
    message = InboxMessage.objects.get()
    assert (message.state, message.source, message.order_reference) == (
        "processed",
        "reconcile",
        order,
    )
    assert reconcile() == "1 facts seen: 0 orders healed, 0 unmatched, 0 troubles.\n"
    assert InboxMessage.objects.count() == 1


def test_a_dry_run_tells_the_same_changes_nothing_and_sends_nothing(
    lost: Any, customer: Any, product: Any, django_capture_on_commit_callbacks: Any
) -> None:
    provider.refund(sandbox_checkout(lost), amount=100)
    before = books()
    with django_capture_on_commit_callbacks() as callbacks:
        text = reconcile("--dry-run")
    assert text.splitlines()[0].startswith(
        f"order {lost.order.public_id}: status: Waiting for payment → Partly refunded; payment "
    )
    assert text.splitlines()[1:] == [
        "2 facts seen: 1 orders differ, 0 unmatched, 0 troubles.",
        "exit 1: The store is not what its providers say. Run it without --dry-run to heal it.",
    ]
    assert books() == before
    assert callbacks == []
    assert not InboxMessage.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert not has_access(customer, product)
    reconcile()
    assert reconcile("--dry-run") == "2 facts seen: 0 orders differ, 0 unmatched, 0 troubles.\n"


def test_what_a_reconciled_message_says_can_be_applied_again(lost: Any) -> None:
    reconcile()
    before = books()
    assert inbox.process(InboxMessage.objects.get()).status == 200
    assert books() == before


def test_a_payment_of_no_checkout_of_ours_is_named_once_and_applied_when_it_is_ours(
    lost: Any, customer: Any, product: Any
) -> None:
    reference, payment = lost.checkout_reference, reference_of(lost)
    payments().update(checkout_reference="lost")
    unmatched = (
        f"payment {payment} of default: unmatched. No checkout '{reference}' of ours.\n"
        "1 facts seen: 0 orders {}, 1 unmatched, 0 troubles.\n"
    )
    assert reconcile("--dry-run") == unmatched.format("differ") + (
        "exit 1: The store is not what its providers say. Run it without --dry-run to heal it.\n"
    )
    assert reconcile() == unmatched.format("healed")
    assert reconcile() == "1 facts seen: 0 orders healed, 0 unmatched, 0 troubles.\n"
    message = InboxMessage.objects.get()
    assert (message.state, message.message_id) == ("unmatched", f"reconcile:{payment}")
    payments().update(checkout_reference=reference)
    reconcile()
    message.refresh_from_db()
    assert message.state == "processed"
    assert has_access(customer, product)


def test_a_webhook_that_a_kill_left_is_processed_by_the_way(lost: Any) -> None:
    delivery = SandboxDelivery.objects.get()
    payments().update(checkout_reference="lost")
    send_all_webhooks()
    assert InboxMessage.objects.get(message_id=delivery.message_id).state == "unmatched"
    payments().update(checkout_reference=lost.checkout_reference)
    reconcile()
    assert InboxMessage.objects.get(message_id=delivery.message_id).state == "processed"


# --- trouble ---------------------------------------------------------------------------------


class ProviderDown(Exception):
    """The provider does not answer."""


def test_the_error_of_one_checkout_does_not_stop_the_others(
    lost: Any, other_customer: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = place_order(other_customer, product)
    provider.pay(sandbox_checkout(other))
    fetch = SandboxBackend.fetch_checkout

    def fetch_checkout(self: SandboxBackend, reference: str) -> Any:
        if reference == lost.checkout_reference:
            raise ProviderDown("500")
        return fetch(self, reference)

    monkeypatch.setattr(SandboxBackend, "supports_fetch_since", False)
    monkeypatch.setattr(SandboxBackend, "fetch_checkout", fetch_checkout)
    lines = reconcile().splitlines()
    assert f"checkout {lost.checkout_reference} of default: ProviderDown: 500" in lines
    assert lines[-2:] == [
        "1 facts seen: 1 orders healed, 0 unmatched, 1 troubles.",
        "exit 2: 1 could not be asked or applied: see above.",
    ]
    assert has_access(other_customer, product)


def test_a_provider_that_is_down_is_left_alone_after_a_while(
    make_user: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(9):
        place_order(make_user(f"buyer{number}"), product)
    payments().update(created_at=timezone.now() - timedelta(days=10))
    calls = []

    def down(self: SandboxBackend, reference: Any) -> Any:
        calls.append(reference)
        raise ProviderDown("503")

    monkeypatch.setattr(SandboxBackend, "fetch_since", down)
    monkeypatch.setattr(SandboxBackend, "fetch_checkout", down)
    lines = reconcile().splitlines()
    assert len(calls) == 1 + 5
    assert lines[0] == "the list of what happened of default: ProviderDown: 503"
    assert lines[-3:] == [
        "the other checkouts of default: 5 calls in a row failed: the rest was not asked.",
        "0 facts seen: 0 orders healed, 0 unmatched, 7 troubles.",
        "exit 2: 7 could not be asked or applied: see above.",
    ]


def test_one_provider_that_cannot_be_loaded_does_not_stop_the_others(
    lost: Any, customer: Any, product: Any, settings: Any
) -> None:
    settings.DIGITALSTORE_PAYMENTS = {
        "broken": {"BACKEND": "nowhere.Backend"},
        **settings.DIGITALSTORE_PAYMENTS,
    }
    lines = reconcile().splitlines()
    assert lines[0].startswith("the backend of broken: InvalidBackend: ")
    assert lines[-1] == "exit 2: 1 could not be asked or applied: see above."
    assert has_access(customer, product)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--alias", "nobody"], "--alias: 'nobody' is not in DIGITALSTORE_PAYMENTS. It knows "),
        (
            ["--since", "yesterday"],
            (
                "--since: 'yesterday' is no moment. Write how long ago, as in 90m, 12h, 14d or 2w, "
                "or when, as in 2026-03-01 or 2026-03-01T18:30."
            ),
        ),
        (["--since", "2026-13-01"], "--since: '2026-13-01' is no moment. "),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], error: str) -> None:
    assert reconcile(*arguments).startswith(f"exit 1: {error}")


# --- what is asked ---------------------------------------------------------------------------


def test_only_what_may_have_news_is_asked(
    make_user: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider without a list is asked for each checkout, and an old shop has many."""
    asked: list[str] = []
    monkeypatch.setattr(SandboxBackend, "supports_fetch_since", False)

    def fetch(self: SandboxBackend, reference: str) -> list[Any]:
        asked.append(reference)
        return []

    old = timezone.now() - timedelta(days=30)
    states: dict[str, dict[str, Any]] = {
        "processing": {"state": "processing", "state_at": old},
        "expired": {"state": "expired", "state_at": old},
        "failed": {"state": "failed", "state_at": old},
        "paid": {"state": "succeeded", "state_at": old},
        "pending refund": {"state": "succeeded", "state_at": old},
        "open dispute": {"state": "succeeded", "state_at": old},
        "open again": {"state": "open", "checkout_expires_at": timezone.now() + timedelta(days=1)},
        "paid just now": {"state": "succeeded", "state_at": timezone.now()},
    }
    attempts = {}
    for name, values in states.items():
        order = paid_order(make_user(name.replace(" ", "-")), product)
        attempts[name] = get_payment_model().objects.get(order=order)
        if name == "pending refund":
            provider.refund(sandbox_checkout(attempts[name]), amount=5, state="pending")
        if name == "open dispute":
            provider.dispute(sandbox_checkout(attempts[name]))
        send_all_webhooks()
        payments().filter(pk=attempts[name].pk).update(
            **{"created_at": old, "checkout_expires_at": old, **values}
        )
    monkeypatch.setattr(SandboxBackend, "fetch_checkout", fetch)
    names = {attempt.checkout_reference: name for name, attempt in attempts.items()}

    reconcile("--since", "2d")
    assert {names[reference] for reference in asked} == {
        "processing",
        "pending refund",
        "open dispute",
        "open again",
        "paid just now",
    }
    asked.clear()
    reconcile("--since", f"{timezone.now() - timedelta(days=31):%Y-%m-%d}")
    assert {names[reference] for reference in asked} == set(states)
