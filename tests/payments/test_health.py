"""The health page: staff see what came last, what waits, and what is not right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.core.jobs import run_due
from django_digitalstore.core.models import JobRun, OutboxMessage
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.payments import get_order_model, get_payment_model, health, inbox
from django_digitalstore.payments.models import InboxMessage, ProviderItem, RefundRequest
from django_digitalstore.payments.testing import paid_order, place_order, refund, sign_webhook

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.payments.urls")]

PAGE = "/admin/digitalstore_payments/inboxmessage/health/"
INBOX = "/admin/digitalstore_payments/inboxmessage/"


@pytest.fixture
def boss(client_of: Any, superuser: Any) -> Client:
    return client_of(superuser)


@pytest.fixture
def invalid() -> InboxMessage:
    body, headers = sign_webhook({"type": "payment.succeeded"})
    inbox.receive("default", body, headers)
    return InboxMessage.objects.get()


def bad() -> list[str]:
    """Return what the page says is to be looked at, except that no job ever ran."""
    found = health.health()
    sights = [sight for provider in found.providers for sight in provider.unresolved]
    return [f"{sight.label}: {sight.shown}" for sight in [*sights, *found.sights] if sight.is_bad]


def test_a_store_that_works_has_nothing_to_look_at(
    boss: Client, customer: Any, product: Any
) -> None:
    paid_order(customer, product)
    run_due()
    assert health.health().problems == 0
    text = boss.get(PAGE).content.decode()
    assert "Everything is as it should be." in text
    assert "Look at it:" not in text
    for forbidden in ("<script>", "style=", "onclick"):
        assert forbidden not in text.split('id="content"')[1].split("</main>")[0]


def test_it_is_reached_from_the_inbox_by_those_who_may_see_that(
    boss: Client, client_of: Any, staff: Any
) -> None:
    assert PAGE in boss.get(INBOX).content.decode()
    assert client_of(staff).get(PAGE).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_inboxmessage"))
    allowed = client_of(type(staff)._default_manager.get(pk=staff.pk))
    assert allowed.get(PAGE).status_code == 200


def test_each_damage_is_one_line_with_the_page_that_shows_it(
    boss: Client, make_user: Any, product: Any, invalid: InboxMessage
) -> None:
    assert bad() == ["Invalid: a field is wrong: 1"]
    orders = {name: paid_order(make_user(name), product) for name in ("a", "b", "c", "d")}
    assert bad() == ["Invalid: a field is wrong: 1"]
    purchases = get_purchased_product_model()._base_manager
    purchases.filter(user=orders["a"].customer).delete()
    get_grant_model()._base_manager.filter(user=orders["b"].customer).delete()
    get_order_model()._base_manager.filter(pk=orders["c"].pk).update(attention="paid_twice")
    long_ago = timezone.now() - timedelta(days=2)
    waiting = place_order(make_user("e"), product)
    payments = get_payment_model()._base_manager
    payments.filter(pk=waiting.pk).update(state="processing", state_at=long_ago)
    closed = place_order(make_user("f"), product)
    payments.filter(pk=closed.pk).update(state="created", failure="TimeoutError")
    for state in ("refused", "doubtful", "sent"):
        RefundRequest.objects.create(order_reference="x", alias="default", state=state)
    ProviderItem.objects.create(alias="default", kind="product", product="1", state="failed")
    OutboxMessage.objects.create(kind="x", key="given up", state="failed")
    OutboxMessage.objects.create(kind="x", key="late", next_try_at=long_ago)
    assert bad() == [
        "Invalid: a field is wrong: 1",
        "Orders that need attention: 1",
        "Paid, and the buyer has no access: 1",
        "Payment on its way for more than a day: 1",
        "The provider could not open the checkout: 1",
        "Access without a basis: 1",
        "Refunds: Refused by the provider: 1",
        "Refunds: Doubtful: a person must look: 1",
        "Products that a provider did not take: 1",
        "Outgoing messages that were given up: 1",
        "Outgoing messages that are an hour late: 1",
    ]
    page = boss.get(PAGE)
    assert "things to look at" in page.content.decode()
    shown = [sight for sight in page.context["health"].sights if sight.url]
    assert len(shown) >= 7
    for sight in shown:
        assert sight.url in page.content.decode().replace("&amp;", "&")
        rows = boss.get(sight.url).context["cl"].result_list
        assert len(rows) == sight.number or "without a basis" in sight.label


def test_an_order_that_nobody_paid_within_a_day_is_abandoned_and_no_problem(
    boss: Client, customer: Any, product: Any
) -> None:
    order = place_order(customer, product).order
    get_order_model()._base_manager.update(placed_at=timezone.now() - timedelta(days=2))
    assert bad() == []
    found = boss.get("/admin/shop/order/?stuck=abandoned").context["cl"].result_list
    assert [row.pk for row in found] == [order.pk]
    assert len(boss.get("/admin/shop/order/?stuck=nonsense").context["cl"].result_list) == 1


def test_what_waits_or_is_at_work_is_no_problem(invalid: InboxMessage) -> None:
    for state in ("waiting", "received", "handled", "ignored"):
        InboxMessage.objects.update(state=state)
        assert bad() == [], state
    old = timezone.now() - timedelta(hours=1)
    InboxMessage.objects.update(state="received", received_at=old)
    assert bad() == ["Received: 1"]


def test_the_last_webhook_is_one_that_the_provider_sent(customer: Any, product: Any) -> None:
    def last() -> Any:
        (provider,) = health.health().providers
        return provider.last_webhook

    assert last() is None
    paid_order(customer, product)
    sent = InboxMessage.objects.get()
    assert last() == sent.received_at
    InboxMessage.objects.create(
        alias="default", source="reconcile", message_id="reconcile:1", sent_at=timezone.now()
    )
    assert last() == sent.received_at


def test_a_provider_that_is_gone_is_shown_while_something_of_it_is_left(
    invalid: InboxMessage,
) -> None:
    InboxMessage.objects.update(alias="gone")
    assert [provider.alias for provider in health.health().providers] == ["default", "gone"]


def test_jobs_that_do_not_run_are_told(boss: Client) -> None:
    def problems() -> set[str]:
        return {job.problem for job in health.health().jobs}

    never = "It never ran: call digitalstore_run_due every minute."
    assert problems() == {never}
    run_due()
    assert problems() == {""}
    runs = JobRun.objects.filter(name="payments.reconcile")
    runs.update(last_error="ProviderDown: 503")
    assert problems() == {"", "ProviderDown: 503"}
    runs.update(last_error="", last_started_at=timezone.now() - timedelta(days=1))
    assert problems() == {"", "It is late: call digitalstore_run_due every minute."}
    runs.update(locked_until=timezone.now() - timedelta(hours=1))
    assert problems() == {"", "It was interrupted."}
    runs.update(locked_until=timezone.now() + timedelta(hours=1))
    assert problems() == {""}


def test_counting_stops_somewhere(
    make_user: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "MOST", 2)
    for name in "abc":
        paid_order(make_user(name), product)
    get_purchased_product_model()._base_manager.all().delete()
    assert bad() == ["Paid, and the buyer has no access: more than 2"]


def test_it_takes_the_same_queries_for_few_and_many_rows(
    boss: Client, make_user: Any, product: Any, invalid: InboxMessage
) -> None:
    counts = []
    for wanted in (1, 5, 20):
        while get_order_model().objects.count() < wanted:
            order = paid_order(make_user(f"buyer{get_order_model().objects.count()}"), product)
            refund(order, amount=1)
        get_purchased_product_model()._base_manager.all().delete()
        boss.get(PAGE)
        with CaptureQueriesContext(connection) as queries:
            assert boss.get(PAGE).status_code == 200
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts


def test_a_message_is_marked_as_handled_with_a_permission_and_a_reason(
    boss: Client, client_of: Any, staff: Any, invalid: InboxMessage
) -> None:
    url = f"{INBOX}do/handle/"
    data = {"pk": invalid.pk, "reason": "a test of theirs"}
    staff.user_permissions.add(*Permission.objects.filter(codename="view_inboxmessage"))
    assert client_of(staff).post(url, data).status_code == 403
    assert bad() == ["Invalid: a field is wrong: 1"]

    done = boss.post(url, data, follow=True)

    assert [str(m) for m in done.context["messages"]] == [f"{invalid}: Handled by a person"]
    assert LogEntry.objects.get().get_change_message() == "Mark as handled: a test of theirs"
    assert bad() == []
    again = boss.post(url, data, follow=True)
    assert [str(m) for m in again.context["messages"]] == [
        f"{invalid}: It needs nobody's care: it is processed, ignored or handled."
    ]
    assert LogEntry.objects.count() == 1
