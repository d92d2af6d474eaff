"""Damage to the books that came past the guard is found, named, and healed as the finding says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.core.invariants import Violation, violations
from django_digitalstore.entitlements import (
    flows as access,
)
from django_digitalstore.entitlements import (
    get_grant_model,
    get_purchased_product_model,
)
from django_digitalstore.payments import (
    flows,
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
    inbox,
    invariants,
)
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import (
    dispute,
    paid_order,
    place_order,
    refund,
    sandbox_checkout,
)

pytestmark = pytest.mark.django_db

SETTLE = "settle it again in the admin, or call payments.flows.settle_order(order)."
RECONCILE = "run manage.py digitalstore_reconcile, which asks the provider."


def only_violation(name: str) -> str:
    (violation,) = violations()
    assert isinstance(violation, Violation)
    assert violation.invariant == name
    return str(violation)


def label(model: Any) -> str:
    return str(model._meta.label)


@pytest.fixture
def order(customer: Any, product: Any) -> Any:
    return paid_order(customer, product)


def test_what_flows_write_breaks_no_rule(
    order: Any, make_user: Any, product: Any, free_product: Any
) -> None:
    refund(order, amount=1)
    gone, disputed, waiting, denied = (paid_order(make_user(name), product) for name in "abcd")
    refund(gone)
    dispute(disputed)
    place_order(waiting.customer, free_product)
    access.revoke_product(denied.customer, product, reason="abuse")
    assert list(violations()) == []


def test_a_status_that_its_facts_do_not_say_is_found(order: Any) -> None:
    get_order_model()._base_manager.update(status="refunded")
    assert only_violation("payments.order_state") == (
        f"{label(type(order))} {order.public_id} – it is refunded, its facts say paid – {SETTLE}"
    )
    flows.settle_order(order)
    assert list(violations()) == []


@pytest.mark.postgres
def test_a_paid_order_without_its_date_is_found(order: Any) -> None:
    (check,) = (c for c in order._meta.constraints if c.name.endswith("paid_at_if_ever_paid"))
    connection.check_constraints()  # nothing deferred is left, or the table cannot be altered
    with connection.schema_editor() as editor:
        editor.remove_constraint(type(order), check)
    get_order_model()._base_manager.update(paid_at=None)
    assert only_violation("payments.order_state") == (
        f"{label(type(order))} {order.public_id} – it was paid, and has no paid_at – {SETTLE}"
    )
    flows.settle_order(order)
    assert list(violations()) == []


def test_a_flag_that_is_missing_is_found(customer: Any, product: Any) -> None:
    payment = place_order(customer, product)
    checkout = sandbox_checkout(payment)
    checkout.amount = 5
    checkout.save()
    provider.pay(checkout)
    flows.refresh_order(payment.order)
    assert list(violations()) == []
    get_order_model()._base_manager.update(attention="")
    assert only_violation("payments.order_state") == (
        f"{label(get_order_model())} {payment.order.public_id} – it lacks the flag discrepancy – "
        f"{SETTLE}"
    )


def test_a_paid_line_whose_grant_is_gone_is_found(order: Any, customer: Any, product: Any) -> None:
    payment = get_payment_model().objects.get()
    get_purchased_product_model()._base_manager.all().delete()
    get_grant_model()._base_manager.update(ended_at=timezone.now(), ended_kind="withdrawn")
    assert only_violation("payments.line_grants") == (
        f"{label(get_order_line_model())} {order.public_id}/1 – payment {payment} pays it, and its "
        f"grant does not stand – {SETTLE}"
    )
    flows.settle_order(order)
    assert list(violations()) == []
    assert get_purchased_product_model().objects.get().product == product


def test_a_line_that_went_back_and_still_grants_is_found(order: Any) -> None:
    row = get_purchased_product_model().objects.get()
    refund(order)
    payment = get_payment_model().objects.get()
    get_purchased_product_model()._base_manager.bulk_create([row])
    get_grant_model()._base_manager.update(ended_at=None, ended_kind="")
    assert only_violation("payments.line_grants") == (
        f"{label(get_order_line_model())} {order.public_id}/1 – what payment {payment} paid went "
        f"back, its grant stands – {SETTLE}"
    )
    flows.settle_order(order)
    assert list(violations()) == []
    assert not get_purchased_product_model().objects.exists()


def test_a_subtotal_that_its_lines_do_not_cost_is_found(order: Any) -> None:
    get_order_line_model()._base_manager.update(unit_price=5, total=5)
    assert only_violation("payments.order_total") == (
        f"{label(type(order))} {order.public_id} – its subtotal is €19.99, its lines say €0.05 – "
        "restore the line or the subtotal that was changed by SQL: both are frozen."
    )


@pytest.mark.postgres
def test_a_payment_of_two_orders_is_found_where_the_constraint_was_lost(
    order: Any, other_customer: Any, product: Any
) -> None:
    model = get_payment_model()
    (unique,) = (c for c in model._meta.constraints if c.name.endswith("pays_one_order"))
    paid_order(other_customer, product)
    connection.check_constraints()  # nothing deferred is left, or the table cannot be altered
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, unique)
    model._base_manager.update(provider_reference="pay_1")
    assert only_violation("payments.payment_once") == (
        f"{label(model)} pay_1 of default – there are 2 rows: the table lost its unique constraint "
        "– keep the row of the order that the provider names, and add the constraint again: run "
        "makemigrations, migrate."
    )


def test_a_success_that_no_provider_knows_is_found(order: Any) -> None:
    get_payment_model()._base_manager.update(provider_reference=None)
    payment = get_payment_model().objects.get()
    assert only_violation("payments.payment_source") == (
        f"{label(type(payment))} {payment.pk} – it succeeded, and no provider's reference says so "
        f"– {RECONCILE}"
    )


def test_something_that_costs_money_and_was_free_is_found(order: Any) -> None:
    get_payment_model()._base_manager.update(alias="free")
    payment = get_payment_model().objects.get()
    assert only_violation("payments.free") == (
        f"{label(type(payment))} {payment.pk} – it is free, and its order {order.public_id} costs "
        "€19.99 – it was written by SQL: find out by whom, and take the access back by hand."
    )


def test_money_from_elsewhere_that_nobody_recorded_is_found(
    customer: Any, product: Any, staff: Any
) -> None:
    payment = flows.record_payment(
        place_order(customer, product).order,
        amount=1999,
        reference="bank 7",
        actor=staff,
        reason="a transfer",
    )
    assert list(violations()) == []
    get_payment_model()._base_manager.filter(pk=payment.pk).update(recorded_by=None)
    assert only_violation("payments.elsewhere") == (
        f"{label(type(payment))} {payment.pk} – it came from elsewhere, and nobody says why – it "
        "was written by SQL: find out by whom, and record it by "
        "payments.flows.record_payment(order, …) if the money came."
    )


@pytest.mark.parametrize("kind", ["refund", "dispute"])
def test_a_fact_that_lost_its_payment_is_found(order: Any, kind: str) -> None:
    refund(order, state="pending")
    dispute(order, "won")
    model = get_refund_model() if kind == "refund" else get_dispute_model()
    model._base_manager.update(payment=None)
    fact, payment = model.objects.get(), get_payment_model().objects.get()
    assert only_violation("payments.facts_linked") == (
        f"{label(model)} {fact.pk} – its payment {payment} is known, and it is not linked to it – "
        f"{RECONCILE}"
    )


def test_a_fact_of_another_payment_is_found(order: Any) -> None:
    refund(order, state="pending")
    get_refund_model()._base_manager.update(payment_reference="pay_other")
    fact, payment = get_refund_model().objects.get(), get_payment_model().objects.get()
    assert only_violation("payments.facts_linked") == (
        f"{label(type(fact))} {fact.pk} – it names payment pay_other and is linked to {payment} – "
        "link it to the payment that it names by SQL, and settle both orders again."
    )


@pytest.mark.parametrize("state", ["received", "waiting"])
def test_a_message_that_was_kept_and_forgotten_is_found_and_applied(order: Any, state: str) -> None:
    old = timezone.now() - timedelta(hours=2)
    key = flows.payment_key("default", get_payment_model().objects.get().provider_reference)
    messages = InboxMessage.objects.all()
    messages.update(state=state, waits_for=key if state == "waiting" else "")
    assert list(violations()) == []  # it may be at work this moment
    messages.update(received_at=old)
    message = messages.get()
    assert only_violation("payments.messages_applied") == (
        f"digitalstore_payments.InboxMessage default {message.message_id} – it is {state} since "
        f"{old.isoformat()}, and can be applied – run manage.py digitalstore_replay {message.pk}; "
        "digitalstore_run_due does it too."
    )
    assert inbox.process_left_over() == 1
    assert messages.get().state == "processed"
    assert list(violations()) == []


def test_what_waits_for_a_payment_to_come_is_right(order: Any) -> None:
    old = timezone.now() - timedelta(hours=2)
    key = flows.payment_key("default", "pay_unknown")
    InboxMessage.objects.update(state="waiting", waits_for=key, received_at=old)
    assert list(violations()) == []
    assert inbox.process_left_over() == 0


def test_the_queries_grow_by_chunks_and_not_by_rows(
    make_user: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariants, "_CHUNK", 4)
    counts = []
    for wanted in (1, 4, 9):
        while get_order_model().objects.count() < wanted:
            buyer = make_user(f"buyer{get_order_model().objects.count()}")
            refund(paid_order(buyer, product), amount=1)
        with CaptureQueriesContext(connection) as queries:
            assert list(violations()) == []
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[2] - counts[1] == 2 * (4 + 7)  # three chunks, not one
