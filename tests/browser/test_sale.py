"""Everything a person does at the shop, from the first look to the file on their disk."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import MakePerson, Person, files_of


def test_somebody_finds_a_product_signs_up_buys_and_downloads(visitor: Person) -> None:
    page = visitor.go("/")
    visitor.look("shop")
    page.get_by_label("Search").fill("papers")
    page.get_by_role("button", name="Show").click()
    visitor.look("shop-search")
    page.get_by_role("link", name="Twelve Papers").click()
    visitor.look("product")

    page.get_by_role("link", name="Buy now").click()
    visitor.look("log-in")
    page.get_by_role("main").get_by_role("link", name=re.compile("sign up", re.I)).click()
    visitor.look("sign-up")
    visitor.sign_up("wanda@example.com", look=True)

    expect(page.get_by_role("heading", level=1)).to_have_text("Checkout")
    expect(page.get_by_role("main")).to_contain_text("Twelve Papers")
    visitor.look("checkout")
    visitor.fill_checkout()
    visitor.look("pay")
    page.get_by_role("button", name="Pay", exact=True).click()

    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()
    visitor.look("paid")
    page.get_by_role("link", name="Receipt").click()
    visitor.look("receipt")
    visitor.go("/library/")
    visitor.look("library-of-one")
    name, content = next(iter(files_of("twelve-papers").items()))
    assert visitor.download(name) == content

    visitor.go("/products/twelve-papers/")
    expect(page.get_by_role("complementary")).to_contain_text("In your library")
    expect(page.get_by_role("link", name="Buy now")).to_have_count(0)
    visitor.look("product-owned")
    visitor.go("/mails/")
    expect(page.get_by_role("article").filter(has_text="wanda@example.com")).to_have_count(2)
    visitor.look("mails")


def test_a_declined_card_gives_nothing_and_another_card_does(visitor: Person) -> None:
    page = visitor.go("/accounts/signup/")
    visitor.sign_up("dora@example.com")
    visitor.check_out("kitchen-percussion")
    page.get_by_role("button", name="Decline").click()
    expect(page.get_by_role("alert")).to_contain_text("declined")
    visitor.look("pay-declined")

    page.get_by_role("button", name="Back to the shop").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Order")
    visitor.go("/library/")
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
    visitor.look("library-empty")
    visitor.go("/orders/")
    expect(page.get_by_role("main")).to_contain_text(re.compile("failed", re.I))
    visitor.go("/products/kitchen-percussion/")
    expect(page.get_by_role("link", name="Buy now")).to_be_visible()

    visitor.check_out("kitchen-percussion")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()
    name, content = next(iter(files_of("kitchen-percussion").items()))
    name = name.replace("1.0", "1.1")  # the demo's newest version
    assert visitor.download(name) == content


def test_somebody_who_is_back_before_the_money_sees_the_page_settle(visitor: Person) -> None:
    page = visitor.go("/accounts/signup/")
    visitor.sign_up("lars@example.com")
    visitor.check_out("tidewheel")
    page.get_by_text("Misbehave").click()
    page.get_by_role("button", name="Pay late").click()
    expect(page.get_by_role("heading", name="Waiting for the payment")).to_be_visible()
    page.screenshot(path="tests/browser/screenshots/waiting.png")
    # Nothing is clicked: the page looks again by itself.
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible(timeout=30_000)
    name, content = next(iter(files_of("tidewheel").items()))
    assert visitor.download(name) == content


def test_what_is_free_needs_no_payment(visitor: Person) -> None:
    page = visitor.go("/accounts/signup/")
    visitor.sign_up("fred@example.com")
    visitor.go("/products/a-short-walk-through-utf-8/")
    page.get_by_role("link", name="Get it").click()
    page.get_by_label("Country").select_option("DE")
    page.get_by_role("button", name="Get it for free").click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()
    name, content = next(iter(files_of("a-short-walk-through-utf-8").items()))
    assert visitor.download(name) == content


def test_the_whole_sale_works_without_javascript(make_person: MakePerson) -> None:
    mara = make_person(java_script_enabled=False)
    mara.log_in("mara@example.com")
    page = mara.page
    expect(page.get_by_role("heading", level=1)).to_have_text("Your library")
    mara.check_out("twelve-papers")
    page.get_by_text("Misbehave").click()
    page.get_by_role("button", name="Pay late").click()
    expect(page.get_by_role("heading", name="Waiting for the payment")).to_be_visible()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible(timeout=30_000)
    name, content = next(iter(files_of("twelve-papers").items()))
    assert mara.download(name) == content
