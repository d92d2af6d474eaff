"""Money that goes back: the seller's form, the sandbox's buttons, the buyer's page."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from .conftest import MakePerson, Person

NARROW = {"width": 375, "height": 667}


def buy(person: Person, email: str, slug: str) -> str:
    """Buy a product and return the path of the order's page."""
    page = person.go("/accounts/signup/")
    person.sign_up(email)
    person.check_out(slug)
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()
    found = re.search(r"/orders/\w+/", page.url)
    assert found
    return found[0]


def fits(page: Page) -> None:
    """Look at the page on the narrowest phone."""
    before: Any = page.viewport_size
    page.set_viewport_size(NARROW)  # type: ignore[arg-type]
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.set_viewport_size(before)


def press(person: Person, button: str, message: str, *, again: bool = False) -> None:
    """Press a button of the sandbox, and wait until its webhook was answered.

    ``again``: it is a message that is listed already.
    """
    page = person.page
    rows = page.get_by_role("row").filter(has_text=message).filter(has_text="200")
    before = rows.count() - again
    page.get_by_role("button", name=button).click()
    for _look in range(40):
        if rows.count() > before:
            return
        page.wait_for_timeout(250)
        page.get_by_role("link", name="Look again").click()
    pytest.fail(f"The shop did not take {message}.")


def test_a_seller_refunds_half_and_the_buyer_reads_it(make_person: MakePerson) -> None:
    buyer, seller = make_person(), make_person()
    order = buy(buyer, "rita@example.com", "the-patient-typographer")
    seller.log_in("ines@example.com")
    page = seller.go(f"/seller{order}")
    seller.look("seller-order-paid")
    fits(page)
    page.get_by_role("link", name="Refund").click()
    seller.look("seller-refund")
    fits(page)
    page.get_by_label("Amount").fill("9999")
    page.get_by_label("Reason").fill("A page is missing")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("alert")).to_contain_text("more than what is left")
    page.get_by_label("Amount").fill("1")
    page.get_by_role("button", name="Refund").click()
    expect(page.get_by_role("main")).to_contain_text("refunded on")
    seller.look("seller-order-refunded")
    fits(page)

    page = buyer.go(order)
    expect(page.get_by_role("main")).to_contain_text("were refunded on")
    buyer.look("order-partly-refunded")
    fits(page)
    page.get_by_role("link", name="Receipt").click()
    buyer.look("receipt-with-refund")
    fits(page)
    # The form that was refused, above: browsers report every 400.
    seller.complaints[:] = [c for c in seller.complaints if "400 (Bad Request)" not in c]


def test_the_sandbox_refunds_disputes_and_repeats(make_person: MakePerson) -> None:
    buyer = make_person()
    order = buy(buyer, "dita@example.com", "kitchen-percussion")
    page = buyer.go(order)
    page.get_by_role("link", name="Test mode:").click()
    buyer.look("pay-afterwards")
    fits(page)
    press(buyer, "Refund half of it", "refund.succeeded")
    press(buyer, "Send the last webhook again", "refund.succeeded", again=True)
    press(buyer, "Dispute the payment", "dispute.opened")
    buyer.look("pay-disputed")
    buyer.go(order)
    expect(page.get_by_role("main")).to_contain_text("Your bank asks for the money back")
    buyer.look("order-disputed-by-bank")
    page.go_back()
    press(buyer, "The shop wins the dispute", "dispute.won")
    press(buyer, "Refund €", "refund.succeeded")
    buyer.look("pay-refunded")
    buyer.go(order)
    expect(page.get_by_role("main")).to_contain_text("Refunded")
    buyer.look("order-refunded-in-full")


def test_the_shop_hears_of_a_refund_before_its_payment(make_person: MakePerson) -> None:
    buyer = make_person()
    page = buyer.go("/accounts/signup/")
    buyer.sign_up("otto@example.com")
    buyer.check_out("tidewheel")
    page.get_by_text("Misbehave").click()
    buyer.look("pay-misbehave")
    page.get_by_role("button", name="Pay and refund, out of order").click()
    expect(page.get_by_role("main")).to_contain_text("refund.succeeded")
    buyer.go("/library/")
    expect(page.get_by_role("heading", name="Nothing here yet")).to_be_visible()
