"""Access under concurrency: whatever comes together, the row is what the ledger says."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core import guard
from django_digitalstore.entitlements import flows, get_grant_model, get_purchased_product_model
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.sources import Source

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("shared_database"),
    pytest.mark.needs("entitlements"),
]


@pytest.fixture
def ada(shared_database: None, make_user: Callable[..., Any]) -> Any:
    return make_user("ada")


@pytest.fixture
def books(shared_database: None, make_product: Callable[..., Any]) -> list[Any]:
    return [make_product(f"Book {number}", released=False) for number in range(3)]


def rows() -> dict[tuple[Any, Any], Any]:
    """Return the rows that are there: (user, product) → until."""
    model = get_purchased_product_model()
    return {(row.user_id, row.product_id): row.expires_at for row in model.objects.live()}


def rows_by_the_ledger() -> dict[tuple[Any, Any], Any]:
    """Return the rows that should be there, worked out from the standing grants alone."""
    standing: dict[tuple[Any, Any], list[Any]] = {}
    for grant in get_grant_model().objects.standing():
        standing.setdefault((grant.user_id, grant.product_id), []).append(grant)
    return {
        pair: None
        if any(grant.expires_at is None for grant in grants)
        else max(grant.expires_at for grant in grants)
        for pair, grants in standing.items()
        if all(grant.effect == "allow" for grant in grants)
    }


def in_a_callers_transaction(function: Callable[[], Any]) -> Any:
    with transaction.atomic():
        return function()


def directly(function: Callable[[], Any]) -> Any:
    return function()


CALLERS = {"directly": directly, "inside a caller's transaction": in_a_callers_transaction}


@pytest.fixture(params=CALLERS)
def called(request: pytest.FixtureRequest) -> Callable[[Callable[[], Any]], Any]:
    return CALLERS[request.param]


def test_one_source_granted_twenty_times_at_once_is_one_grant(ada, books, at_once, called) -> None:
    answers = at_once(
        *[
            partial(called, partial(flows.grant_product, ada, books[0], source=Source("gift", "1")))
            for _ in range(20)
        ]
    )

    assert {type(answer) for answer in answers} == {get_purchased_product_model()}
    assert len({answer.pk for answer in answers}) == 1
    assert get_grant_model().objects.count() == 1
    assert rows() == rows_by_the_ledger() == {(ada.pk, books[0].pk): None}


@pytest.mark.parametrize("seed", range(4))
def test_twenty_grants_and_revokes_of_several_sources_end_in_the_right_row(
    ada, books, at_once, called, seed
) -> None:
    choose = random.Random(seed)
    sources = [Source("payment", str(number)) for number in range(3)] + [Source("gift")]
    until = [None, timezone.now() + timedelta(days=5), timezone.now() + timedelta(days=30)]
    for source in sources[:2]:
        flows.grant_product(ada, books[0], source=source)
    works: list[Callable[[], Any]] = []
    for number in range(20):
        source = choose.choice(sources)
        if number % 2:
            work = partial(
                flows.grant_product, ada, books[0], source=source, expires_at=choose.choice(until)
            )
        else:
            work = partial(flows.revoke_product, ada, books[0], source=source, reason="a refund")
        works.append(partial(called, work))

    answers = at_once(*works)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert rows() == rows_by_the_ledger()
    one_standing_grant_for_each_source()


def one_standing_grant_for_each_source() -> None:
    standing = list(
        get_grant_model()
        .objects.standing()
        .values_list("user", "product", "source_kind", "source_reference", "effect")
    )
    assert len(standing) == len(set(standing))


def test_persons_who_revoke_and_restore_beside_payments_end_in_the_right_row(
    ada, books, at_once, called
) -> None:
    flows.grant_product(ada, books[0], source=Source("payment", "0"))
    works: list[Callable[[], Any]] = []
    for number in range(5):
        works += [
            partial(flows.grant_product, ada, books[0], source=Source("payment", str(number))),
            partial(
                flows.revoke_product,
                ada,
                books[0],
                source=Source("payment", str(number)),
                reason="a refund",
            ),
            partial(flows.revoke_product, ada, books[0], reason="fraud"),
            partial(flows.restore_product, ada, books[0], reason="no fraud"),
        ]

    answers = at_once(*[partial(called, work) for work in works])

    errors = [answer for answer in answers if isinstance(answer, Exception)]
    assert {type(error) for error in errors} <= {AccessWithheld}
    assert rows() == rows_by_the_ledger()
    one_standing_grant_for_each_source()


def test_flows_over_several_products_in_any_order_do_not_wait_for_each_other_for_ever(
    ada, books, at_once
) -> None:
    def buy_all(order: list[Any], number: int) -> None:
        with transaction.atomic():
            flows.lock_access((ada, book) for book in order)
            for book in order:
                flows.grant_product(ada, book, source=Source("bundle", str(number)))

    def refund_all(order: list[Any], number: int) -> None:
        with transaction.atomic():
            flows.lock_access((ada, book) for book in order)
            for book in order:
                flows.revoke_product(
                    ada, book, source=Source("bundle", str(number)), reason="a refund"
                )

    works = []
    for number in range(10):
        order = books if number % 2 else books[::-1]
        works += [partial(buy_all, order, number), partial(refund_all, order[::-1], number)]

    assert at_once(*works) == [None] * 20
    assert rows() == rows_by_the_ledger()


def test_two_users_and_two_products_do_not_disturb_each_other(books, at_once, make_user) -> None:
    people = [make_user(f"buyer-{number}") for number in range(5)]
    works = [
        partial(flows.grant_product, person, book, source=Source("gift"))
        for person in people
        for book in books
    ]

    answers = at_once(*works)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert rows() == {(person.pk, book.pk): None for person in people for book in books}


def test_the_lifetime_order_refunded_beside_a_gift_of_thirty_days_leaves_thirty_days(
    ada, books, at_once
) -> None:
    book, order = books[0], Source("payment", "order/1")
    end = timezone.now() + timedelta(days=30)
    flows.grant_product(ada, book, source=order)

    answers = at_once(
        partial(flows.revoke_product, ada, book, source=order, reason="a refund"),
        partial(flows.grant_product, ada, book, source=Source("gift"), expires_at=end),
    )

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert rows() == {(ada.pk, book.pk): end}
    assert has_access(ada, book)


def test_bought_again_before_the_sweep_gets_a_new_row(ada, books, at_once) -> None:
    book = books[0]
    old = flows.grant_product(
        ada, book, source=Source("trial"), expires_at=timezone.now() + timedelta(days=1)
    )
    past = timezone.now() - timedelta(minutes=1)
    guard.update(old, expires_at=past)
    guard.update(get_grant_model().objects.all(), expires_at=past)
    assert not has_access(ada, book)

    answers = at_once(
        *[
            partial(flows.grant_product, ada, book, source=Source("payment", str(number)))
            for number in range(4)
        ],
        *[flows.clear_expired] * 4,
    )

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    new = get_purchased_product_model().objects.get()
    assert new.pk != old.pk
    assert rows() == rows_by_the_ledger() == {(ada.pk, book.pk): None}


def test_the_threads_use_the_database_of_the_test(ada, books, at_once) -> None:
    assert at_once(get_user_model().objects.count, get_product_model().objects.count) == [1, 3]
