"""A seller's short link, from the form to the order it led to: both sides, in their browsers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import MakePerson

#: A headless browser says that it is one, and is no click.
PERSON = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize("scripts", [True, False], ids=["", "without JavaScript"])
def test_a_link_is_made_clicked_and_led_to_an_order(make_person: MakePerson, scripts: bool) -> None:
    seller = make_person(java_script_enabled=scripts)
    buyer = make_person(java_script_enabled=scripts, user_agent=PERSON)
    looks = scripts  # axe is a script
    code = "summer" if scripts else "winter"

    seller.log_in("ines@example.com")
    panel = seller.go("/seller/")
    panel.get_by_role("link", name="Links", exact=True).click()
    expect(panel.get_by_role("heading", level=1)).to_have_text("Your short links")
    if looks:
        seller.look("seller-links")
    panel.get_by_role("link", name="New link").click()
    panel.get_by_label("Or an address").fill("https://elsewhere.example/")
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("main")).to_contain_text("Links lead to pages of this site only.")
    if looks:
        seller.look("seller-link-form")
    panel.get_by_label("Or an address").fill("")
    panel.get_by_label("Product").select_option(label="The Patient Typographer")
    panel.get_by_label("Code").fill(code)
    panel.get_by_label("Label").fill("The season's letter")
    panel.get_by_role("button", name="Save").click()
    expect(panel.get_by_role("heading", level=1)).to_have_text(code)
    address = panel.locator("code").inner_text()
    assert address == f"{seller.shop.url}/s/{code}"

    page = buyer.go("/accounts/signup/")
    buyer.sign_up(f"{code}@example.com")
    buyer.go(f"/s/{code}")
    expect(page.get_by_role("heading", level=1)).to_have_text("The Patient Typographer")
    page.get_by_role("link", name="Buy now").click()
    buyer.fill_checkout()
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()

    panel.reload()
    main = panel.get_by_role("main")
    expect(main.get_by_role("row").filter(has_text="Paid")).to_have_count(1)
    expect(main.get_by_role("definition").nth(4)).to_have_text("1")  # click
    if looks:
        seller.look("seller-link")
    panel.get_by_role("button", name="Switch off").click()
    expect(main).to_contain_text("Switched off")
    buyer.go(f"/s/{code}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("not")
    panel.get_by_role("button", name="Switch on").click()
    buyer.go(f"/s/{code}")
    expect(page.get_by_role("heading", level=1)).to_have_text("The Patient Typographer")
    panel.get_by_role("link", name="Your short links").click()
    row = panel.get_by_role("row").filter(has_text=code)
    expect(row).to_contain_text("The season's letter")
    expect(row).to_contain_text("Works")
    buyer.complaints = [c for c in buyer.complaints if "status of 404" not in c]
