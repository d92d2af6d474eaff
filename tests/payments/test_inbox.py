"""The inbox's table of answers, row by row, and what each leaves behind."""

from __future__ import annotations

import json
import logging

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.test import Client, override_settings

from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import get_payment_model, inbox
from django_digitalstore.payments.backends.sandbox import SandboxBackend
from django_digitalstore.payments.fulfilments import ProductFulfilment
from django_digitalstore.payments.models import InboxMessage
from tests.payments import signed

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


@pytest.fixture
def attempt():
    return signed.open_order(signed.make_customer(), signed.make_product())


@pytest.fixture
def owner(attempt):
    return attempt.order.customer


@pytest.fixture
def book(attempt):
    return attempt.order.lines.get().product


def stored() -> list[tuple[str, str]]:
    return list(InboxMessage.objects.order_by("pk").values_list("message_id", "state"))


def status(attempt) -> str:
    attempt.order.refresh_from_db()
    return attempt.order.status


# --- 200 ------------------------------------------------------------------------------------


def test_an_applied_message_is_answered_200_and_stored_as_processed(client, attempt, owner, book):
    answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert (answer.status_code, answer.content) == (200, b"processed\n")
    assert stored() == [("msg_1", "processed")]
    assert status(attempt) == "paid"
    assert has_access(owner, book)


def test_a_duplicate_of_a_processed_message_changes_nothing(client, attempt):
    body = signed.payment_event(attempt)
    signed.post(client, body, "msg_1")
    before = InboxMessage.objects.values().get()

    answer = signed.post(client, body, "msg_1")

    assert (answer.status_code, answer.content) == (200, b"Processed already.\n")
    assert InboxMessage.objects.values().get() == before


@pytest.mark.parametrize(
    ("message_ids", "references"),
    [(("msg_a", "msg_A"), ("pay_a", "pay_A")), (("msg_1", "MSG_1"), ("pay_1", "pay_1 "))],
)
def test_ids_and_references_that_differ_by_case_or_a_space_are_two(client, message_ids, references):
    attempts = [
        signed.open_order(signed.make_customer(name), signed.make_product(f"book-{name}"))
        for name in ("ada", "bob")
    ]

    for attempt, message_id, reference in zip(attempts, message_ids, references, strict=True):
        event = signed.payment_event(attempt, reference=reference)
        assert signed.post(client, event, message_id).status_code == 200

    assert stored() == [(message_ids[0], "processed"), (message_ids[1], "processed")]
    assert [status(attempt) for attempt in attempts] == ["paid", "paid"]


def test_a_duplicate_costs_at_most_three_queries(client, attempt, django_assert_max_num_queries):
    body = signed.payment_event(attempt)
    signed.post(client, body, "msg_1")

    with django_assert_max_num_queries(5):  # two of them are the test's savepoint
        signed.post(client, body, "msg_1")


def test_a_redelivery_with_another_body_is_merged_though_its_id_was_processed(
    client, attempt, owner, book
):
    signed.post(client, signed.payment_event(attempt, "failed", second=5), "msg_1")
    assert status(attempt) == "failed"

    answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert (answer.status_code, answer.content) == (200, b"processed\n")
    assert status(attempt) == "paid"
    assert has_access(owner, book)
    assert (
        bytes(InboxMessage.objects.get().body) == json.dumps(signed.payment_event(attempt)).encode()
    )


def test_a_type_we_do_not_act_on_is_ignored_visibly(client):
    answer = signed.post(client, {"type": "payout.created", "data": {}}, "msg_1")

    assert (answer.status_code, answer.content) == (200, b"ignored\n")
    assert stored() == [("msg_1", "ignored")]


def test_a_refund_before_its_payment_waits_and_then_nothing_is_granted(
    client, attempt, owner, book
):
    answer = signed.post(client, signed.refund_event(is_full=True), "msg_refund")

    assert (answer.status_code, answer.content) == (200, b"waiting\n")
    assert stored() == [("msg_refund", "waiting")]
    assert status(attempt) == "pending"

    signed.post(client, signed.payment_event(attempt), "msg_payment")

    assert status(attempt) == "refunded"
    assert not has_access(owner, book)


@pytest.mark.django_db(transaction=True)
def test_what_waited_is_processed_when_its_payment_came(client):
    attempt = signed.open_order(signed.make_customer(), signed.make_product())
    signed.post(client, signed.refund_event(amount=1), "msg_refund")
    signed.post(client, signed.dispute_event(), "msg_dispute")

    signed.post(client, signed.payment_event(attempt), "msg_payment")

    assert stored() == [
        ("msg_refund", "processed"),
        ("msg_dispute", "processed"),
        ("msg_payment", "processed"),
    ]
    assert status(attempt) == "disputed"


def test_a_payment_of_another_checkout_is_kept_unmatched_and_never_fulfilled(
    client, attempt, owner, book
):
    body = signed.payment_event(attempt, checkout="someone-elses")

    answer = signed.post(client, body, "msg_1")

    assert (answer.status_code, answer.content) == (200, b"unmatched\n")
    message = InboxMessage.objects.get()
    assert (message.state, message.error) == ("unmatched", "No checkout 'someone-elses' of ours.")
    assert status(attempt) == "pending"
    assert not has_access(owner, book)


def test_another_cart_than_we_sold_is_unmatched(client, attempt, owner, book):
    answer = signed.post(client, signed.payment_event(attempt, cart=[["product:999", 1]]), "msg_1")

    assert (answer.status_code, answer.content) == (200, b"unmatched\n")
    assert InboxMessage.objects.get().error == "The cart of payment 'pay_1' is not what was sold."
    assert not has_access(owner, book)


def test_another_amount_is_a_fact_that_is_flagged_and_grants_nothing(client, attempt, owner, book):
    answer = signed.post(client, signed.payment_event(attempt, amount=1), "msg_1")

    assert answer.status_code == 200
    payment = get_payment_model().objects.get()
    assert (payment.state, payment.amount, payment.discrepancy) == ("succeeded", 1, "amount")
    assert status(attempt) == "pending"
    assert attempt.order.attention == "discrepancy"
    assert not has_access(owner, book)


def test_another_currency_is_a_fact_that_is_flagged_and_grants_nothing(
    client, attempt, owner, book
):
    signed.post(client, signed.payment_event(attempt, currency="JPY"), "msg_1")

    assert get_payment_model().objects.get().discrepancy == "currency"
    assert status(attempt) == "pending"
    assert not has_access(owner, book)


def test_a_message_for_a_payment_of_a_second_order_is_unmatched(client, attempt):
    signed.post(client, signed.payment_event(attempt), "msg_1")
    other = signed.open_order(signed.make_customer("bob"), signed.make_product("other"))

    answer = signed.post(client, signed.payment_event(other, reference="pay_1"), "msg_2")

    assert (answer.status_code, answer.content) == (200, b"unmatched\n")
    assert status(other) == "pending"


# --- 500, and what the next delivery heals --------------------------------------------------


class BrokenFulfilment(ProductFulfilment):
    """A host's fulfilment with a bug."""

    def fulfil(self, line, payment):
        super().fulfil(line, payment)
        raise RuntimeError("a bug of the host")


def test_work_that_raises_is_answered_500_and_the_next_delivery_runs_it_again(
    client, attempt, owner, book, caplog
):
    body = signed.payment_event(attempt)
    broken = {"product": f"{__name__}.BrokenFulfilment"}

    with override_settings(DIGITALSTORE_FULFILMENTS=broken):
        answer = signed.post(client, body, "msg_1")

    assert (answer.status_code, answer.content) == (500, b"Failed, please send it again.\n")
    message = InboxMessage.objects.get()
    assert (message.state, message.attempts) == ("failed", 1)
    assert message.error == "RuntimeError: a bug of the host"
    assert "BrokenFulfilment" not in message.error
    assert "in fulfil" in message.traceback
    assert status(attempt) == "pending"
    assert not get_purchased_product_model().objects.exists()

    answer = signed.post(client, body, "msg_1")

    assert (answer.status_code, answer.content) == (200, b"processed\n")
    message.refresh_from_db()
    assert (message.state, message.error, message.traceback) == ("processed", "", "")
    assert has_access(owner, book)


def test_a_failing_redelivery_leaves_a_processed_message_processed(client, attempt):
    signed.post(client, signed.payment_event(attempt), "msg_1")
    broken = {"product": f"{__name__}.BrokenFulfilment"}

    with override_settings(DIGITALSTORE_FULFILMENTS=broken):
        answer = signed.post(client, signed.payment_event(attempt, failure="new"), "msg_1")

    assert answer.status_code == 500
    assert stored() == [("msg_1", "processed")]


# --- 400 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("state", "paid", "data.state: must be one of"),
        ("payment", 7, "data.payment: must be a text of 1 to 200 characters."),
        ("payment", "", "data.payment: must be a text of 1 to 200 characters."),
        ("checkout", None, "data.checkout: must be a text of 1 to 200 characters."),
        ("amount", "1999", "data.amount: must be an amount in minor units."),
        ("amount", -1, "data.amount: must be an amount in minor units."),
        ("amount", True, "data.amount: must be an amount in minor units."),
        ("amount", 10**30, "data.amount: must be an amount in minor units."),
        ("cart", {}, "data.cart: must be a list of [item, number]."),
        ("cart", [["a"]], "data.cart[0]: must be [item, number]."),
        ("kind", "gift", "data.kind: must be one of payment, refund, dispute."),
    ],
)
def test_a_wrong_required_field_is_answered_400_and_stored_with_its_path(
    client, attempt, field, value, problem
):
    answer = signed.post(client, signed.payment_event(attempt, **{field: value}), "msg_1")

    assert answer.status_code == 400
    message = InboxMessage.objects.get()
    assert message.state == "invalid"
    assert message.error.startswith(problem)
    assert status(attempt) == "pending"


@pytest.mark.parametrize(
    "timestamp", [None, 5, "yesterday", "2026-01-01T00:00:00", "2026-99-99T00:00:00Z"]
)
def test_a_wrong_time_is_invalid(client, attempt, timestamp):
    answer = signed.post(client, {**signed.payment_event(attempt), "timestamp": timestamp}, "msg_1")

    assert answer.status_code == 400
    assert (
        InboxMessage.objects.get().error == "timestamp: must be a time with a time zone (ISO 8601)."
    )


def test_an_invalid_message_can_be_replayed_after_a_fix(client, attempt, owner, book, monkeypatch):
    body = signed.payment_event(attempt)
    body["data"]["state"] = "paid"
    signed.post(client, body, "msg_1")
    original = SandboxBackend.normalize

    def fixed(self, message):
        data = {**message.data, "data": {**message.data["data"], "state": "succeeded"}}
        return original(
            self, type(message)(id=message.id, sent_at=message.sent_at, body=b"", data=data)
        )

    monkeypatch.setattr(SandboxBackend, "normalize", fixed)
    inbox.process(InboxMessage.objects.get())

    assert stored() == [("msg_1", "processed")]
    assert has_access(owner, book)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"not json", "The body is not JSON."),
        (b"", "The body is not JSON."),
        (b"[1, 2]", "The body is not a JSON object."),
        (b'"text"', "The body is not a JSON object."),
        (b"null", "The body is not a JSON object."),
        (b'{"a": NaN}', "The body holds NaN, which is not JSON."),
        (b'{"a": 1, "a": 2}', "The body holds a key twice."),
        (b'{"a": "\xff\xfe"}', "The body is not UTF-8."),
        (b'{"a":' * 50_000, "The body is nested too deeply."),
    ],
)
def test_what_is_authentic_but_no_event_is_unreadable(client, body, error):
    answer = signed.post(client, body, "msg_1")

    assert (answer.status_code, answer.content.decode()) == (400, f"unreadable: {error}\n")
    assert stored() == [("msg_1", "unreadable")]


@pytest.mark.parametrize(
    "body", [{"data": {}}, {"type": 5}, {"type": "payment.succeeded", "data": []}]
)
def test_an_object_without_type_or_data_is_invalid(client, body):
    answer = signed.post(client, body, "msg_1")

    assert answer.status_code == 400
    assert stored() == [("msg_1", "invalid")]


def test_an_unreadable_body_does_not_burn_its_id(client, attempt, owner, book):
    signed.post(client, b"oops", "msg_1")

    signed.post(client, signed.payment_event(attempt), "msg_1")

    assert stored() == [("msg_1", "processed")]
    assert has_access(owner, book)


# --- 401: nothing is stored, and the answer tells nothing -----------------------------------


def forged(client, attempt, **changes):
    raw = json.dumps(signed.payment_event(attempt)).encode()
    headers = {**signed.headers(raw, "msg_1"), **changes}
    headers = {name: value for name, value in headers.items() if value is not None}
    return client.post(signed.URL, data=raw, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-signature": None},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "garbage"},
        {"webhook-signature": "v1,ümlaut"},
        {"webhook-id": "msg_other"},
        {"webhook-id": "with.a.dot"},
        {"webhook-id": None},
        {"webhook-timestamp": "1.7e9"},
        {"webhook-timestamp": None},
    ],
    ids=str,
)
def test_a_bad_signature_is_answered_401_with_one_constant_body(client, attempt, changes):
    answer = forged(client, attempt, **changes)

    assert (answer.status_code, answer.content) == (401, b"The signature does not verify.\n")
    assert stored() == []
    assert status(attempt) == "pending"


@pytest.mark.parametrize("age", [301, -301])
def test_an_old_or_future_signature_is_answered_401(client, attempt, age):
    answer = signed.post(client, signed.payment_event(attempt), "msg_1", age=age)

    assert (answer.status_code, answer.content) == (401, b"The signature does not verify.\n")
    assert stored() == []


def test_a_signature_of_another_secret_is_answered_401(client, attempt):
    other = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="

    answer = signed.post(client, signed.payment_event(attempt), "msg_1", key=other)

    assert answer.status_code == 401
    assert stored() == []


def test_a_forged_message_makes_no_query(client, attempt, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert forged(client, attempt, **{"webhook-signature": "v1,AAAA"}).status_code == 401


def test_no_secret_and_no_signature_reaches_the_log(client, attempt, caplog):
    caplog.set_level(logging.DEBUG)
    raw = json.dumps(signed.payment_event(attempt)).encode()
    signature = signed.headers(raw, "msg_1")["webhook-signature"]

    signed.post(client, signed.payment_event(attempt), "msg_1")
    forged(client, attempt, **{"webhook-signature": signature.swapcase()})

    assert signed.secret() not in caplog.text
    assert signature not in caplog.text
    assert signature.swapcase() not in caplog.text


# --- 404, 405, 413, 503 ---------------------------------------------------------------------


def test_an_unknown_alias_is_answered_404(client, attempt):
    answer = signed.post(
        client, signed.payment_event(attempt), "msg_1", url="/store/payments/nobody/webhook/"
    )

    assert (answer.status_code, stored()) == (404, [])


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_only_post_is_allowed(client, method):
    answer = getattr(client, method)(signed.URL)

    assert (answer.status_code, answer["Allow"], stored()) == (405, "POST", [])


def test_a_body_of_ten_megabytes_is_answered_413_whether_it_is_signed_or_not(client, attempt):
    big = signed.payment_event(attempt, padding="x" * 10_000_000)

    assert signed.post(client, big, "msg_1").status_code == 413
    assert (
        client.post(signed.URL, data=b"x" * 10_000_000, content_type="text/plain").status_code
        == 413
    )
    assert stored() == []


def test_the_sandbox_outside_test_mode_is_answered_503(client, attempt):
    body = signed.payment_event(attempt)
    raw = json.dumps(body).encode()
    headers = signed.headers(raw, "msg_1")

    with override_settings(DIGITALSTORE_TEST_MODE=False):
        answer = client.post(signed.URL, data=raw, content_type="application/json", headers=headers)

    assert (answer.status_code, answer["Retry-After"], stored()) == (503, "5", [])


class NoSecretBackend(SandboxBackend):
    """A host's backend whose secret is missing."""

    def verify(self, body, headers):
        raise ImproperlyConfigured("no secret")


def test_a_missing_secret_is_answered_503_and_stores_nothing(client, attempt):
    raw = json.dumps(signed.payment_event(attempt)).encode()
    headers = signed.headers(raw, "msg_1")
    payments = {"default": {"BACKEND": f"{__name__}.NoSecretBackend"}}

    with override_settings(DIGITALSTORE_PAYMENTS=payments):
        answer = client.post(signed.URL, data=raw, content_type="application/json", headers=headers)

    assert (answer.status_code, stored()) == (503, [])


def test_a_busy_database_is_answered_503_and_stores_nothing(client, attempt):
    def busy(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            raise OperationalError("database is locked")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(busy):
        answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert stored() == []


# --- The door -------------------------------------------------------------------------------


def test_the_answer_is_never_cached(client, attempt):
    answer = signed.post(client, signed.payment_event(attempt), "msg_1")

    assert "no-store" in answer["Cache-Control"]


def test_a_site_that_enforces_csrf_still_takes_webhooks(attempt):
    answer = signed.post(Client(enforce_csrf_checks=True), signed.payment_event(attempt), "msg_1")

    assert answer.status_code == 200


@pytest.mark.django_db(transaction=True)
def test_under_atomic_requests_the_record_of_a_failure_survives(client, settings):
    from django.db import connection

    attempt = signed.open_order(signed.make_customer(), signed.make_product())
    settings.DIGITALSTORE_FULFILMENTS = {"product": f"{__name__}.BrokenFulfilment"}
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        answer = signed.post(client, signed.payment_event(attempt), "msg_1")
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False

    assert answer.status_code == 500
    assert stored() == [("msg_1", "failed")]


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_overtakes_the_answer_of_its_checkout_is_applied_when_the_answer_comes(
    client,
):
    customer, book = signed.make_customer(), signed.make_product()
    from django_digitalstore.payments import flows
    from django_digitalstore.payments.backends.base import Checkout

    class Eager(SandboxBackend):
        """A provider whose webhook is faster than its answer."""

        def create_checkout(self, attempt):
            checkout = super().create_checkout(attempt)
            body = {
                "type": "payment.succeeded",
                "timestamp": signed.at(1),
                "data": {
                    "kind": "payment",
                    "state": "succeeded",
                    "payment": "pay_1",
                    "checkout": checkout.reference,
                    "amount": attempt.amount,
                    "currency": attempt.currency,
                    "cart": [[line.item, line.quantity] for line in attempt.lines],
                },
            }
            assert signed.post(client, body, "msg_1").content == b"unmatched\n"
            return Checkout(reference=checkout.reference, url=checkout.url)

    globals()["Eager"] = Eager
    with override_settings(DIGITALSTORE_PAYMENTS={"default": {"BACKEND": f"{__name__}.Eager"}}):
        payment = flows.start_checkout(customer, [flows.LineRequest(book)], email="a@example.com")
        flows.open_checkout(payment, return_url="https://x/", cancel_url="https://x/")

    assert stored() == [("msg_1", "processed")]
    assert has_access(customer, book)
