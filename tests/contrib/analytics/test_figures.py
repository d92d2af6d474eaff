"""What the figures say, from the facts and from the rollup alike."""

from __future__ import annotations

import pytest

from django_digitalstore.contrib.analytics import figures, flows
from django_digitalstore.contrib.analytics.figures import Range, Scope
from django_digitalstore.payments.testing import paid_order, refund

pytestmark = pytest.mark.django_db


def today() -> Range:
    return Range.latest(1)


def test_a_sale_and_its_refund_are_told_of_the_seller(customer, seller, other_seller, make_product):
    book = make_product("Book", seller=seller)
    other = make_product("Other", seller=other_seller, price=1000)
    order = paid_order(customer, book, other)
    for _round in range(2):
        mine = figures.totals(Scope(currency="EUR", seller=seller), today())
        all_ = figures.totals(Scope(currency="EUR"), today())
        assert (mine.orders, mine.units, mine.gross, mine.net) == (1, 1, 1999, 1999)
        assert (all_.orders, all_.units, all_.gross) == (1, 2, 2999)
        flows.roll_up()
    refund(order, amount=1500)
    mine = figures.totals(Scope(currency="EUR", seller=seller), today())
    all_ = figures.totals(Scope(currency="EUR"), today())
    assert all_.refunded == 1500
    assert mine.refunded == 999
    flows.roll_up()
    assert list(flows.find_differences()) == []
    assert figures.totals(Scope(currency="EUR"), today()) == all_
    assert [p.title for p in figures.top_products(Scope(currency="EUR"), today())] == [
        "Book",
        "Other",
    ]
    assert figures.by_country(Scope(currency="EUR"), today())[0].country == "DE"
    assert figures.currencies(Scope(currency=""), today()) == ["EUR"]
