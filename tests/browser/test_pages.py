"""The pages of those who have been here before: customers, sellers, staff."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from example_project.demo.covers import draw_cover

from .conftest import MakePerson, Person

ACCOUNT = {
    "library": "/library/",
    "orders": "/orders/",
    "profile": "/account/",
    "password": "/account/password/",
    "e-mail-addresses": "/accounts/email/",
}
STATES = ["Waiting for payment", "Payment failed", "Refunded", "Disputed"]


@pytest.fixture
def mara(visitor: Person) -> Person:
    visitor.log_in("mara@example.com")
    return visitor


@pytest.mark.parametrize("name", ACCOUNT)
def test_pages_of_an_account(mara: Person, name: str) -> None:
    mara.go(ACCOUNT[name])
    mara.look(name)


@pytest.mark.parametrize("state", STATES)
def test_orders_in_every_state(mara: Person, state: str) -> None:
    page = mara.go("/orders/")
    page.get_by_role("row").filter(has_text=state).first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order")
    mara.look(f"order-{state.lower().replace(' ', '-')}")


def test_all_versions_of_what_one_owns(mara: Person) -> None:
    page = mara.go("/library/the-patient-typographer/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("The Patient Typographer")
    expect(page.get_by_role("button", name="Download").first).to_be_visible()
    mara.look("library-versions")


def test_a_seller_lets_downloads_count_from_nothing_again(
    visitor: Person, make_person: MakePerson
) -> None:
    ines = make_person()
    ines.log_in("ines@example.com")
    page = ines.go("/seller/")
    page.get_by_role("main").get_by_role("link", name="The Patient Typographer").first.click()
    page.get_by_label("Download limit").fill("30")
    page.get_by_role("button", name="Save").click()
    visitor.log_in("mara@example.com")
    shelf = visitor.go("/library/the-patient-typographer/")
    with shelf.expect_download():
        shelf.get_by_role("button", name="Download").first.click()
    page = ines.go("/seller/downloads/")
    ines.look("seller-downloads-of-a-limit")
    page.get_by_role("link", name="Reset").first.click()
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"\d of 30 are used now"))
    expect(page.get_by_role("main")).not_to_contain_text("mara@example.com")
    ines.look("seller-download-reset")
    page.get_by_label("Reason").fill("Their disk broke.")
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("main")).to_contain_text("count from nothing again.")
    expect(page.get_by_role("main")).to_contain_text("Their disk broke.")


def test_access_that_a_person_revoked_is_gone_and_cannot_be_bought(mara: Person) -> None:
    page = mara.go("/library/")
    expect(page.get_by_role("heading", name="The Patient Typographer")).to_be_visible()
    expect(page.get_by_role("heading", name="Forms That Forgive")).to_have_count(0)
    mara.go("/products/forms-that-forgive/")
    page.get_by_role("link", name="Buy now").click()
    expect(page.get_by_role("alert")).to_be_visible()
    mara.look("checkout-refused", answered=400)


def test_what_is_no_page_and_no_order_of_mine_looks_the_same(mara: Person) -> None:
    for path in ("/no-such-page/", "/orders/ABCDEFGHJKMN/", "/products/harbour-at-five/"):
        page = mara.go(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        mara.look("not-found", answered=404)


def test_a_customer_is_no_seller(mara: Person) -> None:
    mara.go("/seller/")
    mara.look("forbidden", answered=403)


def test_a_search_that_finds_nothing(visitor: Person) -> None:
    visitor.go("/?q=zeppelin")
    expect(visitor.page.get_by_role("heading", name="Nothing matches “zeppelin”")).to_be_visible()
    visitor.look("shop-nothing")


def test_a_forgotten_password(visitor: Person) -> None:
    page = visitor.go("/accounts/login/")
    page.get_by_role("link", name=re.compile("forgot", re.I)).click()
    visitor.look("password-reset")
    page.get_by_label("Email").fill("tomas@example.com")
    page.get_by_role("main").get_by_role("button").first.click()
    visitor.look("password-reset-sent")


def test_a_seller_makes_a_product_and_publishes_it(
    make_person: MakePerson, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ines, visitor = make_person(), make_person()
    ines.log_in("ines@example.com")
    page = ines.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Your products")
    ines.look("seller-products")
    page.get_by_role("link", name="New product").first.click()
    ines.look("seller-new-product")
    cover = tmp_path_factory.mktemp("cover") / "cover.png"
    cover.write_bytes(draw_cover("paper-boats", "Paper Boats", "Ines Marlow"))
    page.get_by_label("Title").fill("Paper Boats")
    page.get_by_label("Summary").fill("Nine boats to fold from one sheet each.")
    page.get_by_label("Price").fill("3.50")
    page.get_by_label("Currency").select_option("EUR")
    page.get_by_label("Design").check()
    page.get_by_label("Cover").set_input_files(cover)
    page.get_by_role("button", name="Save").click()

    visitor.go("/products/paper-boats/")
    visitor.look("not-found", answered=404)
    page.get_by_role("button", name="Publish Paper Boats").click()
    expect(page.get_by_role("row").filter(has_text="Paper Boats")).to_contain_text("Published")
    visitor.go("/?q=boats")
    visitor.page.get_by_role("link", name="Paper Boats").click()
    picture = visitor.page.locator(".ds-product img")
    expect(picture).to_have_js_property("naturalWidth", 800)
    visitor.look("product-of-a-seller")


def test_a_seller_ships_a_new_version_and_takes_it_back(make_person: MakePerson) -> None:
    ines, visitor = make_person(), make_person()
    ines.log_in("ines@example.com")
    page = ines.page
    page.get_by_role("link", name="Versions Twelve Papers").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Versions of “Twelve Papers”")
    ines.look("seller-releases")
    page.get_by_role("link", name="New version").first.click()
    ines.look("seller-new-release")
    page.get_by_label("Version").fill("9.0")
    page.get_by_label("Notes").fill("# Thicker\n\n- the *rag* papers\n- `linen`, woven")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Twelve Papers 9.0")
    ines.look("seller-release")
    page.get_by_role("link", name="Publish 9.0").click()
    ines.look("seller-release-publish")
    page.get_by_label("When").fill("2020-01-01T09:00")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("That time has passed.")).to_be_visible()
    ines.look("seller-release-publish-refused")
    page.get_by_label("When").fill("")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_role("row").filter(has_text="9.0")).to_contain_text("Published")

    visitor.go("/products/twelve-papers/")
    visitor.page.get_by_role("link", name="All versions").click()
    expect(visitor.page.get_by_role("heading", name="Thicker", level=3)).to_be_visible()
    visitor.look("changelog")

    page.get_by_role("link", name="Withdraw 9.0").click()
    page.get_by_label("Why").fill("Two papers are missing.")
    ines.look("seller-release-withdraw")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("row").filter(has_text="9.0")).to_contain_text("Withdrawn")
    ines.look("seller-releases-withdrawn")
    visitor.go("/products/twelve-papers/changelog/")
    expect(visitor.page.get_by_role("heading", name="Thicker")).to_have_count(0)


@pytest.mark.parametrize("name", ["categories", "categories/new", "orders", "downloads", "account"])
def test_pages_of_a_seller(visitor: Person, name: str) -> None:
    visitor.log_in("tomas@example.com")
    visitor.go(f"/seller/{name}/")
    visitor.look(f"seller-{name.replace('/', '-')}")


def test_a_seller_sees_what_was_sold_and_not_who_bought(visitor: Person) -> None:
    visitor.log_in("tomas@example.com")
    page = visitor.go("/seller/orders/")
    page.get_by_role("main").get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(page.get_by_role("main")).not_to_contain_text("mara@example.com")
    visitor.look("seller-order")


def test_staff_see_how_the_store_is_doing(visitor: Person) -> None:
    visitor.log_in("staff@example.com")
    visitor.go("/admin/digitalstore_payments/inboxmessage/")
    visitor.page.get_by_role("link", name="Health of the store").click()
    expect(visitor.page.get_by_role("heading", level=1)).to_contain_text("Health of the store")
    visitor.look("admin-health")


def test_staff_see_what_happened_to_an_order(visitor: Person) -> None:
    visitor.log_in("staff@example.com")
    page = visitor.page
    expect(page).to_have_title(re.compile("Site administration"))
    for path in ("order", "purchasedproduct", "grant", "product"):
        visitor.go(f"/admin/shop/{path}/")
        page.locator("#result_list tbody th a").first.click()
        expect(page).to_have_url(re.compile("/change/"))
        page.screenshot(path=f"tests/browser/screenshots/admin-{path}.png", full_page=True)
