"""The figures of a shop that has sold for some months, as its sellers and staff look at them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from .conftest import MakePerson, Person, Shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop of its own: what others look at has no reader's orders in it."""
    busy = Shop(tmp_path_factory.mktemp("busy-shop"))
    busy.manage("loadsales", "--orders=60")
    yield from busy.serve()


@pytest.fixture
def ines(visitor: Person) -> Person:
    visitor.log_in("ines@example.com")
    return visitor


def test_a_seller_reads_their_figures(ines: Person) -> None:
    ines.go("/seller/")
    page = ines.page
    page.get_by_role("link", name="Analytics").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Analytics")
    expect(page.get_by_role("img", name="Net revenue")).to_be_visible()
    ines.look("analytics")
    page.get_by_text("Net revenue as a table").click()
    page.get_by_text("Orders as a table").click()
    expect(
        page.get_by_role("table", name=re.compile("^Net revenue")).get_by_role("row")
    ).to_have_count(32)
    ines.look("analytics-tables")


def test_a_seller_chooses_days_steps_and_a_product(ines: Person) -> None:
    page = ines.go("/seller/analytics/")
    expect(page.get_by_label("From")).to_be_hidden()
    page.get_by_label("90 days").check()
    page.get_by_label("Steps").select_option("Weeks")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("90 days")).to_be_checked()
    expect(page.get_by_label("Steps")).to_have_value("week")
    ines.look("analytics-weeks")
    ranking = page.get_by_role("region", name="Top products")
    ranking.get_by_role("link", name="The Patient Typographer").click()
    expect(ranking.get_by_role("row")).to_have_count(2)
    expect(page.get_by_label("Steps")).to_have_value("week")
    page.get_by_label("Own dates").check()
    page.get_by_label("From").fill("2026-02-03")
    page.get_by_label("To", exact=True).fill("2026-02-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("alert")).to_have_text("The first day comes after the last.")
    ines.look("analytics-own-dates", answered=400)


def test_a_seller_takes_the_figures_along(ines: Person) -> None:
    page = ines.go("/seller/analytics/")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download as CSV – All products").click()
    assert re.fullmatch(r"products-[\d-]{21}-EUR\.csv", started.value.suggested_filename)
    assert "The Patient Typographer" in started.value.path().read_text("utf-8-sig")


def test_a_seller_of_nothing_lately_is_told_so(ines: Person) -> None:
    ines.go("/seller/analytics/?range=own&first=2020-01-01&last=2020-01-31")
    expect(ines.page.get_by_role("heading", level=2)).to_have_text("Nothing was sold in these days")
    ines.look("analytics-nothing")


def test_staff_see_what_all_sell(visitor: Person) -> None:
    visitor.log_in("staff@example.com")
    page = visitor.go("/")
    page.get_by_role("link", name="All sales").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Analytics of all sellers")
    visitor.look("analytics-all-sellers")


def test_the_figures_need_no_script(make_person: MakePerson) -> None:
    ines = make_person(java_script_enabled=False)
    ines.log_in("ines@example.com")
    page = ines.go("/seller/analytics/")
    page.get_by_label("This year").check()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_label("This year")).to_be_checked()
    expect(page.get_by_role("img", name="Orders")).to_be_visible()
