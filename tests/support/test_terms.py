"""Terms: what a seller promises holds for those who bought under it, and for nobody before."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from django_digitalstore.core import guard
from django_digitalstore.entitlements.testing import grant, revoke
from django_digitalstore.support import flows, get_support_terms_model, policies
from django_digitalstore.support.exceptions import InvalidSupport, NotYourRequest
from django_digitalstore.support.testing import offer_support

pytestmark = pytest.mark.django_db

HOW_MANY = "Say how many requests are included: at least one."
BOTH = "A pack has a price and a number of requests: fill in both, or none."


def test_a_product_without_terms_has_no_support(product: Any) -> None:
    assert policies.terms_in_force(product) is None
    assert policies.pack_offer(product) is None


def test_a_seller_sets_the_terms_of_their_own_product(product: Any, seller: Any) -> None:
    terms = flows.save_terms(
        product,
        included="requests",
        included_requests=2,
        pack_price=900,
        pack_size=3,
        response_hours=24,
        actor=seller,
    )
    assert policies.terms_in_force(product) == terms
    assert terms.actor == seller
    offer = policies.pack_offer(product)
    assert offer is not None
    assert (offer.size, offer.price, offer.currency) == (3, 900, "EUR")
    assert str(offer) == "3 requests cost €9.00."


@pytest.mark.parametrize("who", ["other_seller", "customer", "staff"])
def test_nobody_else_sets_them(product: Any, who: str, request: pytest.FixtureRequest) -> None:
    with pytest.raises(NotYourRequest) as stopped:
        flows.save_terms(product, included="unlimited", actor=request.getfixturevalue(who))
    assert str(stopped.value) == (
        "The support of “A book” belongs to somebody else: its seller and staff set it."
    )
    assert policies.terms_in_force(product) is None


def test_staff_with_the_permission_set_them(product: Any, superuser: Any) -> None:
    flows.save_terms(product, included="unlimited", actor=superuser)
    assert policies.terms_in_force(product) is not None


def test_terms_that_change_nothing_write_nothing(product: Any) -> None:
    first = offer_support(product, included_requests=2)
    assert offer_support(product, included_requests=2) == first
    assert get_support_terms_model().objects.count() == 1


def test_terms_that_change_are_a_new_row(product: Any) -> None:
    first = offer_support(product, included_requests=2)
    second = offer_support(product, included_requests=1)
    assert first != second
    assert policies.terms_in_force(product) == second
    first.refresh_from_db()
    assert first.included_requests == 2


def test_what_belongs_to_other_terms_is_left_out(product: Any) -> None:
    terms = flows.save_terms(product, included="window", included_days=30, included_requests=5)
    assert (terms.included_days, terms.included_requests) == (30, None)


@pytest.mark.parametrize(
    ("values", "constraint", "field", "said"),
    [
        ({"included": "requests"}, "included_is_whole", "included_requests", HOW_MANY),
        (
            {"included": "requests", "included_requests": 0},
            "included_is_whole",
            "included_requests",
            HOW_MANY,
        ),
        (
            {"included": "window"},
            "included_is_whole",
            "included_days",
            "Say for how many days: at least one.",
        ),
        (
            {"included": "unlimited", "most_open": None},
            "unlimited_has_a_cap",
            "most_open",
            "Unlimited support needs a limit of open requests at once.",
        ),
        (
            {"most_open": 0},
            "cap_lets_one_in",
            "most_open",
            "At least one request must be possible.",
        ),
        ({"pack_price": 900}, "pack_is_whole", "pack_size", BOTH),
        ({"pack_size": 3}, "pack_is_whole", "pack_price", BOTH),
        (
            {"pack_price": 0, "pack_size": 3},
            "pack_is_whole",
            "pack_price",
            "A pack costs something: what is free belongs to what is included.",
        ),
        (
            {"pack_price": 900, "pack_size": 0},
            "pack_is_whole",
            "pack_size",
            "A pack has at least one request.",
        ),
    ],
)
def test_terms_that_are_not_whole_are_refused_by_flow_and_database(
    product: Any, values: dict[str, Any], constraint: str, field: str, said: str
) -> None:
    with pytest.raises(InvalidSupport) as stopped:
        flows.save_terms(product, **values)
    assert stopped.value.message_dict == {field: [said]}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        guard.insert(get_support_terms_model()(product=product, saved_at=timezone.now(), **values))
    assert policies.terms_in_force(product) is None


def test_an_unknown_kind_of_terms_is_refused(product: Any) -> None:
    with pytest.raises(InvalidSupport) as stopped:
        flows.save_terms(product, included="sometimes")
    assert stopped.value.message_dict["included"] == ["Value 'sometimes' is not a valid choice."]


# --- whose terms ------------------------------------------------------------------------------


def test_a_buyer_keeps_the_terms_of_the_day(customer: Any, product: Any) -> None:
    old = offer_support(product, included_requests=5)
    grant(customer, product)
    new = flows.save_terms(product, included="none")
    assert policies.terms_of(customer, product) == old
    assert policies.terms_in_force(product) == new


def test_a_later_buyer_gets_the_new_terms(customer: Any, product: Any) -> None:
    offer_support(product, included_requests=5)
    new = offer_support(product, included_requests=1)
    grant(customer, product)
    assert policies.terms_of(customer, product) == new


def test_who_bought_before_there_was_support_has_the_first_terms(
    customer: Any, product: Any
) -> None:
    grant(customer, product)
    first = offer_support(product, included_requests=5)
    offer_support(product, included_requests=1)
    assert policies.terms_of(customer, product) == first


def test_a_second_purchase_keeps_the_terms_of_the_first(customer: Any, product: Any) -> None:
    first = offer_support(product, included_requests=1)
    grant(customer, product)
    revoke(customer, product)
    offer_support(product, included_requests=9)
    from django_digitalstore.entitlements import flows as access

    access.restore_product(customer, product, reason="bought again")
    assert policies.terms_of(customer, product) == first
