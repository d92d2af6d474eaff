"""What Dodo delivers to a site: its own bodies with real signatures, and bodies that are odd."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from django_digitalstore.contrib.dodopayments import testing
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments.backends import Message
from django_digitalstore.payments.events import (
    DisputeReported,
    PaymentReported,
    RefundReported,
)
from django_digitalstore.payments.exceptions import WebhookInvalid
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import place_order, post_webhook, sign_webhook
from tests.contrib.dodopayments.peer import ABSENT, SECRET, WEBHOOKS

KINDS = sorted(path.stem for path in WEBHOOKS.glob("*.json"))
FAMILIES = ("payment", "refund", "dispute")
every_body = pytest.mark.parametrize("kind", KINDS or [pytest.param("", id="absent")])
OURS = [kind for kind in KINDS if kind.partition(".")[0] in FAMILIES]
our_bodies = pytest.mark.parametrize("kind", OURS or [pytest.param("", id="absent")])

#: The fields without which nobody knows what a message is about.
REQUIRED = {
    "payment": {"payment_id", "currency", "total_amount"},
    "refund": {"refund_id", "payment_id"},
    "dispute": {"dispute_id", "payment_id"},
}
SENT = datetime(2026, 11, 22, 13, tzinfo=UTC)


def body(kind: str) -> dict[str, Any]:
    if not kind:
        pytest.skip(ABSENT)
    return json.loads((WEBHOOKS / f"{kind}.json").read_text("utf-8"))


def normalize(backend: Any, message: dict[str, Any]) -> list[Any]:
    raw = json.dumps(message).encode()
    return list(backend.normalize(Message(id="msg_1", sent_at=SENT, body=raw, data=message)))


def understood_or_named(backend: Any, message: dict[str, Any]) -> str:
    """Return the path of the field that is wrong."""
    try:
        normalize(backend, message)
    except WebhookInvalid as error:
        return error.path
    return "understood"


@pytest.fixture
def attempt(peer, customer, make_product):
    """An order whose product and checkout are those that Dodo's own bodies speak of."""
    peer.ids = {"session": "cks_Demo0001", "product": "pdt_Ebook0001"}
    return place_order(customer, make_product(price=1999))


def stored() -> list[str]:
    return list(InboxMessage.objects.order_by("pk").values_list("state", flat=True))


# --- Dodo's own bodies ----------------------------------------------------------------------------


def test_all_of_dodos_types_are_there():
    if not KINDS:
        pytest.skip(ABSENT)
    assert (len(KINDS), len(OURS)) == (48, 13)


@every_body
def test_a_body_about_nothing_of_ours_is_kept_and_answered_200(peer, client, db, kind):
    message = body(kind)

    response = post_webhook(client, message)

    family = kind.partition(".")[0]
    state = {"payment": "unmatched", "refund": "waiting", "dispute": "waiting"}
    assert (response.status_code, stored()) == (200, [state.get(family, "ignored")])


STATUS = {
    "payment.cancelled": "paid",
    "payment.failed": "paid",
    "payment.processing": "paid",
    "payment.succeeded": "paid",
    "refund.failed": "paid",
    "refund.succeeded": "refunded",
    "dispute.opened": "disputed",
    "dispute.challenged": "disputed",
    "dispute.won": "paid",
    "dispute.cancelled": "paid",
    "dispute.expired": "paid",
    "dispute.accepted": "refunded",
    "dispute.lost": "refunded",
}


@every_body
@pytest.mark.parametrize("paid_first", [True, False])
def test_a_body_about_a_checkout_of_ours_decides_access(
    peer, client, attempt, kind, paid_first, django_capture_on_commit_callbacks
):
    messages = [body("payment.succeeded" if kind else ""), body(kind)]
    for message in messages if paid_first else reversed(messages):
        with django_capture_on_commit_callbacks(execute=True):
            assert post_webhook(client, message).status_code == 200

    order = attempt.order
    order.refresh_from_db()
    expected = STATUS.get(kind, "paid")
    assert order.status == expected
    line = order.lines.get()
    assert has_access(order.customer, line.product) is (expected == "paid")
    others = {"processed"} if kind in STATUS else {"processed", "ignored"}
    assert set(stored()) == others


def test_the_payment_is_kept_with_tax_and_settlement(peer, client, attempt):
    post_webhook(client, body("payment.succeeded" if KINDS else ""))
    attempt.refresh_from_db()
    assert (attempt.amount, attempt.tax, attempt.currency, attempt.discrepancy) == (
        2379,
        380,
        "EUR",
        "",
    )
    assert (attempt.settlement_amount, attempt.settlement_currency) == (2379, "EUR")
    assert attempt.provider_customer == "cus_Reader0001"


def test_one_message_brings_the_refunds_and_disputes_of_its_payment(peer, client, attempt):
    """A body is the latest state: a late "succeeded" can hold the refund that came after it."""
    refund = testing.refund(payment="pay_Demo0001", amount=2379)
    data = testing.payment(
        payment="pay_Demo0001",
        checkout="cks_Demo0001",
        amount=2379,
        tax=380,
        cart=[("pdt_Ebook0001", 1)],
        refunds=[refund],
        refund_status="full",
        disputes=[testing.dispute(payment="pay_Demo0001", status="dispute_won")],
    )
    post_webhook(client, testing.payload("payment.processing", data))
    attempt.order.refresh_from_db()
    assert attempt.order.status == "refunded"
    assert attempt.refunds.get().provider_reference == "ref_1"
    assert attempt.disputes.get().state == "won"


@our_bodies
def test_the_sdk_itself_takes_what_the_site_is_sent(peer, backend, kind):
    raw, headers = sign_webhook(body(kind))
    event = backend.client.webhooks.unwrap(raw.decode(), headers=headers, key=SECRET)
    assert event.type == kind


@our_bodies
def test_the_site_takes_what_the_standards_own_library_signs(peer, client, db, kind):
    raw, now = json.dumps(body(kind)), datetime.now(UTC)
    response = client.post(
        "/store/payments/default/webhook/",
        raw,
        "application/json",
        headers={
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(SECRET).sign("msg_1", now, raw),
        },
    )
    assert response.status_code == 200


# --- Odd bodies -----------------------------------------------------------------------------------


@our_bodies
def test_null_and_missing_are_the_same_and_only_what_is_needed_is_required(backend, kind):
    whole = normalize(backend, body(kind))
    required = REQUIRED[kind.partition(".")[0]]
    for field in body(kind)["data"]:
        results: list[Any] = []
        for change in ("null", "missing"):
            message = body(kind)
            if change == "null":
                message["data"][field] = None
            else:
                del message["data"][field]
            try:
                results.append(normalize(backend, message))
            except WebhookInvalid as error:
                results.append(error.path)
        assert results[0] == results[1], field
        if field in required:
            assert results[0] == f"data.{field}"
        else:
            assert [type(event) for event in results[0]] == [type(event) for event in whole]


@our_bodies
@pytest.mark.parametrize(
    "wrong", [{"a": 1}, [1], [[]], True, 5, -1, 1.5, 1e400, "", "x", "\x00", "\ud800", "9" * 400]
)
def test_whatever_a_field_holds_it_is_understood_or_named(backend, kind, wrong):
    for field in body(kind)["data"]:
        message = body(kind)
        message["data"][field] = wrong
        assert understood_or_named(backend, message).startswith(("understood", f"data.{field}"))


@our_bodies
def test_letter_case_and_fields_that_nobody_knows_change_nothing(backend, kind):
    message = body(kind)
    message["type"] = kind.title()
    data = message["data"]
    for field in ("status", "dispute_status", "currency", "refund_status"):
        if isinstance(data.get(field), str):
            data[field] = data[field].swapcase()
    data["invented_next_week"] = {"deep": [1, {"x": None}]}
    message["invented_next_week"] = True
    assert normalize(backend, message) == normalize(backend, body(kind))


@pytest.mark.parametrize("status", [None, "", "authorized", "requires_payment_method"])
def test_a_payment_in_a_state_that_nobody_knows_is_not_paid(backend, status):
    (payment,) = normalize(backend, testing.payment_payload(status=status))
    assert payment.state == "open"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("cancelled", "cancelled"),
        ("processing", "processing"),
        ("requires_capture", "processing"),
        ("partially_captured", "processing"),
        ("requires_customer_action", "open"),
    ],
)
@pytest.mark.parametrize("kind", ["succeeded", "failed", "invented"])
def test_the_type_is_only_the_trigger(backend, kind, status, state):
    message = testing.payload(f"payment.{kind}", testing.payment(status=status))
    (payment,) = normalize(backend, message)
    assert payment.state == state


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", "succeeded"),
        ("failed", "failed"),
        ("pending", "pending"),
        ("review", "pending"),
        ("invented", "pending"),
    ],
)
def test_a_refund_counts_when_it_succeeded(backend, status, state):
    (refund,) = normalize(backend, testing.refund_payload(status=status))
    assert refund.state == state


def test_a_dispute_in_a_state_that_nobody_knows_is_open(backend):
    (dispute,) = normalize(backend, testing.dispute_payload(status="dispute_in_limbo"))
    assert dispute.state == "opened"


@pytest.mark.parametrize(
    ("amount", "read"), [("1999", 1999), ("1999.00", 1999), ("19.99", None), (None, None)]
)
def test_the_amount_of_a_dispute_is_a_text(backend, amount, read):
    (dispute,) = normalize(backend, testing.dispute_payload(amount=amount))
    assert dispute.amount == read


def test_a_refund_without_an_amount_is_full_unless_it_is_partial(backend):
    (full,) = normalize(backend, testing.refund_payload(amount=None, currency=None))
    (partial,) = normalize(backend, testing.refund_payload(amount=None, is_partial=True))
    (unsaid,) = normalize(backend, testing.refund_payload(amount=500, is_partial=None))
    assert [(r.amount, r.is_full) for r in (full, partial, unsaid)] == [
        (None, True),
        (None, False),
        (500, False),
    ]


@pytest.mark.parametrize("key", [5, None, "\x00", "k" * 201, {"a": 1}])
def test_metadata_that_others_wrote_is_no_key_of_ours(backend, key):
    message = testing.refund_payload(metadata={"digitalstore_refund": key})
    assert normalize(backend, message)[0].key == ""


def test_what_is_paid_out_in_no_known_currency_is_converted_all_the_same(backend):
    message = testing.payment_payload(settlement_currency="USDC")
    (payment,) = normalize(backend, message)
    assert (payment.settlement_currency, payment.is_converted) == ("", True)


def test_a_payment_that_says_refunded_in_full_without_a_refund_is_invalid(backend):
    message = testing.payment_payload(refund_status="Full", refunds=None)
    with pytest.raises(WebhookInvalid) as raised:
        normalize(backend, message)
    assert str(raised.value) == ("data.refunds: must hold the refund that refund_status speaks of.")


def test_two_partial_refunds_that_make_a_whole_are_full(backend):
    early = datetime(2026, 11, 20, tzinfo=UTC)
    refunds = [
        testing.refund(refund="ref_2", amount=None, is_partial=True),
        testing.refund(refund="ref_1", amount=None, is_partial=True, created_at=early),
    ]
    message = testing.payment_payload(refund_status="full", refunds=refunds, at=early)
    found = [event for event in normalize(backend, message) if isinstance(event, RefundReported)]
    assert {event.refund: event.is_full for event in found} == {"ref_1": False, "ref_2": True}


def test_a_message_without_a_time_is_of_the_time_when_it_was_sent(backend):
    message = testing.payment_payload()
    message["timestamp"] = None
    assert normalize(backend, message)[0].occurred_at == SENT
    message["timestamp"] = "2026-11-22T10:00:00.123456789"
    assert normalize(backend, message)[0].occurred_at == datetime(
        2026, 11, 22, 10, 0, 0, 123456, tzinfo=UTC
    )


def test_a_dispute_that_was_decided_is_newer_than_its_opening(backend):
    opened = testing.dispute_payload(at=SENT - timedelta(hours=1), created_at=SENT)
    (event,) = normalize(backend, opened)
    assert event.occurred_at == SENT


@pytest.mark.parametrize(
    ("message", "answer", "state"),
    [
        ({"data": {}}, "invalid: type: must be a word such as 'payment.succeeded'.", "invalid"),
        ({"type": 5}, "invalid: type: must be a text of 1 to 200 characters.", "invalid"),
        ({"type": "payment.succeeded"}, "invalid: data: must be an object.", "invalid"),
        (
            {"type": "payment.succeeded", "timestamp": "soon", "data": {}},
            "invalid: timestamp: must be a time with a time zone (ISO 8601).",
            "invalid",
        ),
        (
            testing.payment_payload(amount="free"),
            "invalid: data.total_amount: must be an amount in minor units.",
            "invalid",
        ),
        (
            testing.payment_payload(cart=[("pdt_1", "many")]),
            "invalid: data.product_cart[0].quantity: must be an amount in minor units.",
            "invalid",
        ),
        (
            testing.payment_payload(currency="XXX"),
            "invalid: data.currency: must be an ISO 4217 code such as 'EUR'.",
            "invalid",
        ),
    ],
)
def test_a_wrong_field_is_stored_with_its_path(peer, client, db, message, answer, state):
    response = post_webhook(client, message)
    assert (response.status_code, response.content.decode().strip()) == (400, answer)
    kept = InboxMessage.objects.get()
    assert (kept.state, f"invalid: {kept.error}") == (state, answer)


def test_several_facts_of_one_payment_are_told_in_its_order(backend):
    message = testing.payment_payload(refunds=[testing.refund()], disputes=[testing.dispute()])
    kinds = [type(event) for event in normalize(backend, copy.deepcopy(message))]
    assert kinds == [PaymentReported, RefundReported, DisputeReported]
