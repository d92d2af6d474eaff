"""Threads: who writes to whom, what state follows, and when nobody may write any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone
from django.utils.formats import date_format

from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.testing import revoke
from django_digitalstore.support import flows, get_support_request_model, policies
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport, NotYourRequest
from django_digitalstore.support.jobs import close_resolved
from django_digitalstore.support.testing import open_request

pytestmark = pytest.mark.django_db

STRANGER = "Support request {} is between its customer and the product's seller."
SELLER_ONLY = "Support request {}: only the product's seller and staff do this."


@pytest.fixture
def request_(owner: Any, supported: Any) -> Any:
    """A request that was just opened."""
    return open_request(owner, supported)


def fresh(request: Any) -> Any:
    return get_support_request_model().objects.get(pk=request.pk)


# --- to and fro -------------------------------------------------------------------------------


def test_question_and_answer_go_to_and_fro(request_: Any, owner: Any, seller: Any) -> None:
    flows.reply(request_, author=seller, body="Turn the page.")
    answered = fresh(request_)
    assert (answered.state, answered.due_at) == ("waiting_customer", None)

    flows.reply(request_, author=owner, body="It is torn.")
    asked = fresh(request_)
    assert asked.state == "waiting_seller"
    assert asked.due_at is not None
    assert asked.due_at > timezone.now() + timedelta(hours=23)
    assert [m.body for m in asked.messages.all()] == [
        "How does it work?",
        "Turn the page.",
        "It is torn.",
    ]


def test_what_a_customer_adds_prolongs_no_promise(
    request_: Any, owner: Any, age: Callable[..., None]
) -> None:
    age(request_, hours=5)
    flows.reply(request_, author=owner, body="By the way")
    added = fresh(request_)
    assert (added.state, added.due_at, added.waiting_since) == (
        "open",
        request_.due_at,
        request_.waiting_since,
    )
    assert added.last_message_at > request_.last_message_at


def test_staff_with_the_permission_answer(request_: Any, superuser: Any) -> None:
    flows.reply(request_, author=superuser, body="Turn the page.")
    assert fresh(request_).state == "waiting_customer"


@pytest.mark.parametrize("who", ["other_customer", "other_seller", "staff"])
def test_strangers_have_no_part_in_it(
    request_: Any, who: str, request: pytest.FixtureRequest
) -> None:
    stranger = request.getfixturevalue(who)
    assert not policies.can_read(stranger, request_)
    assert not policies.visible_messages(stranger, request_).exists()
    for attempt in (
        lambda: flows.reply(request_, author=stranger, body="me too"),
        lambda: flows.add_note(request_, author=stranger, body="me too"),
        lambda: flows.assign(request_, stranger, actor=stranger),
        lambda: flows.resolve(request_, actor=stranger),
        lambda: flows.reopen(request_, actor=stranger),
        lambda: flows.close(request_, actor=stranger),
    ):
        with pytest.raises(NotYourRequest) as stopped:
            attempt()
        assert str(stopped.value) == STRANGER.format(request_.public_id)
    assert request_.messages.count() == 1


def test_a_customer_does_not_do_what_sellers_do(request_: Any, owner: Any) -> None:
    for attempt in (
        lambda: flows.add_note(request_, author=owner, body="psst"),
        lambda: flows.assign(request_, owner, actor=owner),
        lambda: flows.close(request_, actor=owner),
    ):
        with pytest.raises(NotYourRequest) as stopped:
            attempt()
        assert str(stopped.value) == SELLER_ONLY.format(request_.public_id)


def test_a_customer_who_is_staff_is_not_both_sides(supported: Any, superuser: Any) -> None:
    from django_digitalstore.entitlements.testing import grant

    grant(superuser, supported)
    request = open_request(superuser, supported)
    flows.reply(request, author=superuser, body="And?")
    assert fresh(request).state == "open"
    with pytest.raises(NotYourRequest):
        flows.add_note(request, author=superuser, body="psst")


def test_somebody_must_have_written_it(request_: Any) -> None:
    with pytest.raises(NoSupport) as stopped:
        flows.reply(request_, author=None, body="x")
    assert str(stopped.value) == (
        "support.flows.reply() was given author=None, and somebody must have written it. Pass a "
        "saved user."
    )


def test_a_double_click_is_one_reply(request_: Any, owner: Any) -> None:
    first = flows.reply(request_, author=owner, body="And?", key="form-2")
    assert flows.reply(request_, author=owner, body="And?", key="form-2") == first
    assert request_.messages.count() == 2


def test_a_double_click_is_one_reply_where_the_first_ends_while_the_second_is_looked_at(
    request_: Any, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    check, first = policies.check_reply, []

    def while_the_first_ends(request: Any, author: Any) -> None:
        monkeypatch.setattr(policies, "check_reply", check)
        first.append(flows.reply(request_, author=owner, body="And?", key="form-2"))
        check(request, author)

    monkeypatch.setattr(policies, "check_reply", while_the_first_ends)
    # The question was one of them.
    with override_settings(DIGITALSTORE_SUPPORT_MESSAGES_PER_HOUR=2):
        assert [flows.reply(request_, author=owner, body="And?", key="form-2")] == first
    assert request_.messages.count() == 2


def test_an_empty_reply_is_none(request_: Any, owner: Any) -> None:
    with pytest.raises(InvalidSupport) as stopped:
        flows.reply(request_, author=owner, body="  ")
    assert stopped.value.message_dict == {"body": ["Write something first."]}


def test_a_customer_who_writes_without_end_is_stopped(
    request_: Any, owner: Any, seller: Any
) -> None:
    with override_settings(DIGITALSTORE_SUPPORT_MESSAGES_PER_HOUR=2):
        flows.reply(request_, author=owner, body="1")
        with pytest.raises(NoSupport) as stopped:
            flows.reply(request_, author=owner, body="2")
        assert str(stopped.value) == (
            "You wrote 2 messages within the last hour: please wait a while."
        )
        for _ in range(3):
            flows.reply(request_, author=seller, body="Calm down.")


# --- internal notes ---------------------------------------------------------------------------


def test_a_note_is_for_the_sellers_side_only(
    request_: Any, owner: Any, seller: Any, superuser: Any
) -> None:
    before = fresh(request_)
    note = flows.add_note(request_, author=seller, body="The same one again.", key="n")
    assert flows.add_note(request_, author=seller, body="The same one again.", key="n") == note
    assert note not in policies.visible_messages(owner, request_)
    assert note in policies.visible_messages(seller, request_)
    assert note in policies.visible_messages(superuser, request_)
    after = fresh(request_)
    assert (after.state, after.last_message_at) == (before.state, before.last_message_at)


def test_no_search_finds_a_note(request_: Any, seller: Any) -> None:
    flows.add_note(request_, author=seller, body="refunder")
    requests = get_support_request_model().objects
    assert not requests.search("refunder").exists()
    assert requests.search("How work book").get() == request_
    assert requests.search(request_.public_id).get() == request_


def test_a_search_ignores_case(request_: Any) -> None:
    requests = get_support_request_model().objects
    assert requests.search("how WORK book").get() == request_
    assert requests.search(request_.public_id.lower()).get() == request_


# --- the seller's queue -----------------------------------------------------------------------


def test_the_queue_shows_what_is_to_do(
    request_: Any, owner: Any, seller: Any, other_seller: Any, age: Callable[..., None]
) -> None:
    queue = policies.requests_for(seller, as_seller=True)
    assert list(queue.unassigned()) == list(queue.waiting()) == [request_]
    assert not queue.overdue().exists()
    assert not policies.requests_for(other_seller, as_seller=True).exists()
    assert policies.requests_for(owner, as_seller=False).get() == request_

    age(request_, days=2)
    assert queue.overdue().get().is_overdue
    flows.assign(request_, seller, actor=seller)
    assert queue.mine(seller).get() == request_
    assert not queue.unassigned().exists()
    flows.reply(request_, author=seller, body="Done.")
    assert not queue.waiting().exists()
    assert not queue.overdue().exists()
    flows.resolve(request_, actor=seller)
    assert not queue.ongoing().exists()


def test_the_queue_is_sorted_by_age_and_by_promise(
    owner: Any, supported: Any, age: Callable[..., None]
) -> None:
    old, new = open_request(owner, supported), open_request(owner, supported)
    age(old, days=3)
    type(old)._base_manager.filter(pk=old.pk).update(due_at=None)
    requests = get_support_request_model().objects
    assert list(requests.by_age()) == [old, new]
    assert list(requests.by_promise()) == [new, old]


def test_only_who_can_answer_is_assigned(
    request_: Any, seller: Any, other_seller: Any, owner: Any
) -> None:
    for nobody in (other_seller, owner):
        with pytest.raises(InvalidSupport) as stopped:
            flows.assign(request_, nobody, actor=seller)
        assert stopped.value.message_dict == {
            "assignee": [
                (
                    f"{nobody} cannot answer this request: choose the product's seller, or staff "
                    f"who may change support requests."
                )
            ]
        }
    flows.assign(request_, seller, actor=seller, reason="my turn")
    assert fresh(request_).assignee == seller
    flows.assign(request_, seller, actor=seller, reason="my turn")
    (note,) = request_.messages.filter(internal=True)
    assert (note.author, note.body) == (seller, "my turn")
    flows.assign(request_, None, actor=seller)
    assert fresh(request_).assignee is None


# --- resolved, reopened, closed ---------------------------------------------------------------


@pytest.mark.parametrize("who", ["owner", "seller", "superuser"])
def test_each_side_resolves_it(request_: Any, who: str, request: pytest.FixtureRequest) -> None:
    actor = request.getfixturevalue(who)
    first = flows.resolve(request_, actor=actor)
    assert first.state == "resolved"
    assert flows.resolve(request_, actor=actor).resolved_at == first.resolved_at


def test_a_customer_reopens_what_was_resolved(request_: Any, owner: Any, supported: Any) -> None:
    flows.resolve(request_, actor=owner)
    left = policies.support_allowance(owner, supported).included_left
    reopened = flows.reopen(request_, actor=owner)
    assert (reopened.state, reopened.resolved_at) == ("waiting_seller", None)
    assert flows.reopen(request_, actor=owner).waiting_since == reopened.waiting_since
    assert policies.support_allowance(owner, supported).included_left == left


def test_what_is_reopened_is_promised_an_answer_again(
    request_: Any, owner: Any, seller: Any, age: Callable[..., None]
) -> None:
    assert flows.resolve(request_, actor=seller).due_at is None
    reopened = flows.reopen(request_, actor=owner)
    assert reopened.due_at == reopened.waiting_since + timedelta(hours=24)
    age(reopened, days=2)
    assert get_support_request_model().objects.overdue().get() == reopened


def test_a_customers_reply_reopens_and_a_sellers_does_not(
    request_: Any, owner: Any, seller: Any
) -> None:
    flows.resolve(request_, actor=seller)
    flows.reply(request_, author=seller, body="Have fun.")
    assert fresh(request_).state == "resolved"
    flows.reply(request_, author=owner, body="Not yet.")
    assert (fresh(request_).state, fresh(request_).resolved_at) == ("waiting_seller", None)


def test_after_a_while_it_is_too_late_to_reopen(
    request_: Any, owner: Any, seller: Any, age: Callable[..., None]
) -> None:
    request = flows.resolve(request_, actor=owner)
    age(request, days=15)
    date = date_format(timezone.localtime(request.resolved_at), "DATE_FORMAT")
    assert not policies.can_reopen(request, owner)
    for attempt in (
        lambda: flows.reopen(request, actor=owner),
        lambda: flows.reply(request, author=owner, body="And now?"),
    ):
        with pytest.raises(NoSupport) as stopped:
            attempt()
        assert str(stopped.value) == (
            f"This request was resolved on {date}, which is too long ago to reopen it. Please open "
            f"a new one."
        )
    assert policies.can_reopen(request, seller)
    assert flows.reopen(request, actor=seller, reason="asked by phone").state == "waiting_seller"


def test_what_is_closed_is_closed_for_its_customer(request_: Any, owner: Any, seller: Any) -> None:
    closed = flows.close(request_, actor=seller, reason="spam")
    assert (closed.state, closed.resolved_at) == ("closed", None)
    assert flows.close(request_, actor=seller, reason="spam").closed_at == closed.closed_at
    for attempt in (
        lambda: flows.reopen(request_, actor=owner),
        lambda: flows.reply(request_, author=owner, body="No!"),
    ):
        with pytest.raises(NoSupport) as stopped:
            attempt()
        assert str(stopped.value) == (
            "This request is closed. Please open a new one if you need more help."
        )
    with pytest.raises(NoSupport) as stopped:
        flows.reply(request_, author=seller, body="Well")
    assert str(stopped.value) == "This request is closed: reopen it before you answer."
    with pytest.raises(NoSupport) as stopped:
        flows.resolve(request_, actor=owner)
    assert str(stopped.value) == "This request is closed already."
    assert flows.reopen(request_, actor=seller).closed_at is None


def test_the_job_closes_what_was_resolved_long_ago(
    request_: Any, owner: Any, supported: Any, age: Callable[..., None]
) -> None:
    recent = flows.resolve(open_request(owner, supported), actor=owner)
    old = flows.resolve(request_, actor=owner)
    age(old, days=14)
    with override_settings(DIGITALSTORE_SUPPORT_CLOSE_AFTER=None):
        assert close_resolved() == "0 closed"
    assert close_resolved() == "1 closed"
    assert close_resolved() == "0 closed"
    assert (fresh(old).state, fresh(recent).state) == ("closed", "resolved")


# --- access that was lost ---------------------------------------------------------------------

LOST = "“A book” is not yours any more, and its support ended with it."


def test_who_lost_access_reads_and_writes_no_more(
    request_: Any, owner: Any, supported: Any
) -> None:
    revoke(owner, supported)
    assert policies.can_read(owner, request_)
    assert policies.visible_messages(owner, request_).count() == 1
    assert not policies.can_reply(request_, owner)
    with pytest.raises(NoSupport) as stopped:
        flows.reply(request_, author=owner, body="Hello?")
    assert (stopped.value.code, str(stopped.value)) == ("access_lost", LOST)
    flows.resolve(request_, actor=owner)
    assert not policies.can_reopen(fresh(request_), owner)
    with pytest.raises(NoSupport) as stopped:
        flows.reopen(request_, actor=owner)
    assert str(stopped.value) == LOST


def test_the_seller_sees_why_and_gives_no_support_either(
    request_: Any, owner: Any, seller: Any, supported: Any
) -> None:
    revoke(owner, supported, reason="shared it")
    with pytest.raises(NoSupport) as stopped:
        flows.reply(request_, author=seller, body="Turn the page.")
    assert str(stopped.value) == (
        "The customer does not have “A book” any more (Access was withdrawn), and its support "
        "ended with it. You can write an internal note, and resolve or close the request."
    )
    flows.add_note(request_, author=seller, body="shared it")
    flows.close(request_, actor=seller)


def test_access_that_comes_back_brings_support_back(
    request_: Any, owner: Any, seller: Any, supported: Any
) -> None:
    revoke(owner, supported)
    access.restore_product(owner, supported, reason="a mistake")
    flows.reply(request_, author=seller, body="Turn the page.")
    flows.reply(request_, author=owner, body="Thanks.")
