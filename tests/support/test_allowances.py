"""Allowances: what is included, granted and used, in which order, and what never comes back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_digitalstore.entitlements import flows as access
from django_digitalstore.entitlements.sources import Source
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.support import flows, get_support_allowance_model
from django_digitalstore.support.exceptions import InvalidSupport, NoSupport, NotYourRequest
from django_digitalstore.support.policies import support_allowance
from django_digitalstore.support.testing import give_allowance, offer_support, open_request

pytestmark = pytest.mark.django_db


def left(user: Any, product: Any) -> tuple[int, int, bool]:
    balance = support_allowance(user, product)
    return balance.included_left, balance.bought_left, balance.is_unlimited


def test_nothing_is_included_without_terms(owner: Any, product: Any) -> None:
    assert left(owner, product) == (0, 0, False)


def test_each_request_uses_one_of_those_included(owner: Any, supported: Any) -> None:
    assert left(owner, supported) == (2, 0, False)
    open_request(owner, supported)
    assert left(owner, supported) == (1, 0, False)


def test_another_product_and_another_user_have_their_own(
    owner: Any, supported: Any, other_customer: Any, make_product: Any
) -> None:
    other = make_product("Another")
    offer_support(other, included_requests=2)
    grant(owner, other)
    grant(other_customer, supported)
    open_request(owner, supported)
    assert left(owner, other) == (2, 0, False)
    assert left(other_customer, supported) == (2, 0, False)


def test_a_window_counts_from_the_first_grant(
    owner: Any, product: Any, owned_for: Callable[..., None]
) -> None:
    offer_support(product, "window", included_days=30)
    balance = support_allowance(owner, product)
    assert balance.is_unlimited
    assert balance.until is not None
    assert timedelta(days=29) < balance.until - timezone.now() <= timedelta(days=30)
    owned_for(owner, product, days=31)
    assert left(owner, product) == (0, 0, False)


def test_a_second_purchase_renews_no_window(
    owner: Any, product: Any, owned_for: Callable[..., None]
) -> None:
    offer_support(product, "window", included_days=30)
    owned_for(owner, product, days=31)
    access.revoke_product(owner, product, source=Source("test"), reason="refund")
    grant(owner, product, source=Source("payment", "again"))
    assert left(owner, product) == (0, 0, False)


def test_a_second_purchase_does_not_reset_what_was_used(owner: Any, supported: Any) -> None:
    open_request(owner, supported)
    access.revoke_product(owner, supported, source=Source("test"), reason="refund")
    grant(owner, supported, source=Source("payment", "again"))
    assert left(owner, supported) == (1, 0, False)


def test_unlimited_support_stays(owner: Any, product: Any) -> None:
    offer_support(product, "unlimited")
    open_request(owner, product)
    balance = support_allowance(owner, product)
    assert (balance.is_unlimited, balance.until) == (True, None)


def test_a_gift_brings_the_support_of_its_day(other_customer: Any, supported: Any) -> None:
    grant(other_customer, supported, source=Source("gift", "birthday"))
    flows.save_terms(supported, included="none")
    assert left(other_customer, supported) == (2, 0, False)


# --- granted by a person ----------------------------------------------------------------------


def test_a_seller_grants_more(owner: Any, product: Any, seller: Any) -> None:
    allowance = flows.grant_allowance(
        owner, product, requests=2, actor=seller, reason="a bug of ours"
    )
    assert allowance is not None
    assert (allowance.source_kind, allowance.actor) == ("manual", seller)
    assert left(owner, product) == (0, 2, False)


def test_an_unlimited_allowance_lasts_until_it_ends(owner: Any, product: Any) -> None:
    until = timezone.now() + timedelta(days=7)
    give_allowance(owner, product, None, expires_at=until)
    balance = support_allowance(owner, product)
    assert (balance.is_unlimited, balance.until) == (True, until)


def test_an_allowance_without_an_end_outlasts_the_window(owner: Any, product: Any) -> None:
    offer_support(product, "window", included_days=30)
    give_allowance(owner, product, None)
    balance = support_allowance(owner, product)
    assert (balance.is_unlimited, balance.until) == (True, None)


def test_an_allowance_past_its_end_is_gone(
    owner: Any, product: Any, age: Callable[..., None]
) -> None:
    allowance = give_allowance(owner, product, expires_at=timezone.now() + timedelta(days=1))
    age(allowance, days=2)
    assert left(owner, product) == (0, 0, False)


def test_without_a_reason_nothing_is_granted(owner: Any, product: Any) -> None:
    with pytest.raises(InvalidSupport) as stopped:
        flows.grant_allowance(owner, product, requests=1, reason=" ")
    assert stopped.value.message_dict == {"reason": ["Say why."]}
    assert left(owner, product) == (0, 0, False)


def test_an_end_in_the_past_is_refused(owner: Any, product: Any) -> None:
    with pytest.raises(InvalidSupport) as stopped:
        give_allowance(owner, product, expires_at=timezone.now())
    assert stopped.value.message_dict == {"expires_at": ["Choose a time to come, or none."]}


def test_an_allowance_of_nothing_is_refused(owner: Any, product: Any) -> None:
    with pytest.raises(InvalidSupport):
        give_allowance(owner, product, 0)


def test_who_owns_nothing_is_granted_nothing(customer: Any, product: Any) -> None:
    with pytest.raises(NoSupport) as stopped:
        give_allowance(customer, product)
    assert stopped.value.code == "no_purchase"
    assert str(stopped.value) == (
        f"{customer} does not own “A book”, and support is for owners: grant it first."
    )
    assert not get_support_allowance_model().objects.exists()


def test_who_lost_it_is_granted_nothing(owner: Any, product: Any) -> None:
    revoke(owner, product)
    with pytest.raises(NoSupport) as stopped:
        give_allowance(owner, product)
    assert stopped.value.code == "access_lost"
    assert str(stopped.value) == (
        f"{owner} does not have “A book” any more, and support is for owners: restore the access "
        f"first."
    )


@pytest.mark.parametrize("who", ["other_seller", "owner", "staff"])
def test_nobody_else_grants_or_ends(
    owner: Any, product: Any, who: str, request: pytest.FixtureRequest
) -> None:
    actor = request.getfixturevalue(who)
    allowance = give_allowance(owner, product)
    for attempt in (
        lambda: give_allowance(owner, product, actor=actor),
        lambda: flows.end_allowance(allowance, actor=actor, reason="mine"),
    ):
        with pytest.raises(NotYourRequest) as stopped:
            attempt()
        assert str(stopped.value) == (
            "The support of “A book” belongs to somebody else: its seller and staff set it."
        )
    assert left(owner, product) == (0, 1, False)


# --- order, and end ---------------------------------------------------------------------------


def test_what_is_included_is_used_before_what_was_bought(owner: Any, supported: Any) -> None:
    bought = give_allowance(owner, supported)
    allowances = [open_request(owner, supported).allowance for _ in range(3)]
    assert allowances == [None, None, bought]


def test_what_ends_first_is_used_first_and_then_the_oldest(owner: Any, product: Any) -> None:
    now = timezone.now()
    oldest = give_allowance(owner, product)
    later = give_allowance(owner, product)
    soon = give_allowance(owner, product, expires_at=now + timedelta(days=1))
    used = [open_request(owner, product).allowance for _ in range(3)]
    assert used == [soon, oldest, later]


def test_ending_takes_what_is_unused_and_leaves_what_was_used(owner: Any, product: Any) -> None:
    allowance = give_allowance(owner, product, 3)
    request = open_request(owner, product)
    ended = flows.end_allowance(allowance, reason="given by mistake")
    assert ended.ended_at is not None
    assert ended.ended_reason == "given by mistake"
    assert left(owner, product) == (0, 0, False)
    request.refresh_from_db()
    assert request.allowance == allowance


def test_ending_twice_is_ending_once(owner: Any, product: Any) -> None:
    allowance = give_allowance(owner, product)
    first = flows.end_allowance(allowance, reason="one")
    second = flows.end_allowance(allowance, reason="two")
    assert (second.ended_at, second.ended_reason) == (first.ended_at, "one")


def test_ending_needs_a_reason(owner: Any, product: Any) -> None:
    allowance = give_allowance(owner, product)
    with pytest.raises(InvalidSupport) as stopped:
        flows.end_allowance(allowance, reason="")
    assert stopped.value.message_dict == {"reason": ["Say why."]}


def test_one_source_gives_once(owner: Any, product: Any) -> None:
    source = Source("gift", "1")
    first = give_allowance(owner, product, 3, source=source)
    assert give_allowance(owner, product, 3, source=source) == first
    assert left(owner, product) == (0, 3, False)


def test_a_source_that_comes_back_gives_what_was_not_used(owner: Any, product: Any) -> None:
    source = Source("payment", "1")
    give_allowance(owner, product, 3, source=source)
    open_request(owner, product)
    flows.end_source(owner, product, source=source, reason="dispute")
    again = give_allowance(owner, product, 3, source=source)
    assert again.requests == 2
    assert left(owner, product) == (0, 2, False)


def test_a_source_that_was_used_up_gives_nothing_again(owner: Any, product: Any) -> None:
    source = Source("payment", "1")
    give_allowance(owner, product, 1, source=source)
    open_request(owner, product)
    assert flows.end_source(owner, product, source=source, reason="dispute") == 1
    assert give_allowance(owner, product, 1, source=source) is None
    assert left(owner, product) == (0, 0, False)
