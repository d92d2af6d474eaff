"""The pages of the figures: whose they are, what they show, and what they cost."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import time
from dataclasses import replace

import pytest
from asgiref.sync import async_to_sync
from django.core.cache import caches
from django.core.checks import Error
from django.core.management import call_command
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone, translation

import django_digitalstore
from django_digitalstore.contrib.analytics import reports
from django_digitalstore.contrib.analytics.checks import check_dashboards_are_cached
from django_digitalstore.contrib.analytics.days import day_of
from django_digitalstore.core import caching
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.payments import get_order_model
from django_digitalstore.payments.testing import paid_order, refund
from tests.contrib.analytics import sales
from tests.contrib.analytics.dashboard_urls import SalesDashboardView, SalesExportView

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.urls("tests.contrib.analytics.dashboard_urls"),
]

PAGE = "/figures/"
FILE = "/figures.csv"
NO_CACHE = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
#: Those by which a seller is known: session, user, and the permission that makes the role.
KNOWN = 4


@pytest.fixture(autouse=True)
def empty_cache(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "dashboard",
        }
    }
    caches["default"].clear()


def days_ago(days: int) -> dt.datetime:
    return timezone.now() - dt.timedelta(days=days)


def sold(customer, *products, on=None):
    """Return an order that was paid ``on`` some day, today where none is named."""
    order = paid_order(customer, *products)
    if on is not None:
        orders = get_order_model()._base_manager.filter(pk=order.pk)
        orders.update(placed_at=on, paid_at=on)
    return order


def text_of(response) -> str:
    """Return what stands on the page, as a person reads it."""
    shown = re.sub(r"<(svg|script)\b.*?</\1>", " ", response.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", shown))


def tiles_of(response) -> dict[str, tuple[str, str, str]]:
    return {
        tile.name: (tile.value, tile.change, tile.before)
        for tile in response.context["dashboard"].tiles
    }


def table_of(response) -> list[dict[str, str]]:
    text = response.getvalue().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


# --- whose figures --------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [PAGE, FILE])
def test_a_visitor_is_sent_to_log_in_and_a_customer_sent_away(client, client_of, customer, address):
    assert client.get(address).url == f"/accounts/login/?next={address}"
    assert client_of(customer).get(address).status_code == 403


def test_a_seller_sees_their_own_sales_and_nobody_elses(
    client_of, customer, seller, other_seller, make_product
):
    mine = make_product("Mine", seller=seller, price=1000)
    theirs = make_product("Theirs", seller=other_seller, price=9000)
    sold(customer, mine, theirs)
    page = client_of(seller).get(PAGE)
    assert tiles_of(page)["Net revenue"] == ("€10.00", "", "€0.00")
    assert "Theirs" not in text_of(page)
    assert "Theirs" not in client_of(seller).get(FILE, {"table": "products"}).getvalue().decode()


@pytest.mark.parametrize("address", [PAGE, FILE])
def test_a_product_of_another_seller_is_not_there(
    client_of, seller, other_seller, make_product, address
):
    theirs = make_product("Theirs", seller=other_seller)
    own = make_product("Mine", seller=seller)
    for key in (theirs.pk, "999999999999999999999999999", "no-key"):
        assert client_of(seller).get(address, {"product": key}).status_code == 404
    assert client_of(seller).get(address, {"product": "\x00"}).status_code == 400
    assert client_of(seller).get(address, {"product": own.pk}).status_code == 200


def test_what_one_seller_looked_at_is_not_shown_to_the_next(
    any_cache, client_of, customer, seller, other_seller, make_product
):
    sold(customer, make_product("Mine", seller=seller, price=1000))
    assert tiles_of(client_of(seller).get(PAGE))["Orders"][0] == "1"
    other = client_of(other_seller).get(PAGE)
    assert other.context["dashboard"].is_empty
    assert "Nothing was sold in these days" in text_of(other)


@pytest.mark.parametrize("address", ["/all-figures/", "/all-figures.csv"])
def test_the_whole_site_is_for_staff_who_may_view_the_figures(
    client, client_of, seller, staff, superuser, address
):
    assert client.get(address).url == f"/accounts/login/?next={address}"
    assert client_of(seller).get(address).status_code == 403
    assert client_of(staff).get(address).status_code == 403
    response = client_of(superuser).get(address)
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]


def test_staff_with_the_one_permission_see_all_sellers_together(
    client_of, customer, seller, other_seller, staff, make_product
):
    from django.contrib.auth.models import Permission

    staff.user_permissions.add(Permission.objects.get(codename="view_dailyfigures"))
    sold(
        customer,
        make_product("Mine", seller=seller, price=1000),
        make_product("Theirs", seller=other_seller, price=500),
    )
    page = client_of(staff).get("/all-figures/")
    assert tiles_of(page)["Net revenue"][0] == "€15.00"
    assert "Analytics of all sellers" in text_of(page)
    # A permission alone makes nobody staff.
    seller.user_permissions.add(Permission.objects.get(codename="view_dailyfigures"))
    assert client_of(seller).get("/all-figures/").status_code == 403


# --- what is shown --------------------------------------------------------------------------------


def test_the_numbers_are_compared_with_those_of_the_days_before(
    client_of, customer, other_customer, seller, make_product
):
    book = make_product("Book", seller=seller, price=1000)
    sold(customer, book, on=days_ago(10))
    sold(other_customer, book)
    sold(customer, make_product("Leaflet", seller=seller, price=250))
    page = client_of(seller).get(PAGE, {"range": "7"})
    assert tiles_of(page) == {
        "Net revenue": ("€12.50", "25%", "€10.00"),
        "Orders": ("2", "100%", "1"),
        "Units": ("2", "100%", "1"),
        "Average order": ("€6.25", "38%", "€10.00"),
        "Refunded": ("€0.00", "", "€0.00"),
        "Paid checkouts": ("100%", "", "100%"),
    }
    tones = {tile.name: (tile.trend, tile.tone) for tile in page.context["dashboard"].tiles}
    assert tones["Net revenue"] == ("up", "good")
    assert tones["Average order"] == ("down", "bad")
    assert tones["Refunded"] == ("same", "")


def test_more_refunds_are_no_good_news(client_of, customer, seller, make_product):
    order = sold(customer, make_product("Book", seller=seller, price=1000), on=days_ago(3))
    refund(order)
    page = client_of(seller).get(PAGE, {"range": "7"})
    refunded = next(t for t in page.context["dashboard"].tiles if t.name == "Refunded")
    assert (refunded.value, refunded.trend, refunded.tone) == ("€10.00", "up", "bad")
    revenue = page.context["dashboard"].charts[0]
    assert revenue.sums == ["Together", "€10.00", "€10.00", "€0.00", "€0.00"]
    assert revenue.rows[-1][1:] == ["€0.00", "€10.00", "-€10.00", "€0.00"]
    assert "ds-chart-bar--below" in revenue.svg


def test_behind_each_chart_stands_a_table_with_the_same_days(
    client_of, customer, seller, make_product
):
    sold(customer, make_product("Book", seller=seller, price=1000))
    page = client_of(seller).get(PAGE, {"range": "7"})
    html = page.content.decode()
    for chart in page.context["dashboard"].charts:
        assert len(chart.rows) == 7
        assert chart.svg.count('class="ds-chart-slot"') == 7
        assert f"<summary>{chart.title} as a table</summary>" in html
    assert html.count('role="img"') == 2


def test_a_page_has_no_style_and_no_script_of_its_own(client_of, customer, seller, make_product):
    sold(customer, make_product("<script>x</script>", seller=seller, price=1000))
    html = client_of(seller).get(PAGE).content.decode()
    assert not re.search(r"\sstyle=|<style|<script|\son[a-z]+=|javascript:", html)
    assert "&lt;script&gt;x&lt;/script&gt;" in html


def test_two_currencies_are_never_added(client_of, customer, other_customer, seller, make_product):
    sold(customer, make_product("Book", seller=seller, price=1000, currency="EUR"))
    sold(other_customer, make_product("Map", seller=seller, price=700, currency="USD"))
    sold(customer, make_product("Atlas", seller=seller, price=900, currency="USD"))
    page = client_of(seller).get(PAGE)
    assert tiles_of(page)["Net revenue"][0] == "$16.00"
    assert "Amounts are in USD, and no other currency is in them. Sold too in: EUR" in text_of(page)
    euros = client_of(seller).get(PAGE, {"currency": "EUR"})
    assert tiles_of(euros)["Net revenue"][0] == "€10.00"
    assert [row.name for row in euros.context["dashboard"].products] == ["Book"]
    rows = table_of(client_of(seller).get(FILE, {"table": "products", "currency": "EUR"}))
    assert [(row["title"], row["currency"], row["net"]) for row in rows] == [
        ("Book", "EUR", "10.00")
    ]


def test_a_product_and_a_country_can_be_kept_to(
    client_of, customer, other_customer, seller, make_product
):
    book = make_product("Book", seller=seller, price=1000)
    leaflet = make_product("Leaflet", seller=seller, price=200)
    sold(customer, book, leaflet)
    order = sold(other_customer, leaflet)
    get_order_model()._base_manager.filter(pk=order.pk).update(country="PT")
    asked = client_of(seller).get
    assert tiles_of(asked(PAGE))["Net revenue"][0] == "€14.00"
    assert tiles_of(asked(PAGE, {"product": leaflet.pk}))["Net revenue"][0] == "€4.00"
    portugal = asked(PAGE, {"country": "PT"})
    assert tiles_of(portugal)["Net revenue"][0] == "€2.00"
    assert [row.name for row in portugal.context["dashboard"].countries] == ["Portugal"]
    assert 'value="PT" selected' in portugal.content.decode()


def test_links_keep_what_was_chosen(client_of, customer, seller, make_product):
    book = make_product("Book", seller=seller, price=1000)
    sold(customer, book)
    board = client_of(seller).get(PAGE, {"range": "90", "period": "week"}).context["dashboard"]
    assert board.products[0].url == f"?range=90&period=week&currency=EUR&product={book.pk}"
    assert board.countries[0].url == "?range=90&period=week&currency=EUR&country=DE"
    assert board.export_of("periods") == (
        "/figures.csv?range=90&period=week&currency=EUR&table=periods"
    )


@pytest.mark.parametrize(
    ("asked", "first", "last", "before", "period"),
    [
        ({}, "2026-02-14", "2026-03-15", ("2026-01-15", "2026-02-13"), "day"),
        ({"range": "7"}, "2026-03-09", "2026-03-15", ("2026-03-02", "2026-03-08"), "day"),
        ({"range": "90"}, "2025-12-16", "2026-03-15", ("2025-09-17", "2025-12-15"), "day"),
        ({"range": "month"}, "2026-03-01", "2026-03-15", ("2026-02-01", "2026-02-15"), "day"),
        ({"range": "year"}, "2026-01-01", "2026-03-15", ("2025-01-01", "2025-03-15"), "day"),
        (
            {"first": "2024-02-29", "last": "2026-01-31"},
            "2024-02-29",
            "2026-01-31",
            ("2022-03-28", "2024-02-28"),
            "week",
        ),
        (
            {"range": "own", "first": "2023-06-01", "last": "2027-01-01"},
            "2023-06-01",
            "2026-03-15",
            ("2020-08-16", "2023-05-31"),
            "month",
        ),
    ],
)
def test_a_range_ends_today_and_has_something_before_it(asked, first, last, before, period):
    from django.http import QueryDict

    from django_digitalstore.contrib.analytics.forms import FiguresForm

    data = QueryDict(mutable=True)
    data.update(asked)

    form = FiguresForm(data, now=dt.datetime(2026, 3, 15, 12, tzinfo=dt.UTC))
    assert form.is_valid(), form.errors
    said = form.cleaned_data
    assert (str(said["range"].first), str(said["range"].last)) == (first, last)
    assert (str(said["before"].first), str(said["before"].last)) == before
    assert said["period"].value == period


def test_the_last_of_a_long_month_is_compared_with_all_of_a_short_one():
    from django.http import QueryDict

    from django_digitalstore.contrib.analytics.forms import FiguresForm

    form = FiguresForm(QueryDict("range=month"), now=dt.datetime(2026, 3, 31, 12, tzinfo=dt.UTC))
    assert form.is_valid()
    before = form.cleaned_data["before"]
    assert (str(before.first), str(before.last)) == ("2026-02-01", "2026-02-28")


@pytest.mark.parametrize(
    ("today", "asked", "now", "before"),
    [
        # Five weeks of days, whose days before are in six.
        (
            "2026-04-30",
            {"first": "2025-12-02", "last": "2026-01-01", "period": "week"},
            ["2025-12-01", "2025-12-08", "2025-12-15", "2025-12-22", "2025-12-29"],
            ["2025-11-01", "2025-11-07", "2025-11-14", "2025-11-21", "2025-11-28"],
        ),
        # A month is compared with the month before, and where there is none with as many days.
        (
            "2026-04-30",
            {"first": "2026-03-01", "last": "2026-04-28", "period": "month"},
            ["2026-03-01", "2026-04-01"],
            ["2026-01-01", "2026-02-01"],
        ),
        (
            "2026-04-30",
            {"first": "2026-03-01", "last": "2026-03-31", "period": "month"},
            ["2026-03-01"],
            ["2026-01-29"],
        ),
        # The last day is compared with two, after a day that there is every four years.
        (
            "2025-03-05",
            {"range": "year"},
            [str(dt.date(2025, 1, 1) + dt.timedelta(days=n)) for n in range(64)],
            [str(dt.date(2024, 1, 1) + dt.timedelta(days=n)) for n in range(64)],
        ),
        # There is no day to lay beside the last.
        (
            "2026-03-31",
            {"range": "month"},
            [f"2026-03-{day:02}" for day in range(1, 32)],
            [f"2026-02-{day:02}" for day in range(1, 29)],
        ),
    ],
)
def test_each_period_is_compared_with_as_much_and_nothing_is_in_the_sum_alone(
    customer, seller, make_product, today, asked, now, before
):
    from django.http import QueryDict

    from django_digitalstore.contrib.analytics.forms import FiguresForm
    from django_digitalstore.contrib.analytics.presentation import Dashboard

    book = make_product("Book", seller=seller, price=1000, released=False)
    data = QueryDict(mutable=True)
    data.update(asked)
    form = FiguresForm(data, now=sales.local(f"{today} 12:00"))
    assert form.is_valid(), form.errors
    said = form.cleaned_data
    for day in said["before"]:
        sales.sell(customer, (book, 1000), at=sales.local(f"{day} 12:00"))
    query = reports.Query(
        seller=seller, span=said["range"], before=said["before"], period=said["period"]
    )
    report = reports.count_report(query)
    assert [str(point.start) for point in report.points] == now
    assert [str(point.start) for point in report.points_before] == before
    assert report.totals_before.orders == len(said["before"])
    rows = Dashboard(query, report, {}).charts[1].rows
    assert sum(int(row[-1]) for row in rows if row[-1] != "–") == len(said["before"])


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"range": "ever"}, "Select a valid choice. ever is not one of the available choices."),
        ({"range": "own"}, "Write the first and the last day."),
        ({"first": "2026-01-01"}, "Write the first and the last day."),
        ({"first": "2026-01-02", "last": "2026-01-01"}, "The first day comes after the last."),
        ({"first": "0001-01-01", "last": "0001-01-31"}, "Choose days from 1970 on."),
        ({"first": "1969-12-31", "last": "1970-01-31"}, "Choose days from 1970 on."),
        ({"first": "2999-01-01", "last": "2999-01-02"}, "These days have yet to come."),
        ({"first": "yesterday", "last": "2026-01-02"}, "Enter a valid date."),
        (
            {"first": "2020-01-01", "last": "2026-01-01"},
            "Choose at most three years: 2193 days are more than 1098.",
        ),
        (
            {"first": "2024-01-01", "last": "2026-01-01", "period": "day"},
            "Choose weeks or months for more than a year.",
        ),
        ({"period": "hour"}, "Select a valid choice. hour is not one of the available choices."),
        ({"country": "QQ"}, "Choose a country."),
        ({"currency": "XXX"}, "Choose a currency."),
    ],
)
def test_what_cannot_be_shown_is_said(client_of, seller, asked, problem):
    page = client_of(seller).get(PAGE, asked)
    assert page.status_code == 400
    assert [text for texts in page.context["form"].errors.values() for text in texts] == [problem]
    assert problem in text_of(page)
    file = client_of(seller).get(FILE, asked)
    assert (file.status_code, file.content.decode()) == (400, problem)


def test_what_was_chosen_is_not_lost_with_a_wrong_day(client_of, seller):
    asked = {"range": "own", "first": "2026-01-02", "last": "2026-01-01", "country": "PT"}
    html = client_of(seller).get(PAGE, asked).content.decode()
    assert '<input type="hidden" name="country" value="PT"' in html


def test_a_reader_of_german_reads_german(client_of, customer, seller, make_product):
    sold(customer, make_product("Buch", seller=seller, price=123456))
    with translation.override("de"):
        page = client_of(seller).get(PAGE)
    assert tiles_of(page)[page.context["dashboard"].tiles[0].name][0] == "1.234,56\xa0€"
    assert "Deutschland" in text_of(page)


def test_readers_of_another_language_read_the_same_figures_from_the_cache(
    any_cache, client_of, customer, seller, make_product
):
    sold(customer, make_product("Buch", seller=seller, price=1000))
    client = client_of(seller)
    english = client.get(PAGE).context["dashboard"]
    with translation.override("de"), assert_query_budget(KNOWN):
        german = client.get(PAGE).context["dashboard"]
    assert (english.countries[0].name, german.countries[0].name) == ("Germany", "Deutschland")


# --- files ----------------------------------------------------------------------------------------


def test_the_file_of_days_is_exact_and_named_by_what_it_holds(
    client_of, customer, seller, make_product
):
    order = sold(customer, make_product("Book", seller=seller, price=1999), on=days_ago(2))
    refund(order, amount=1000)
    response = client_of(seller).get(FILE, {"range": "7"})
    last = day_of(timezone.now())
    first = last - dt.timedelta(days=6)
    assert response["Content-Disposition"] == (
        f'attachment; filename="periods-{first}-{last}-EUR.csv"'
    )
    assert "no-store" in response["Cache-Control"]
    rows = table_of(response)
    assert len(rows) == 7
    assert rows[-3] == {
        "first_day": str(last - dt.timedelta(days=2)),
        "last_day": str(last - dt.timedelta(days=2)),
        "currency": "EUR",
        "orders": "1",
        "units": "1",
        "gross": "19.99",
        "refunded": "0.00",
        "net": "19.99",
        "average_order": "19.99",
        "checkouts": "1",
        "paid_checkouts": "1",
    }
    assert (rows[-1]["refunded"], rows[-1]["net"]) == ("10.00", "-10.00")


def test_a_currency_without_decimals_has_none(client_of, customer, seller, make_product):
    sold(customer, make_product("Book", seller=seller, price=1500, currency="JPY"))
    rows = table_of(client_of(seller).get(FILE, {"range": "7"}))
    assert rows[-1]["net"] == "1500"


def test_weeks_of_a_file_end_with_the_day_before_the_next_and_the_range(client_of, seller):
    asked = {"first": "2026-01-01", "last": "2026-01-20", "period": "week"}
    rows = table_of(client_of(seller).get(FILE, asked))
    assert [(row["first_day"], row["last_day"]) for row in rows] == [
        ("2026-01-01", "2026-01-04"),
        ("2026-01-05", "2026-01-11"),
        ("2026-01-12", "2026-01-18"),
        ("2026-01-19", "2026-01-20"),
    ]


def test_the_title_of_a_product_never_becomes_a_formula(client_of, customer, seller, make_product):
    sold(customer, make_product("=HYPERLINK(A1)", slug="book", seller=seller))
    rows = table_of(client_of(seller).get(FILE, {"table": "products"}))
    assert rows[0]["title"] == "'=HYPERLINK(A1)"


def test_the_file_of_products_has_more_than_the_page(client_of, customer, seller, make_product):
    products = [make_product(f"Book {n}", seller=seller, released=False) for n in range(12)]
    sold(customer, *products)
    assert len(client_of(seller).get(PAGE).context["dashboard"].products) == 10
    assert len(table_of(client_of(seller).get(FILE, {"table": "products"}))) == 12


def test_countries_are_a_file_too_and_nothing_else_is(client_of, customer, seller, make_product):
    sold(customer, make_product("Book", seller=seller, price=1000))
    rows = table_of(client_of(seller).get(FILE, {"table": "countries"}))
    assert [(row["country"], row["net"]) for row in rows] == [("DE", "10.00")]
    assert client_of(seller).get(FILE, {"table": "customers"}).status_code == 404


@pytest.mark.parametrize("table", ["periods", "products", "countries"])
def test_each_file_goes_out_under_asgi_too(
    client_of, customer, seller, make_product, async_client, table
):
    sold(customer, make_product("Book", seller=seller, price=1000))
    expected = client_of(seller).get(FILE, {"table": table}).getvalue()

    async def read() -> bytes:
        await async_client.aforce_login(seller)
        response = await async_client.get(FILE, {"table": table})
        return b"".join([piece async for piece in response])

    assert async_to_sync(read)() == expected
    assert expected.decode().splitlines()[-1].count("10.00") >= 2


# --- what it costs --------------------------------------------------------------------------------


def test_a_page_from_the_cache_asks_who_it_is_for_and_nothing_more(
    any_cache, client_of, customer, seller, make_product
):
    sold(customer, make_product("Book", seller=seller))
    client = client_of(seller)
    client.get(PAGE)
    with assert_query_budget(KNOWN):
        client.get(PAGE)
    with assert_query_budget(KNOWN):
        client.get(FILE)


def test_by_one_who_needs_no_permission_to_be_asked_only_session_and_user_are_read(
    client_of, superuser, customer, make_product
):
    sold(customer, make_product("Book"))
    client = client_of(superuser)
    client.get("/all-figures/")
    with assert_query_budget(2):
        client.get("/all-figures/")


@pytest.mark.parametrize("rolled_up", [False, True])
def test_a_page_costs_as_many_queries_with_much_as_with_little(
    client_of, customer, make_user, seller, make_product, rolled_up
):
    def cost() -> int:
        if rolled_up:
            call_command("digitalstore_run_due", "--force", verbosity=0)
        with override_settings(CACHES=NO_CACHE), assert_query_budget(60) as captured:
            assert client.get(PAGE, {"range": "7"}).status_code == 200
        return len(captured)

    client = client_of(seller)
    sold(customer, make_product("Book", seller=seller))
    few = cost()
    for number in range(10):
        sold(make_user(f"reader-{number}"), make_product(f"Book {number}", seller=seller))
    assert cost() == few


def test_a_refund_is_felt_once_the_page_is_a_minute_old(
    client_of, customer, seller, make_product, monkeypatch
):
    order = sold(customer, make_product("Book", seller=seller, price=1000))
    client, began = client_of(seller), time.time()

    def net_after(seconds: int) -> str:
        # Only the cache reads this clock: the day stays, and so does what is asked.
        monkeypatch.setattr(time, "time", lambda: began + seconds)
        return tiles_of(client.get(PAGE))["Net revenue"][0]

    assert net_after(0) == "€10.00"
    refund(order)
    assert net_after(59) == "€10.00"
    assert net_after(61) == "€0.00"


def test_redis_may_stop_between_two_looks(
    redis_server, client_of, customer, seller, make_product, settings
):
    settings.CACHES = redis_server.caches
    order = sold(customer, make_product("Book", seller=seller, price=1000))
    client = client_of(seller)
    assert tiles_of(client.get(PAGE))["Net revenue"][0] == "€10.00"
    refund(order)
    assert tiles_of(client.get(PAGE))["Net revenue"][0] == "€10.00"

    redis_server.stop()
    for _look in range(2):
        assert tiles_of(client.get(PAGE))["Net revenue"][0] == "€0.00"

    redis_server.start()
    time.sleep(caching.REST + 0.1)
    assert tiles_of(client.get(PAGE))["Net revenue"][0] == "€0.00"
    with assert_query_budget(KNOWN):
        client.get(PAGE)


def test_without_a_cache_the_page_works(client_of, customer, seller, make_product, settings):
    settings.CACHES = NO_CACHE
    sold(customer, make_product("Book", seller=seller, price=1000))
    client = client_of(seller)
    for _look in range(2):
        assert tiles_of(client.get(PAGE))["Net revenue"][0] == "€10.00"


def test_each_question_has_an_answer_of_its_own(settings, monkeypatch):
    span = reports.Range(dt.date(2026, 1, 1), dt.date(2026, 1, 7))
    asked = {"seller": None, "span": span, "before": span.previous(), "period": reports.Period.DAY}
    other = reports.Range(dt.date(2026, 1, 1), dt.date(2026, 1, 8))

    class User:
        pk = 1

    questions = [
        asked,
        {**asked, "seller": User},
        {**asked, "span": other},
        {**asked, "before": other},
        {**asked, "period": reports.Period.WEEK},
        {**asked, "product_key": "1"},
        {**asked, "product_key": "*"},
        {**asked, "country": "DE"},
        {**asked, "country": ""},
        {**asked, "currency": "EUR"},
    ]
    keys = {reports.Query(**question).key("here") for question in questions}
    assert len(keys) == len(questions)
    query = reports.Query(**asked)
    assert query.key("here") in keys
    assert query.key("there") not in keys
    settings.TIME_ZONE = "Asia/Tokyo"
    assert query.key("here") not in keys
    settings.TIME_ZONE = "UTC"
    monkeypatch.setattr(django_digitalstore, "__version__", "of tomorrow")
    assert query.key("here") not in keys


# --- the host's own -------------------------------------------------------------------------------


class AroundView(SalesDashboardView):
    def get_report(self, query):  # type: ignore[misc]
        return reports.count_report(query)


class OwnCountView(SalesDashboardView):
    limit: int | None = None

    def count_report(self, query):
        report = super().count_report(query)
        return replace(report, countries=report.countries[: self.limit])


class FarFromIt(AroundView):
    pass


class OwnPageView(SalesDashboardView):
    def get(self, request, *args, **kwargs):
        form = self.get_form()
        form.is_valid()
        made = [self.count_report(query) for query in [self.get_query(form)]]
        return HttpResponse(made[0].currency)


class LoggedView(SalesDashboardView):
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)


class NoCountryView(OwnCountView):
    limit = 0


urlpatterns = [
    path("", SalesDashboardView.as_view()),
    path("a/", AroundView.as_view()),
    path("b/", OwnCountView.as_view()),
    path("c/", FarFromIt.as_view()),
    path("e/", OwnPageView.as_view()),
    path("f/", LoggedView.as_view()),
    path("g/", NoCountryView.as_view()),
    path("h/", OwnCountView.as_view(limit=0)),
    path("d/", SalesExportView.as_view(), name="sales_export"),
    path("store/", include("django_digitalstore.urls")),
]


@pytest.mark.urls(__name__)
def test_a_page_that_goes_around_the_cache_is_named():
    here = __name__
    rename = (
        "Rename it to count_report(self, query): its answer is kept in the cache, and "
        "super().count_report(query) gives the suite's."
    )
    ask = (
        "Call self.get_report(query) there: it calls count_report() where the cache has no answer."
    )
    assert check_dashboards_are_cached() == [
        Error(
            f"{here}.{name} goes around the cache: {method}() of {here}.{culprit} counts the "
            f"figures for every look at the page.",
            hint=hint,
            id="digitalstore.E555",
        )
        for name, method, culprit, hint in [
            ("AroundView", "get_report", "AroundView", rename),
            ("FarFromIt", "get_report", "AroundView", rename),
            ("OwnPageView", "get", "OwnPageView", ask),
        ]
    ]


def test_pages_that_count_their_own_way_through_the_cache_are_fine():
    assert check_dashboards_are_cached() == []


@pytest.mark.urls(__name__)
def test_another_way_of_counting_has_a_cache_of_its_own(client_of, customer, seller, make_product):
    sold(customer, make_product("Book", seller=seller))
    client = client_of(seller)
    client.get("/")
    with pytest.raises(AssertionError, match="its budget is 4"), assert_query_budget(KNOWN):
        client.get("/b/")
    with assert_query_budget(KNOWN):
        client.get("/b/")


@pytest.mark.urls(__name__)
def test_two_pages_that_count_by_one_method_share_no_answer(
    client_of, customer, seller, make_product
):
    sold(customer, make_product("Book", seller=seller))
    client = client_of(seller)
    counted = [client.get(page).context["dashboard"].countries for page in ("/b/", "/g/", "/h/")]
    assert [len(countries) for countries in counted] == [1, 0, 0]


def test_a_page_without_its_role_says_what_to_write():
    from django_digitalstore.contrib.analytics.views import GenericSalesDashboardView
    from django_digitalstore.core.exceptions import GenericViewRouted

    with pytest.raises(GenericViewRouted) as caught:
        GenericSalesDashboardView.as_view()
    assert str(caught.value) == (
        "GenericSalesDashboardView is generic and cannot be routed. Subclass it in your project, "
        "as in `class SalesDashboardView(IsSellerMixin, GenericSalesDashboardView):`, and route "
        "the subclass."
    )

    class Wrong(IsCustomerMixin, GenericSalesDashboardView):
        base_template = "base.html"
        active_page = "seller"

    with pytest.raises(GenericViewRouted, match="has the role 'customer', but this view is for"):
        Wrong.as_view()

    class NoPage(IsSellerMixin, GenericSalesDashboardView):
        active_page = "seller"

    with pytest.raises(GenericViewRouted, match="must define base_template"):
        NoPage.as_view()


@pytest.mark.needs("support")
def test_support_that_was_asked_for_has_a_table(client_of, customer, seller, make_product):
    from django_digitalstore.support.testing import offer_support, open_request

    book = make_product("Book", seller=seller)
    offer_support(book)
    sold(customer, book)
    open_request(customer, book)
    page = client_of(seller).get(PAGE)
    assert [(row.name, row.cells) for row in page.context["dashboard"].support] == [
        ("Book", ["1", "0", "1", "0"])
    ]
    assert "Opened and resolved in these days" in text_of(page)


def test_downloads_have_a_table_by_version(client_of, customer, seller, asset, product):
    from django_digitalstore.entitlements import flows, policies

    sold(customer, product)
    bought = policies.live_purchase(customer, product)
    flows.record_download(bought, asset, address=None, agent="A browser")
    page = client_of(seller).get(PAGE)
    assert [(row.name, row.cells) for row in page.context["dashboard"].releases] == [
        ("A book 1.0", ["1"])
    ]
