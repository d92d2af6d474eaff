"""Support from the first question to the pack that is bought: both sides, in their browsers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from .conftest import MakePerson, Person

BOOK = "the-patient-typographer"
ASK = f"/support/ask/{BOOK}/"


def buy(person: Person, email: str) -> None:
    page = person.go("/accounts/signup/")
    person.sign_up(email)
    person.check_out(BOOK)
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()


def ask(person: Person, subject: str, file: Path | None = None) -> None:
    page = person.go(ASK)
    page.get_by_label("What is it about?").fill(subject)
    page.get_by_label("Message", exact=True).fill("The figures of chapter three are cut off.")
    if file is not None:
        page.get_by_label("Files").set_input_files(file)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(subject)


@pytest.mark.parametrize("scripts", [True, False], ids=["", "without JavaScript"])
def test_a_question_its_answer_and_a_pack_of_more(
    make_person: MakePerson, tmp_path: Path, scripts: bool
) -> None:
    buyer = make_person(java_script_enabled=scripts)
    seller = make_person(java_script_enabled=scripts)
    name = "petra" if scripts else "paul"
    looks = scripts  # axe is a script
    first, second, third = (f"{name}: {what}" for what in ("cut off", "margins", "a pack"))
    photo = tmp_path / "figure.txt"
    photo.write_text("it is cut off")

    buy(buyer, f"{name}@example.com")
    page = buyer.go("/library/")
    page.get_by_role("link", name="Get help The Patient Typographer").click()
    expect(page.get_by_role("main")).to_contain_text("You can open 2 more requests.")
    if looks:
        buyer.look("support-ask")
    ask(buyer, first, photo)
    if looks:
        buyer.look("support-request")
    request = page.url.removeprefix(buyer.shop.url)
    with page.expect_download() as started:
        page.get_by_role("button", name="Download figure.txt").click()
    assert Path(started.value.path()).read_text() == "it is cut off"

    seller.log_in("ines@example.com")
    desk = seller.go("/seller/support/")
    if looks:
        seller.look("seller-support")
    desk.get_by_role("link", name=first).click()
    desk.get_by_role("button", name="Take it").click()
    note = desk.get_by_role("region", name="Internal note")
    note.get_by_label("Message", exact=True).fill("The reader of 2019 again.")
    note.get_by_role("button", name="Keep the note").click()
    answer = desk.get_by_role("region", name="Answer")
    answer.get_by_label("Message", exact=True).fill("Turn on “fit to page”.")
    answer.get_by_role("button", name="Send").click()
    expect(desk.get_by_role("main")).to_contain_text("Waiting for the customer")
    if looks:
        seller.look("seller-support-request")

    buyer.go(request)
    expect(page.get_by_role("main")).to_contain_text("Turn on “fit to page”.")
    expect(page.get_by_role("main")).not_to_contain_text("The reader of 2019 again.")
    page.get_by_role("button", name="Mark as resolved").click()
    page.get_by_label("Message", exact=True).fill("It is cut off again.")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("main")).to_contain_text("Waiting for an answer")
    page.get_by_role("button", name="Mark as resolved").click()
    page.get_by_role("button", name="Reopen").click()
    expect(page.get_by_role("main")).to_contain_text("Waiting for an answer")

    ask(buyer, second)
    buyer.go(ASK)
    expect(page.get_by_role("alert")).to_contain_text("You have used up the support")
    if looks:
        buyer.look("support-used-up", answered=409)
    page.get_by_role("link", name=re.compile("Buy 3 requests for €9.00")).click()
    if looks:
        buyer.look("support-checkout")
    buyer.fill_checkout()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()
    ask(buyer, third)
    page = buyer.go("/support/")
    expect(page.get_by_role("row")).to_have_count(4)
    if looks:
        buyer.look("support-list")
    buyer.complaints[:] = [c for c in buyer.complaints if "409 (Conflict)" not in c]


def test_what_a_customer_may_ask_about(visitor: Person) -> None:
    visitor.log_in("mara@example.com")
    page = visitor.go("/support/ask/")
    expect(page.get_by_role("link", name="Ask The Patient Typographer")).to_be_visible()
    visitor.look("support-products")


def test_a_seller_says_what_a_product_comes_with(visitor: Person) -> None:
    visitor.log_in("ines@example.com")
    page = visitor.go("/seller/support/")
    page.get_by_role("link", name="What support your products have").click()
    visitor.look("seller-support-terms")
    page.get_by_role("link", name="Change The Patient Typographer").click()
    visitor.look("seller-support-terms-of-a-product")
    page.get_by_label("Answer within hours").fill("36")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("main")).to_contain_text("within 36 hours")
    visitor.go(f"/products/{BOOK}/")
    expect(page.get_by_role("main")).to_contain_text("An answer is promised within 36 hours.")
    visitor.look("product-with-support")
