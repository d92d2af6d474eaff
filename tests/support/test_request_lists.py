"""A customer's own requests, what they may ask about, and the seller's queue."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.core import guard
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.support import (
    flows,
    get_support_message_model,
    get_support_request_model,
)
from django_digitalstore.support.testing import give_allowance, offer_support, open_request

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.support.urls")]

MINE, PRODUCTS, QUEUE = "/support/", "/support/ask/", "/seller/support/"


@pytest.fixture(autouse=True)
def no_rate() -> Any:
    with override_settings(DIGITALSTORE_SUPPORT_REQUESTS_PER_HOUR=None):
        yield


@pytest.fixture
def desk(client_of: Callable[[Any], Client], owner: Any) -> Client:
    return client_of(owner)


@pytest.fixture
def counter(client_of: Callable[[Any], Client], seller: Any) -> Client:
    return client_of(seller)


@pytest.fixture
def generous(product: Any) -> Any:
    """``product`` with a hundred open requests for everybody."""
    offer_support(product, "unlimited", most_open=100, response_hours=24)
    return product


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def subjects(client: Client, path: str = QUEUE, **query: Any) -> list[str]:
    answer = client.get(path, query)
    assert answer.status_code == 200
    return [row["support_request"].subject for row in answer.context["rows"]]


def fill(user: Any, product: Any, number: int) -> None:
    """Write so many requests, as fast as the table takes them."""
    now = timezone.now()
    model: Any = get_support_request_model()
    message: Any = get_support_message_model()
    for each in range(number):
        request = guard.insert(
            model(
                user=user,
                product=product,
                subject=f"Question {each}",
                opened_at=now,
                waiting_since=now,
                last_message_at=now,
            )
        )
        guard.insert(message(request=request, author=user, body="x", at=now))


# --- the customer's own -----------------------------------------------------------------------


def test_an_empty_list_says_so_and_leads_to_a_question(desk: Client) -> None:
    page = text_of(desk.get(MINE))
    assert "No requests yet" in page
    assert f'href="{PRODUCTS}"' in page


def test_a_customer_sees_their_own_requests_the_latest_first(
    desk: Client, owner: Any, other_customer: Any, generous: Any, age: Callable[..., None]
) -> None:
    first = open_request(owner, generous, subject="First")
    open_request(owner, generous, subject="Second")
    grant(other_customer, generous)
    open_request(other_customer, generous, subject="Not theirs")
    assert subjects(desk, MINE) == ["Second", "First"]
    flows.reply(first, author=owner, body="And?")
    assert subjects(desk, MINE) == ["First", "Second"]
    assert f'href="/support/requests/{first.public_id}/"' in text_of(desk.get(MINE))


def test_a_customer_sees_what_they_may_ask_about(
    desk: Client, owner: Any, supported: Any, make_product: Callable[..., Any]
) -> None:
    without, given, lost = (make_product(title) for title in ("Without", "Given", "Lost"))
    offer_support(make_product("Of others"))
    for product in (without, given, lost):
        grant(owner, product)
    offer_support(lost)
    give_allowance(owner, given)
    revoke(owner, lost)
    rows = desk.get(PRODUCTS).context["rows"]
    assert {(row["product"].title, row["url"]) for row in rows} == {
        ("A book", "/support/ask/a-book/"),
        ("Given", "/support/ask/given/"),
    }


def test_who_owns_nothing_with_support_reads_so(desk: Client) -> None:
    assert "Nothing with support" in text_of(desk.get(PRODUCTS))


@pytest.mark.parametrize("page", [MINE, PRODUCTS, QUEUE])
def test_nobody_sees_a_list_without_logging_in(client: Client, page: str) -> None:
    answer: Any = client.get(page)
    assert answer.url == f"/accounts/login/?next={page}"


# --- the queue --------------------------------------------------------------------------------


def test_a_queue_without_requests_says_so(counter: Client, product: Any) -> None:
    assert "Nobody waits for an answer" in text_of(counter.get(QUEUE))


def test_a_seller_sees_what_waits_for_them_and_nothing_of_others(
    counter: Client,
    owner: Any,
    generous: Any,
    seller: Any,
    other_seller: Any,
    client_of: Callable[[Any], Client],
) -> None:
    request = open_request(owner, generous, subject="Mine")
    assert subjects(counter) == ["Mine"]
    assert subjects(client_of(other_seller)) == []
    assert subjects(client_of(other_seller), show="all", q="Mine") == []
    assert client_of(owner).get(QUEUE).status_code == 403
    flows.reply(request, author=seller, body="Turn the page.")
    assert subjects(counter) == []
    assert subjects(counter, show="open") == ["Mine"]


def test_after_an_answer_each_side_reads_whom_it_waits_for(
    desk: Client, counter: Client, owner: Any, generous: Any, seller: Any
) -> None:
    flows.reply(open_request(owner, generous), author=seller, body="Turn the page.")
    badge = '<span class="ds-badge" data-state="waiting_customer">{}</span>'
    assert badge.format("Waiting for you") in text_of(desk.get(MINE))
    page = text_of(counter.get(QUEUE, {"show": "open"}))
    assert badge.format("Waiting for the customer") in page


def test_the_queue_is_filtered(
    counter: Client, owner: Any, generous: Any, seller: Any, age: Callable[..., None]
) -> None:
    late, taken, resolved, _new = (
        open_request(owner, generous, subject=subject)
        for subject in ("Late", "Taken", "Resolved", "New")
    )
    age(late, days=2)
    flows.assign(taken, seller, actor=seller)
    flows.resolve(resolved, actor=seller)
    found = {
        show: sorted(subjects(counter, show=show))
        for show in ("waiting", "overdue", "mine", "unassigned", "open", "all", "nonsense")
    }
    assert found == {
        "waiting": ["Late", "New", "Taken"],
        "overdue": ["Late"],
        "mine": ["Taken"],
        "unassigned": ["Late", "New"],
        "open": ["Late", "New", "Taken"],
        "all": ["Late", "New", "Resolved", "Taken"],
        "nonsense": ["Late", "New", "Taken"],
    }
    assert "Overdue</span>" in text_of(counter.get(QUEUE, {"show": "overdue"}))


def test_the_queue_is_sorted_by_promise_and_by_age(
    counter: Client, owner: Any, generous: Any, make_product: Callable[..., Any], seller: Any
) -> None:
    unhurried = make_product("Unhurried", seller=seller)
    offer_support(unhurried)
    grant(owner, unhurried)
    open_request(owner, unhurried, subject="No promise")
    open_request(owner, generous, subject="Promised")
    assert subjects(counter) == ["Promised", "No promise"]
    assert subjects(counter, sort="age") == ["No promise", "Promised"]
    assert subjects(counter, sort="nonsense") == ["Promised", "No promise"]


def test_a_search_looks_into_everything_that_was_said_in_public(
    counter: Client, owner: Any, generous: Any, seller: Any
) -> None:
    request = open_request(owner, generous, subject="Pages", body="The binding broke.")
    flows.add_note(request, author=seller, body="refunder")
    flows.close(request, actor=seller)
    assert subjects(counter, q="binding") == ["Pages"]
    assert subjects(counter, q=request.public_id) == ["Pages"]
    assert subjects(counter, q="binding", show="waiting") == []
    assert subjects(counter, q="refunder") == []
    for nonsense in ("\x00", "%", "x" * 5000, "'"):
        subjects(counter, q=nonsense)
    assert "Nothing matches" in text_of(counter.get(QUEUE, {"q": "unheard of"}))


def test_pages_of_the_queue_keep_its_filters(counter: Client, owner: Any, generous: Any) -> None:
    fill(owner, generous, 3)
    with override_settings(DIGITALSTORE_SUPPORT_REQUESTS_PER_PAGE=2):
        page = text_of(counter.get(QUEUE, {"show": "open", "sort": "age"}))
        assert 'href="?show=open&sort=age&page=2"' in page
        assert len(subjects(counter, show="open", sort="age", page=2)) == 1
        for nonsense in ("0", "-1", "x", "9" * 30):
            assert subjects(counter, page=nonsense)


def test_staff_who_may_change_requests_see_all_but_their_own(
    client_of: Callable[[Any], Client], owner: Any, generous: Any, staff: Any
) -> None:
    open_request(owner, generous, subject="Of a customer")
    grant(staff, generous)
    open_request(staff, generous, subject="Of their own")
    assert client_of(staff).get(QUEUE).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="change_supportrequest"))
    assert subjects(client_of(type(staff).objects.get(pk=staff.pk))) == ["Of a customer"]


@pytest.mark.parametrize(
    ("page", "query"),
    [
        (QUEUE, {}),
        (QUEUE, {"show": "all", "q": "Question", "sort": "age"}),
        (QUEUE, {"show": "overdue"}),
        (MINE, {}),
    ],
)
def test_the_number_of_queries_is_that_of_10_at_1000_requests(
    client_of: Callable[[Any], Client],
    owner: Any,
    seller: Any,
    generous: Any,
    page: str,
    query: dict[str, str],
) -> None:
    client = client_of(owner if page == MINE else seller)
    numbers = []
    for total in (10, 990):
        fill(owner, generous, total)
        client.get(page, query)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(page, query)
        numbers.append(len(queries))
    assert numbers[0] == numbers[1] <= 8
