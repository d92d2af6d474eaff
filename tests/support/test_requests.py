"""Requests: who may open one, how often, and what each refusal says and offers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import timezone
from django.utils.formats import date_format

from django_digitalstore.entitlements.testing import customer_who_owns, grant, revoke
from django_digitalstore.support import flows, get_support_request_model, policies
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport
from django_digitalstore.support.signals import support_request_opened
from django_digitalstore.support.testing import give_allowance, offer_support, open_request

pytestmark = pytest.mark.django_db


def refused(user: Any, product: Any) -> NoSupport:
    """Return why a request is refused: by the page's question, and by the flow, which agree."""
    assert not policies.can_open(user, product)
    number = get_support_request_model().objects.count()
    with pytest.raises(NoSupport) as stopped:
        open_request(user, product)
    assert get_support_request_model().objects.count() == number
    return stopped.value


# --- opened -----------------------------------------------------------------------------------


def test_an_owner_opens_a_request(owner: Any, supported: Any) -> None:
    assert policies.can_open(owner, supported)
    before = timezone.now()
    request = open_request(owner, supported, subject="  Page 3\n is white ", body="Why?\r\n")
    assert (request.user, request.product, request.subject) == (owner, supported, "Page 3 is white")
    assert request.state == "open"
    assert request.due_at is not None
    assert request.due_at >= before + timedelta(hours=24)
    (message,) = request.messages.all()
    assert (message.author, message.body, message.internal) == (owner, "Why?", False)
    assert policies.has_active_support_request(owner, supported)


def test_without_a_promise_nothing_is_due(owner: Any, product: Any) -> None:
    offer_support(product)
    assert open_request(owner, product).due_at is None


def test_who_listens_is_told_after_the_commit(
    owner: Any, supported: Any, django_capture_on_commit_callbacks: Any
) -> None:
    heard = []

    def listen(sender: Any, request: Any, **kwargs: Any) -> None:
        heard.append(request)

    support_request_opened.connect(listen)
    with django_capture_on_commit_callbacks(execute=True):
        request = open_request(owner, supported)
        assert heard == []
    support_request_opened.disconnect(listen)
    assert heard == [request]


def test_a_double_click_is_one_request_where_the_first_ends_while_the_second_is_looked_at(
    owner: Any, product: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer_support(product, included_requests=1)
    check, first = policies.check_open, []

    def while_the_first_ends(user: Any, product: Any) -> Any:
        monkeypatch.setattr(policies, "check_open", check)
        first.append(open_request(owner, product, key="form-1"))
        return check(user, product)

    monkeypatch.setattr(policies, "check_open", while_the_first_ends)
    assert [open_request(owner, product, key="form-1")] == first


def test_a_double_click_opens_one_request(owner: Any, supported: Any) -> None:
    first = open_request(owner, supported, key="form-1")
    second = open_request(owner, supported, key="form-1")
    assert first == second
    assert first.messages.count() == 1
    assert policies.support_allowance(owner, supported).included_left == 1


def test_a_second_click_after_the_last_one_was_used_is_no_refusal(owner: Any, product: Any) -> None:
    offer_support(product, included_requests=1)
    first = open_request(owner, product, key="form-1")
    assert open_request(owner, product, key="form-1") == first


def test_the_same_key_of_somebody_else_is_another_request(
    owner: Any, supported: Any, make_user: Any
) -> None:
    other = make_user("other")
    grant(other, supported)
    assert open_request(owner, supported, key="1") != open_request(other, supported, key="1")


# --- refused ----------------------------------------------------------------------------------


def test_without_a_purchase_it_says_what_to_buy(customer: Any, supported: Any) -> None:
    refusal = refused(customer, supported)
    assert refusal.code == "no_purchase"
    assert str(refusal) == "Support for “A book” is for those who own it: buy “A book” first."


def test_an_allowance_is_no_purchase(owner: Any, product: Any) -> None:
    give_allowance(owner, product, None)
    revoke(owner, product)
    refusal = refused(owner, product)
    assert refusal.code == "access_lost"
    assert str(refusal) == "“A book” is not yours any more, and its support ended with it."


def test_who_waits_for_their_time_to_pass_has_lost_it(
    customer: Any, supported: Any, owned_for: Callable[..., None], age: Callable[..., None]
) -> None:
    row = grant(customer, supported, expires_at=timezone.now() + timedelta(days=1))
    owned_for(customer, supported, days=2)
    age(row, days=2)
    assert refused(customer, supported).code == "access_lost"


def test_a_product_without_support_has_none(owner: Any, product: Any) -> None:
    refusal = refused(owner, product)
    assert (refusal.code, refusal.offer) == ("not_offered", None)
    assert str(refusal) == "There is no support for “A book”."


def test_what_is_not_included_is_offered(owner: Any, product: Any) -> None:
    flows.save_terms(product, pack_price=900, pack_size=3)
    refusal = refused(owner, product)
    assert refusal.code == "not_included"
    assert str(refusal) == "Support for “A book” is not included. 3 requests cost €9.00."


def test_used_up_it_offers_a_pack_at_the_price_of_today(owner: Any, product: Any) -> None:
    offer_support(product, included_requests=1, pack_price=900, pack_size=3)
    open_request(owner, product)
    offer_support(product, included_requests=1, pack_price=500, pack_size=1)
    refusal = refused(owner, product)
    assert refusal.code == "used_up"
    assert str(refusal) == "You have used up the support for “A book”. 1 request costs €5.00."
    assert refusal.offer is not None
    assert (refusal.offer.size, refusal.offer.price) == (1, 500)


def test_used_up_and_no_pack_is_sold(owner: Any, product: Any) -> None:
    offer_support(product, included_requests=1)
    open_request(owner, product)
    refusal = refused(owner, product)
    assert (refusal.code, refusal.offer) == ("used_up", None)
    assert str(refusal) == "You have used up the support for “A book”. No more is sold."


def test_a_window_that_is_over_says_since_when(
    owner: Any, product: Any, owned_for: Callable[..., None]
) -> None:
    offer_support(product, "window", included_days=30, pack_price=900, pack_size=3)
    owned_for(owner, product, days=40)
    ended = date_format(timezone.localtime() - timedelta(days=10), "DATE_FORMAT")
    refusal = refused(owner, product)
    assert refusal.code == "window_over"
    assert str(refusal) == (
        f"The support that came with “A book” ended on {ended}. 3 requests cost €9.00."
    )


def test_unlimited_support_has_a_limit_at_once(owner: Any, product: Any) -> None:
    offer_support(product, "unlimited", most_open=2)
    first = open_request(owner, product)
    open_request(owner, product)
    refusal = refused(owner, product)
    assert refusal.code == "too_many_open"
    assert str(refusal) == (
        "You have 2 open requests about “A book” already: go on there, or mark one as resolved."
    )
    flows.resolve(first, actor=owner)
    assert policies.can_open(owner, product)


def test_resolving_and_reopening_is_no_way_around_the_limit(
    owner: Any, product: Any, seller: Any
) -> None:
    offer_support(product, "unlimited", most_open=1)
    first = flows.resolve(open_request(owner, product), actor=owner)
    second = open_request(owner, product)
    assert not policies.can_reopen(first, owner)
    for attempt in (
        lambda: flows.reopen(first, actor=owner),
        lambda: flows.reply(first, author=owner, body="And this?"),
    ):
        with pytest.raises(NoSupport) as stopped:
            attempt()
        assert stopped.value.code == "too_many_open"
        assert str(stopped.value) == (
            "You have 1 open request about “A book” already: go on there, or mark it as resolved."
        )
    flows.resolve(second, actor=owner)
    assert flows.reopen(first, actor=owner).state == "waiting_seller"
    flows.resolve(first, actor=owner)
    open_request(owner, product)
    # It is for the customer; who answers may take up what they want.
    assert flows.reopen(first, actor=seller).state == "waiting_seller"


def test_nobody_opens_more_than_a_few_in_an_hour(
    owner: Any, product: Any, make_product: Any, age: Callable[..., None]
) -> None:
    other = make_product("Another")
    grant(owner, other)
    for each in (product, other):
        offer_support(each, "unlimited", most_open=9)
    with override_settings(DIGITALSTORE_SUPPORT_REQUESTS_PER_HOUR=2):
        first = open_request(owner, product)
        open_request(owner, other)
        refusal = refused(owner, product)
        assert refusal.code == "too_fast"
        assert str(refusal) == ("You opened 2 requests within the last hour: please wait a while.")
        age(first, hours=2)
        assert policies.can_open(owner, product)


def test_without_a_limit_nothing_is_too_fast(owner: Any, product: Any) -> None:
    offer_support(product, "unlimited", most_open=9)
    with override_settings(DIGITALSTORE_SUPPORT_REQUESTS_PER_HOUR=None):
        for _ in range(7):
            open_request(owner, product)


def test_a_seller_is_no_owner(supported: Any, seller: Any) -> None:
    assert refused(seller, supported).code == "no_purchase"


def test_nobody_at_all_opens_nothing(supported: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert not policies.can_open(AnonymousUser(), supported)
    assert not policies.has_active_support_request(AnonymousUser(), supported)


@pytest.mark.parametrize(
    ("fields", "field", "said"),
    [
        ({"subject": " \n"}, "subject", "Say in a few words what this is about."),
        ({"subject": "x" * 201}, "subject", "Write at most 200 characters here."),
        ({"body": " \r\n\x00"}, "body", "Write something first."),
        ({"body": "x" * 20_001}, "body", "Write at most 20000 characters, or attach a file."),
        ({"key": "x" * 65}, "key", "This form is broken: load the page again."),
        ({"key": "a\x00"}, "key", "This form is broken: load the page again."),
    ],
)
def test_what_the_form_let_through_the_flow_refuses(
    owner: Any, supported: Any, fields: dict[str, str], field: str, said: str
) -> None:
    with pytest.raises(InvalidSupport) as stopped:
        open_request(owner, supported, **fields)
    assert stopped.value.message_dict == {field: [said]}
    assert not policies.has_active_support_request(owner, supported)


def test_a_message_is_kept_as_it_was_written(owner: Any, supported: Any) -> None:
    written = "<script>alert(1)</script>\n\n{{ settings.SECRET_KEY }} & “so on”"
    (message,) = open_request(owner, supported, body=written).messages.all()
    assert message.body == written


def test_free_support_is_included_in_a_free_product(free_product: Any, make_user: Any) -> None:
    stranger = make_user("stranger")
    offer_support(free_product)
    assert refused(stranger, free_product).code == "no_purchase"
    assert open_request(customer_who_owns(free_product), free_product).allowance is None


def test_how_many_queries_the_question_costs(
    owner: Any, supported: Any, django_assert_max_num_queries: Any
) -> None:
    give_allowance(owner, supported, 3)
    with django_assert_max_num_queries(9):
        policies.check_open(owner, supported)
