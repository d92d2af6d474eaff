"""What hosts test with does what it says."""

from __future__ import annotations

from typing import Any

import pytest

from django_digitalstore.entitlements.testing import customer_who_owns, make_product
from django_digitalstore.support.policies import support_allowance
from django_digitalstore.support.testing import (
    give_allowance,
    offer_support,
    open_request,
    paid_support,
)

pytestmark = pytest.mark.django_db


def test_a_product_with_support_and_who_uses_it() -> None:
    book = make_product()
    terms = offer_support(book, pack_price=900, pack_size=2)
    assert (terms.included, terms.included_requests) == ("requests", 3)
    ada = customer_who_owns(book)
    request = open_request(ada, book)
    assert (request.user, request.product, request.state) == (ada, book, "open")
    assert give_allowance(ada, book).requests == 1
    assert paid_support(ada, book).status == "paid"
    balance = support_allowance(ada, book)
    assert (balance.included_left, balance.bought_left) == (2, 3)


@pytest.mark.parametrize(
    ("included", "terms"),
    [("none", {}), ("unlimited", {}), ("window", {"included_days": 7})],
)
def test_other_terms_need_no_number_of_requests(included: str, terms: dict[str, Any]) -> None:
    offered = offer_support(make_product(), included, **terms)
    assert (offered.included, offered.included_requests) == (included, None)
