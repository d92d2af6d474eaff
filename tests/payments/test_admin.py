"""The admin of the payments: everything is seen, and what is done goes through a flow."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.payments import (
    get_dispute_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
)
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.models import InboxMessage
from django_digitalstore.payments.testing import (
    deliver,
    dispute,
    paid_order,
    place_order,
    refund,
    sandbox_checkout,
    sign_webhook,
)

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]

LISTS = [f"/admin/shop/{name}/" for name in ("order", "payment", "refund", "dispute")] + [
    "/admin/digitalstore_payments/inboxmessage/"
]


@pytest.fixture
def boss(client_of: Any, superuser: Any) -> Client:
    return client_of(superuser)


def allow(user: Any, *codenames: str) -> Any:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


def order_page(order: Any) -> str:
    return f"/admin/shop/order/{order.pk}/change/"


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_the_order_page_tells_the_whole_story_in_time_order(
    boss: Client, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    refund_id = refund(order, amount=100)
    dispute_id = dispute(order)
    text = boss.get(order_page(order)).content.decode()
    for part in ("A book", "€19.99", refund_id, dispute_id, "Allow", "Processed", "dispute open"):
        assert part in text, part
    history = text[text.index("shown_history") :]
    story = ["payment sbx_pay_", f"refund {refund_id}", f"dispute {dispute_id}"]
    places = [history.index(part) for part in story]
    assert places == sorted(places)
    assert "/admin/digitalstore_payments/inboxmessage/" in history


def test_what_flows_decide_cannot_be_written(boss: Client, customer: Any, product: Any) -> None:
    order = place_order(customer, product).order
    sent = boss.post(
        order_page(order),
        {"email": "new@example.com", "status": "paid", "total": "0", "attention": "x"},
    )
    assert sent.status_code == 302
    order.refresh_from_db()
    assert (order.email, order.status, order.total) == ("new@example.com", "pending", 1999)
    assert not has_access(customer, product)


@pytest.mark.parametrize("path", LISTS)
def test_nothing_is_added_or_deleted(boss: Client, customer: Any, product: Any, path: str) -> None:
    order = paid_order(customer, product)
    refund(order, amount=1)
    dispute(order)
    page = boss.get(path)
    assert page.status_code == 200
    assert "delete_selected" not in page.content.decode()
    assert boss.get(f"{path}add/").status_code == 403
    row = page.context["cl"].queryset.first()
    assert boss.get(f"{path}{row.pk}/change/").status_code == 200
    assert boss.post(f"{path}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    forced = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    boss.post(path, forced)
    assert type(row)._base_manager.filter(pk=row.pk).exists()


def test_settling_again_needs_a_reason_and_keeps_it(
    boss: Client, superuser: Any, customer: Any, product: Any
) -> None:
    order = paid_order(customer, product)
    get_order_model()._base_manager.filter(pk=order.pk).update(status="refunded")  # damage by SQL
    url = f"/admin/shop/order/do/settle/?pk={order.pk}"
    assert url in boss.get(order_page(order)).content.decode()
    assert "Derives status and access" in boss.get(url).content.decode()
    refused = boss.post("/admin/shop/order/do/settle/", {"pk": order.pk, "reason": " "})
    assert refused.context["form"].errors == {"reason": ["This field is required."]}
    assert get_order_model().objects.get().status == "refunded"
    done = boss.post(
        "/admin/shop/order/do/settle/", {"pk": order.pk, "reason": "restored a backup"}, follow=True
    )
    assert messages_of(done) == [f"{order}: Paid"]
    assert get_order_model().objects.get().status == "paid"
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id) == (superuser, str(order.pk))
    assert entry.get_change_message() == "Settle again: restored a backup"


def test_several_orders_are_settled_from_the_list(
    boss: Client, customer: Any, other_customer: Any, product: Any
) -> None:
    orders = [paid_order(customer, product), paid_order(other_customer, product)]
    pks = [order.pk for order in orders]
    sent = boss.post("/admin/shop/order/", {"action": "settle", "_selected_action": pks})
    page = boss.get(sent.url)
    assert sorted(row.pk for row in page.context["rows"]) == sorted(pks)
    boss.post("/admin/shop/order/do/settle/", {"pk": pks, "reason": "a check"})
    assert LogEntry.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_provider_is_asked_outside_any_transaction(
    boss: Client, customer: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment))
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    url = "/admin/shop/order/do/ask/"
    boss.post(url, {"pk": payment.order_id, "reason": "the buyer wrote"})
    assert has_access(customer, product)
    assert LogEntry.objects.get().get_change_message() == "Ask the provider: the buyer wrote"


@pytest.mark.parametrize("action", ["settle", "ask"])
def test_who_may_only_look_may_do_nothing(
    client_of: Any, staff: Any, customer: Any, product: Any, action: str
) -> None:
    order = paid_order(customer, product)
    looking = client_of(allow(staff, "view_order"))
    assert f"do/{action}/" not in looking.get(order_page(order)).content.decode()
    url = f"/admin/shop/order/do/{action}/"
    assert looking.post(url, {"pk": order.pk, "reason": "x"}).status_code == 403
    assert LogEntry.objects.count() == 0


def test_strange_requests_are_not_found(boss: Client, customer: Any, product: Any) -> None:
    order = place_order(customer, product).order
    for url in (f"do/nothing/?pk={order.pk}", "do/settle/", "do/settle/?pk=x", "do/settle/?pk=0"):
        assert boss.get(f"/admin/shop/order/{url}").status_code == 404


def test_orders_that_need_a_person_are_found(
    boss: Client, customer: Any, other_customer: Any, product: Any
) -> None:
    payment = place_order(customer, product)
    checkout = sandbox_checkout(payment)
    checkout.amount = 5
    checkout.save()
    provider.pay(checkout)
    boss.post("/admin/shop/order/do/ask/", {"pk": payment.order_id, "reason": "x"})
    place_order(other_customer, product)

    def found(value: str) -> list[Any]:
        page = boss.get(f"/admin/shop/order/?attention={value}")
        return [order.pk for order in page.context["cl"].result_list]

    assert found("any") == found("discrepancy") == [payment.order_id]
    assert found("paid_twice") == []
    text = boss.get("/admin/shop/order/?attention=any").content.decode()
    assert "Paid another amount: refund, or settle with the buyer" in text


@pytest.mark.parametrize(
    ("currency", "shown"),
    [
        ("usd", "2500 usd (minor units)"),
        ("XXX", "2500 XXX (minor units)"),
        ("", "2500 (minor units)"),
    ],
)
def test_a_currency_that_nobody_knows_is_shown_as_it_came(
    boss: Client, client_of: Any, customer: Any, product: Any, currency: str, shown: str
) -> None:
    order = paid_order(customer, product)
    refund(order, amount=100)
    dispute(order)
    facts = (get_payment_model(), get_refund_model(), get_dispute_model())
    for model in facts:
        model._base_manager.update(amount=2500, currency=currency)
    for model in facts:
        path = f"/admin/shop/{model._meta.model_name}/"
        assert shown in boss.get(path).content.decode()
        row = model._base_manager.get()
        assert boss.get(f"{path}{row.pk}/change/").status_code == 200
    story = boss.get(order_page(order)).content.decode()
    assert story.count(shown) == 3
    receipt = client_of(customer).get(f"/orders/{order.public_id}/receipt/")
    assert shown in receipt.content.decode()


# --- the inbox -------------------------------------------------------------------------------


@pytest.fixture
def broken_message(client: Client) -> InboxMessage:
    body, headers = sign_webhook(
        {"type": "payment.succeeded", "timestamp": "no time", "data": {"kind": "secret-thing"}}
    )
    headers.pop("Content-Type")
    url = "/store/payments/default/webhook/"
    client.post(url, data=body, content_type="application/json", headers=headers)
    return InboxMessage.objects.get()


def message_page(message: InboxMessage) -> str:
    return f"/admin/digitalstore_payments/inboxmessage/{message.pk}/change/"


def test_bodies_are_for_those_who_may_see_them(
    client_of: Any, staff: Any, broken_message: InboxMessage
) -> None:
    allow(staff, "view_inboxmessage")
    assert "secret-thing" not in client_of(staff).get(message_page(broken_message)).content.decode()
    allow(staff, "view_webhook_body")
    seen = client_of(type(staff)._default_manager.get(pk=staff.pk))
    assert "secret-thing" in seen.get(message_page(broken_message)).content.decode()


def test_messages_are_found_by_what_became_of_them(
    boss: Client, broken_message: InboxMessage
) -> None:
    for state, number in (("invalid", 1), ("processed", 0)):
        page = boss.get(f"/admin/digitalstore_payments/inboxmessage/?state__exact={state}")
        assert len(page.context["cl"].result_list) == number


def test_a_message_is_processed_again_with_a_permission_and_a_reason(
    client_of: Any, staff: Any, customer: Any, product: Any, client: Client
) -> None:
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment))
    from django_digitalstore.payments.backends.sandbox.models import SandboxDelivery

    reference = payment.checkout_reference
    attempts = get_payment_model()._base_manager.filter(pk=payment.pk)
    attempts.update(checkout_reference="lost")
    deliver(client, SandboxDelivery.objects.get())
    attempts.update(checkout_reference=reference)
    message = InboxMessage.objects.get()
    assert message.state == "unmatched"
    allow(staff, "view_inboxmessage")
    url = "/admin/digitalstore_payments/inboxmessage/do/replay/"
    data = {"pk": message.pk, "reason": "repaired"}
    assert client_of(staff).post(url, data).status_code == 403
    allow(staff, "replay_webhook")
    allowed = client_of(type(staff)._default_manager.get(pk=staff.pk))
    done = allowed.post(url, data, follow=True)
    assert messages_of(done) == [f"{message}: Processed"]
    assert has_access(customer, product)
    assert LogEntry.objects.get().get_change_message() == "Process again: repaired"


def test_a_replay_that_fails_again_says_why(boss: Client, broken_message: InboxMessage) -> None:
    url = "/admin/digitalstore_payments/inboxmessage/do/replay/"
    done = boss.post(url, {"pk": broken_message.pk, "reason": "once more"}, follow=True)
    assert messages_of(done) == [
        f"{broken_message}: invalid: timestamp: must be a time with a time zone (ISO 8601)."
    ]


@pytest.mark.parametrize("path", LISTS)
def test_the_lists_take_the_same_queries_for_few_and_many_rows(
    boss: Client, make_user: Any, product: Any, path: str
) -> None:
    counts = []
    for wanted in (1, 5, 20):
        while get_order_model().objects.count() < wanted:
            buyer = make_user(f"buyer{get_order_model().objects.count()}")
            order = paid_order(buyer, product)
            refund(order, amount=1)
            dispute(order)
        boss.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(path).status_code == 200
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts
