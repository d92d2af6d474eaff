"""What the figures say, from the facts and from the rollup alike."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db.models import QuerySet

from django_digitalstore.contrib.analytics import books, figures, flows
from django_digitalstore.contrib.analytics.exceptions import CurrenciesDiffer
from django_digitalstore.contrib.analytics.figures import (
    Figures,
    Period,
    Point,
    Range,
    Scope,
)
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.entitlements import get_download_model
from django_digitalstore.entitlements.testing import grant
from django_digitalstore.payments import get_dispute_model, get_refund_model
from tests.contrib.analytics import sales
from tests.contrib.analytics.sales import local
from tests.plans import index_of, plan_of

pytestmark = pytest.mark.django_db

EUR = Scope(currency="EUR")
NOON = local("2026-05-10 12:00")
DAY = Range(date(2026, 5, 10), date(2026, 5, 10))
MAY = Range(date(2026, 5, 1), date(2026, 5, 31))


def of(seller: Any, **more: Any) -> Scope:
    return Scope(currency="EUR", seller=seller, **more)


def on(day: int, hour: int = 12) -> Any:
    return local(f"2026-05-{day:02} {hour:02}:00")


@pytest.fixture
def book(make_product, seller):
    return make_product("A book", seller=seller, released=False)


@pytest.fixture
def theme(make_product, other_seller):
    return make_product("A theme", seller=other_seller, released=False)


# --- sales --------------------------------------------------------------------------------------


def test_a_paid_order_counts_on_the_day_on_which_it_was_paid(customer, book, counted):
    order = sales.place(customer, (book, 1999), at=on(10))
    sales.pay(order, at=on(12))
    counted()
    assert [p for p in figures.series(EUR, MAY) if p.figures != Figures(currency="EUR")] == [
        Point(date(2026, 5, 10), Figures(currency="EUR", checkouts=1, paid_checkouts=1)),
        Point(date(2026, 5, 12), Figures(currency="EUR", orders=1, units=1, gross=1999)),
    ]


def test_an_order_that_nobody_paid_is_a_checkout_and_no_more(customer, book, counted):
    sales.place(customer, (book, 1999), at=NOON)
    counted()
    found = figures.totals(EUR, MAY)
    assert found == Figures(currency="EUR", checkouts=1)
    assert found.conversion == 0
    assert found.average_order == 0


def test_tax_is_no_revenue_whether_it_was_added_or_is_part_of_the_price(customer, book, counted):
    sales.sell(customer, (book, 1000), at=NOON, amount=1190, tax=190)
    sales.sell(customer, (book, 1190), at=NOON, amount=1190, tax=190)
    counted()
    assert figures.totals(EUR, MAY).gross == 2000


def test_a_discount_makes_revenue_smaller_and_is_spread_over_the_lines(
    customer, book, theme, seller, other_seller, counted
):
    sales.sell(customer, (book, 1000), (theme, 2000), at=NOON, amount=1000, discount=2000)
    counted()
    assert figures.totals(of(seller), MAY).gross == 333
    assert figures.totals(of(other_seller), MAY).gross == 667
    assert figures.totals(EUR, MAY).gross == 1000


def test_quantity_counts_as_units(customer, book, counted):
    sales.sell(customer, (book, 500, 3), at=NOON)
    counted()
    found = figures.totals(EUR, MAY)
    assert (found.orders, found.units, found.gross, found.average_order) == (1, 3, 1500, 1500)


def test_an_order_at_no_cost_is_an_order_without_revenue(customer, book, counted):
    sales.sell(customer, (book, 0), at=NOON)
    counted()
    assert figures.totals(EUR, MAY) == Figures(
        currency="EUR", orders=1, units=1, checkouts=1, paid_checkouts=1
    )


def test_a_gift_is_no_sale(customer, book, counted):
    grant(customer, book)
    counted()
    assert figures.totals(EUR, MAY) == Figures(currency="EUR")


def test_a_support_pack_counts_for_its_product(customer, book, seller, counted):
    sales.sell(customer, (book, 4900), at=NOON, kind="support")
    counted()
    assert figures.totals(of(seller), MAY).gross == 4900
    (best,) = figures.top_products(EUR, MAY)
    assert (best.product_key, best.title, best.figures.gross) == (str(book.pk), "A book", 4900)


def test_money_that_is_not_what_was_asked_does_not_count_nor_does_its_refund(
    customer, book, counted
):
    order = sales.place(customer, (book, 1999), at=NOON)
    wrong = sales.pay(order, at=NOON, amount=1, discrepancy="amount")
    counted()
    assert figures.totals(EUR, MAY) == Figures(currency="EUR", checkouts=1)
    sales.pay(order, at=NOON)
    sales.give_back(wrong, at=NOON, is_full=True)
    found = figures.totals(EUR, MAY)
    assert (found.orders, found.gross, found.refunded) == (1, 1999, 0)


def test_an_order_that_was_paid_twice_is_one_order_and_holds_both_until_one_goes_back(
    customer, book, counted
):
    first = sales.sell(customer, (book, 1999), at=NOON)
    sales.pay(first.order, at=NOON)
    counted()
    assert figures.totals(EUR, MAY).net == 3998
    sales.give_back(first, at=on(11), is_full=True)
    found = figures.totals(EUR, MAY)
    assert (found.orders, found.gross, found.refunded, found.net) == (1, 3998, 1999, 1999)


# --- money back ---------------------------------------------------------------------------------


def test_a_refund_counts_on_its_own_day_and_may_make_it_negative(customer, book, counted):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    sales.give_back(payment, at=on(20), is_full=True)
    counted()
    days = {p.start.day: p.figures for p in figures.series(EUR, MAY)}
    assert (days[10].gross, days[10].refunded) == (1999, 0)
    assert (days[20].orders, days[20].net) == (0, -1999)
    assert figures.totals(EUR, MAY).net == 0


def test_a_refund_by_line_takes_from_that_line(
    customer, book, theme, seller, other_seller, counted
):
    payment = sales.sell(customer, (book, 1000), (theme, 2000), at=NOON)
    sales.give_back(payment, at=on(11), amount=800, lines=[(2, 800)])
    counted()
    assert figures.totals(of(seller), MAY).refunded == 0
    assert figures.totals(of(other_seller), MAY).refunded == 800


def test_a_refund_of_an_amount_is_spread_and_full_ones_end_at_nothing(
    customer, book, theme, seller, other_seller, counted
):
    payment = sales.sell(customer, (book, 1000), (theme, 2000), at=NOON, amount=3333, tax=334)
    sales.give_back(payment, at=on(11), amount=100)
    sales.give_back(payment, at=on(12), amount=101)
    counted()
    assert figures.totals(of(seller), MAY).refunded == 59
    assert figures.totals(of(other_seller), MAY).refunded == 121
    sales.give_back(payment, at=on(13), is_full=True)
    for scope in (EUR, of(seller), of(other_seller)):
        assert figures.totals(scope, MAY).net == 0


def test_the_tax_of_a_line_goes_back_to_that_line_where_items_are_named_without_it(
    customer, book, theme, seller, other_seller, counted
):
    payment = sales.sell(customer, (book, 1000), (theme, 1000), at=NOON, amount=2380, tax=380)
    sales.give_back(payment, at=on(11), amount=1190, lines=[(1, 1000)])
    counted()
    assert figures.totals(of(seller), MAY).net == 0
    assert figures.totals(of(other_seller), MAY).net == 1000


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_refund_that_did_not_succeed_counts_nowhere(customer, book, counted, state):
    sales.give_back(sales.sell(customer, (book, 1999), at=NOON), at=NOON, is_full=True, state=state)
    counted()
    assert figures.totals(EUR, MAY).refunded == 0


@pytest.mark.parametrize(
    ("state", "refunded"),
    [
        ("opened", 0),
        ("challenged", 0),
        ("won", 0),
        ("cancelled", 0),
        ("expired", 0),
        ("lost", 1999),
        ("accepted", 1999),
    ],
)
def test_a_dispute_takes_all_that_is_left_once_it_is_lost(customer, book, counted, state, refunded):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    sales.dispute(payment, at=on(20), state=state)
    counted()
    days = {p.start.day: p.figures for p in figures.series(EUR, MAY)}
    assert days[20].refunded == refunded


def test_what_was_refunded_before_a_dispute_was_lost_is_not_taken_twice(customer, book, counted):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    sales.give_back(payment, at=on(11), amount=999)
    sales.dispute(payment, at=on(12))
    counted()
    assert figures.totals(EUR, MAY).net == 0


def test_a_dispute_that_was_lost_before_a_refund_takes_all_and_leaves_nothing_to_it(
    customer, book, counted
):
    payment = sales.sell(customer, (book, 1999), at=NOON)
    sales.give_back(payment, at=on(12), amount=999)
    sales.dispute(payment, at=on(11))
    counted()
    days = {p.start.day: p.figures.refunded for p in figures.series(EUR, MAY)}
    assert (days[11], days[12]) == (1999, 0)


def test_a_payment_of_an_order_that_lost_its_lines_is_left_out(customer, book, counted):
    order = sales.place(customer, (book, 1999), at=NOON)
    sales.pay(order, at=NOON)
    QuerySet._raw_delete(order.lines.all(), using=order._state.db)
    sales.sell(customer, (book, 500), at=NOON)
    counted()
    assert figures.totals(EUR, MAY) == Figures(
        currency="EUR", orders=1, units=1, gross=500, checkouts=1, paid_checkouts=1
    )


# --- currencies ---------------------------------------------------------------------------------


def test_two_currencies_are_never_added(customer, book, counted):
    sales.sell(customer, (book, 1999), at=NOON)
    sales.sell(customer, (book, 2500), at=NOON, order_currency="USD")
    sales.sell(customer, (book, 2500), at=NOON, order_currency="USD")
    counted()
    assert figures.currencies(EUR, MAY) == ["USD", "EUR"]
    assert figures.totals(EUR, MAY).gross == 1999
    assert figures.totals(Scope(currency="USD"), MAY).gross == 5000
    with pytest.raises(CurrenciesDiffer) as caught:
        figures.totals(EUR, MAY) + figures.totals(Scope(currency="USD"), MAY)
    assert str(caught.value) == (
        "Figures in EUR and USD cannot be added – show each currency for itself: "
        "figures.currencies(scope, range) names them."
    )


def test_an_order_that_changed_is_not_counted_twice_for_the_first_currency(customer, book):
    for _order in range(3):
        sales.sell(customer, (book, 1999), at=on(10))
    for _order in range(2):
        payment = sales.sell(customer, (book, 2500), at=on(11), order_currency="USD")
    flows.roll_up()
    sales.let_time_pass()
    sales.touch(payment)
    assert figures.currencies(EUR, MAY) == ["EUR", "USD"]


def test_a_converted_payment_counts_as_what_it_was_settled_for(customer, book, counted):
    payment = sales.sell(
        customer,
        (book, 2000),
        at=NOON,
        amount=238_000,
        tax=38_000,
        currency="INR",
        settlement_amount=2142,
        settlement_currency="EUR",
    )
    counted()
    assert figures.totals(EUR, MAY).gross == 1800
    sales.give_back(payment, at=on(11), amount=119_000)
    assert figures.totals(EUR, MAY).refunded == 900
    assert figures.currencies(EUR, MAY) == ["EUR"]


def test_a_converted_payment_that_is_settled_elsewhere_counts_as_what_was_asked(
    customer, book, counted
):
    payment = sales.sell(customer, (book, 2000), at=NOON, amount=238_000, currency="INR")
    sales.give_back(payment, at=on(11), amount=500, currency="EUR")
    counted()
    assert figures.totals(EUR, MAY) == Figures(
        currency="EUR", orders=1, units=1, gross=2000, checkouts=1, paid_checkouts=1
    )


# --- whose, where, what -------------------------------------------------------------------------


def test_an_order_of_several_sellers_is_one_of_each_and_one_of_the_site(
    customer, book, theme, seller, other_seller, counted
):
    sales.sell(customer, (book, 1000), (theme, 2000), at=NOON)
    counted()
    mine, theirs, all_ = (
        figures.totals(scope, MAY) for scope in (of(seller), of(other_seller), EUR)
    )
    assert (mine.orders, mine.units, mine.gross) == (1, 1, 1000)
    assert (theirs.orders, theirs.units, theirs.gross) == (1, 1, 2000)
    assert (all_.orders, all_.units, all_.gross) == (1, 2, 3000)


def test_a_seller_never_sees_another_sellers_sales(
    customer, book, theme, seller, other_seller, counted
):
    sales.sell(customer, (theme, 2000), at=NOON)
    counted()
    nothing = Figures(currency="EUR")
    theirs = str(theme.pk)
    for scope in (
        of(seller),
        of(seller, country="DE"),
        of(seller, product_key=theirs),
        of(seller, product_key=theirs, country="DE"),
    ):
        assert figures.totals(scope, MAY) == nothing
        assert figures.top_products(scope, MAY) == []
        assert figures.by_country(scope, MAY) == []
        assert figures.currencies(scope, MAY) == []
        assert figures.downloads_per_release(scope, MAY) == []
        assert figures.support_load(scope, MAY) == []


def test_a_product_that_changes_hands_takes_its_history_with_it(
    customer, book, seller, other_seller, counted
):
    sales.sell(customer, (book, 1000), at=NOON)
    counted()
    book.seller = other_seller
    book.save()
    flows.roll_up()
    assert figures.totals(of(seller), MAY) == Figures(currency="EUR")
    assert figures.totals(of(other_seller), MAY).gross == 1000


def test_the_filters_hold_together(customer, book, theme, seller, counted):
    sales.sell(customer, (book, 1000), at=NOON, country="DE")
    sales.sell(customer, (book, 1000), at=NOON, country="FR")
    sales.sell(customer, (theme, 500), at=NOON, country="FR")
    sales.sell(customer, (theme, 500), at=NOON, country="")
    counted()
    key = str(book.pk)
    asked = {
        "FR": Scope(currency="EUR", country="FR"),
        "nowhere": Scope(currency="EUR", country=""),
        "book": Scope(currency="EUR", product_key=key),
        "book in FR": Scope(currency="EUR", product_key=key, country="FR"),
        "mine in FR": of(seller, country="FR"),
        "no product": Scope(currency="EUR", product_key="no key at all"),
    }
    assert {name: figures.totals(scope, MAY).gross for name, scope in asked.items()} == {
        "FR": 1500,
        "nowhere": 500,
        "book": 2000,
        "book in FR": 1000,
        "mine in FR": 1000,
        "no product": 0,
    }
    assert [(c.country, c.figures.gross) for c in figures.by_country(EUR, MAY)] == [
        ("FR", 1500),
        ("DE", 1000),
        ("", 500),
    ]
    assert [(p.title, p.figures.gross) for p in figures.top_products(EUR, MAY, limit=1)] == [
        ("A book", 2000)
    ]


def test_downloads_count_by_release_for_the_seller_of_the_product(
    customer, other_customer, make_product, seller, other_seller
):
    mine = make_product("A book", seller=seller)
    theirs = make_product("A theme", seller=other_seller)
    downloads = get_download_model()._default_manager
    for product, version, outcome, at in (
        (mine, "1.0", "served", on(10)),
        (mine, "1.0", "served", on(31, hour=23)),
        (mine, "2.0", "served", on(12)),
        (mine, "2.0", "refused", on(12)),
        (mine, "2.0", "served", local("2026-06-01 00:00")),
        (theirs, "1.0", "served", on(12)),
    ):
        downloads.create(
            user=customer, product=product, file_name="f", version=version, outcome=outcome, at=at
        )
    found = figures.downloads_per_release(of(seller), MAY)
    assert [(row.title, row.version, row.downloads) for row in found] == [
        ("A book", "1.0", 2),
        ("A book", "2.0", 1),
    ]
    assert len(figures.downloads_per_release(EUR, MAY)) == 3
    assert len(figures.downloads_per_release(EUR, MAY, limit=1)) == 1
    only = Scope(currency="EUR", product_key=str(theirs.pk))
    assert [row.title for row in figures.downloads_per_release(only, MAY)] == ["A theme"]


def test_the_downloads_of_a_span_are_found_by_their_time():
    model = get_download_model()
    plan = plan_of(lambda: figures.downloads_per_release(EUR, MAY), model)
    assert index_of(model, "at") in plan


@pytest.mark.parametrize("get_model", [get_refund_model, get_dispute_model])
def test_what_went_back_in_a_span_is_found_by_its_time(get_model):
    model = get_model()
    plan = plan_of(lambda: books.order_keys_of_days(MAY), model)
    assert index_of(model, "state_at") in plan


@pytest.mark.needs("support")
def test_support_counts_for_the_seller_of_the_product(customer, make_product, seller, other_seller):
    from django_digitalstore.support import flows as support
    from django_digitalstore.support.testing import offer_support, open_request

    week = Range.latest(7)
    mine = make_product("A book", seller=seller)
    theirs = make_product("A theme", seller=other_seller)
    for product in (mine, theirs):
        grant(customer, product)
        offer_support(product)
    first = open_request(customer, mine)
    open_request(customer, mine)
    open_request(customer, theirs)
    support.resolve(first, actor=seller)
    (load,) = figures.support_load(of(seller), week)
    assert load == figures.SupportLoad(str(mine.pk), "A book", 2, 1, 1, 0)
    assert [row.title for row in figures.support_load(EUR, week)] == ["A book", "A theme"]
    only = Scope(currency="EUR", product_key=str(theirs.pk))
    assert [row.opened for row in figures.support_load(only, week)] == [1]
    (before,) = figures.support_load(of(seller), week.previous())
    assert (before.opened, before.resolved, before.waiting) == (0, 0, 1)


# --- periods ------------------------------------------------------------------------------------


def test_weeks_begin_on_monday_and_months_on_their_first_day(customer, book, counted):
    sales.sell(customer, (book, 100), at=local("2026-05-03 12:00"))  # a Sunday
    sales.sell(customer, (book, 200), at=local("2026-05-04 12:00"))
    sales.sell(customer, (book, 400), at=local("2026-06-01 12:00"))
    counted()
    span = Range(date(2026, 5, 2), date(2026, 6, 2))
    weeks = figures.series(EUR, span, Period.WEEK)
    assert [(w.start.isoformat(), w.figures.gross) for w in weeks] == [
        ("2026-04-27", 100),
        ("2026-05-04", 200),
        ("2026-05-11", 0),
        ("2026-05-18", 0),
        ("2026-05-25", 0),
        ("2026-06-01", 400),
    ]
    months = figures.series(EUR, span, Period.MONTH)
    assert [(m.start.isoformat(), m.figures.gross) for m in months] == [
        ("2026-05-01", 300),
        ("2026-06-01", 400),
    ]


def test_a_range_has_one_of_the_same_length_before_it():
    assert MAY.previous() == Range(date(2026, 3, 31), date(2026, 4, 30))
    assert len(MAY.previous()) == len(MAY) == 31
    with pytest.raises(ValueError) as caught:
        Range(MAY.last, MAY.first)
    assert str(caught.value) == (
        "Range(2026-05-31, 2026-05-01) ends before it begins – write Range(2026-05-01, 2026-05-31)."
    )


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        ("Europe/Berlin", "2026-03-28 23:30", "2026-03-28"),
        ("Europe/Berlin", "2026-03-29 00:30", "2026-03-29"),
        ("Europe/Berlin", "2026-03-29 23:30", "2026-03-29"),
        ("Europe/Berlin", "2026-03-30 00:30", "2026-03-30"),
        ("Europe/Berlin", "2026-10-24 23:30", "2026-10-24"),
        ("Europe/Berlin", "2026-10-25 00:30", "2026-10-25"),
        ("Europe/Berlin", "2026-10-25 23:30", "2026-10-25"),
        ("Europe/Berlin", "2026-10-26 00:30", "2026-10-26"),
        ("America/New_York", "2026-03-08 00:30", "2026-03-08"),
        ("America/New_York", "2026-03-08 23:30", "2026-03-08"),
        ("America/New_York", "2026-11-01 00:30", "2026-11-01"),
        ("America/New_York", "2026-11-01 23:30", "2026-11-01"),
    ],
)
def test_a_day_is_one_of_the_sites_time_zone_also_when_clocks_change(
    customer, book, counted, settings, zone, at, day
):
    settings.TIME_ZONE = zone
    sales.give_back(sales.sell(customer, (book, 1999), at=local(at)), at=local(at), amount=500)
    counted()
    here = date.fromisoformat(day)
    span = Range(here.replace(day=1), here).previous()
    around = Range(span.first, date(2026, 12, 1))
    found = {p.start: p.figures for p in figures.series(EUR, around) if p.figures.orders}
    assert list(found) == [here]
    assert found[here].refunded == 500
    assert figures.totals(EUR, Range(here, here)).net == 1499


# --- freshness and cost -------------------------------------------------------------------------


def test_what_changed_since_the_rollup_is_counted_by_the_reader(customer, book, theme, seller):
    payment = sales.sell(customer, (book, 1000), at=NOON)
    sales.sell(customer, (theme, 2000), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    sales.give_back(payment, at=on(11), amount=400)
    sales.sell(customer, (book, 1000), (theme, 500), at=on(11))
    found = figures.totals(of(seller), MAY)
    assert (found.orders, found.gross, found.refunded) == (2, 2000, 400)
    assert figures.totals(EUR, MAY).gross == 4500
    assert [(p.title, p.figures.net) for p in figures.top_products(EUR, MAY)] == [
        ("A theme", 2500),
        ("A book", 1600),
    ]
    assert figures.by_country(EUR, MAY)[0].figures.net == 4100


def test_an_old_order_that_is_refunded_now_does_not_bring_all_between(customer, book):
    old = sales.sell(customer, (book, 1000), at=on(2))
    sales.sell(customer, (book, 1000), at=on(15))
    sales.give_back(old, at=on(30))
    days = {on(2).date(), on(30).date()}
    assert list(books.order_keys_of_days(days)) == [old.order_id]


def test_another_time_zone_makes_other_days_before_and_after_the_rollup(customer, book, settings):
    sales.sell(customer, (book, 1999), at=local("2026-05-10 23:30"))
    flows.roll_up()
    sales.let_time_pass()
    settings.TIME_ZONE = "Asia/Tokyo"
    for _round in range(2):
        days = [p.start.day for p in figures.series(EUR, MAY) if p.figures.orders]
        assert days == [11]
        flows.roll_up()
    assert list(flows.find_differences()) == []


@pytest.mark.parametrize("number", [1, 10, 100])
def test_figures_of_a_rollup_take_as_few_queries_for_a_hundred_orders(
    customer, book, theme, seller, number
):
    for _order in range(number):
        sales.sell(customer, (book, 1000), (theme, 2000), at=NOON)
    flows.roll_up()
    sales.let_time_pass()
    product = str(book.pk)
    for scope in (of(seller), of(seller, country="DE"), EUR, of(seller, product_key=product)):
        with assert_query_budget(2):
            assert figures.totals(scope, MAY).orders == number
        with assert_query_budget(2):
            figures.series(scope, MAY, Period.WEEK)
        with assert_query_budget(2):
            figures.currencies(scope, MAY)
    with assert_query_budget(3):
        assert figures.top_products(of(seller), MAY)[0].figures.orders == number
    with assert_query_budget(2):
        assert figures.by_country(of(seller), MAY)[0].figures.orders == number


@pytest.mark.parametrize("number", [1, 100])
def test_what_is_counted_from_the_facts_takes_as_few_queries_for_a_hundred_orders(
    customer, book, seller, number
):
    for _order in range(number):
        sales.give_back(sales.sell(customer, (book, 1000), at=NOON), at=NOON, amount=100)
    scope = of(seller, country="DE", product_key=str(book.pk))
    with assert_query_budget(5):
        assert figures.totals(scope, MAY).refunded == 100 * number


def test_questions_of_one_moment_look_once_for_what_changed(customer, book, seller):
    sales.sell(customer, (book, 1000), at=NOON)
    flows.roll_up()
    sales.sell(customer, (book, 1000), at=NOON)
    with assert_query_budget(13), figures.at_one_moment():
        # State, what changed and its days: 4. Their orders: 5. Three rollups and the titles.
        assert figures.totals(of(seller), MAY).orders == 2
        assert figures.currencies(of(seller), MAY) == ["EUR"]
        assert figures.top_products(of(seller), MAY)[0].figures.orders == 2


def test_a_moment_ends_with_its_block(customer, book):
    flows.roll_up()
    with figures.at_one_moment():
        assert figures.totals(EUR, MAY).orders == 0
        sales.sell(customer, (book, 1000), at=NOON)
        assert figures.totals(EUR, MAY).orders == 0
    assert figures.totals(EUR, MAY).orders == 1
