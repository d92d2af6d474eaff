"""A seller tells the owners of a version, and an owner wants no more of these mails."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from .conftest import MakePerson


def test_a_seller_tells_owners_and_an_owner_unsubscribes(make_person: MakePerson) -> None:
    seller, owner = make_person(), make_person()
    page = owner.go("/accounts/signup/")
    owner.sign_up("nora@example.com")
    owner.check_out("the-patient-typographer")
    page.get_by_role("button", name="Pay", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()

    seller.log_in("ines@example.com")
    page = seller.go("/seller/products/the-patient-typographer/releases/")
    newest = page.get_by_role("row").filter(has_text="Published").get_by_role("link").first
    newest.click()
    page.get_by_role("button", name="Tell owners by e-mail").click()
    expect(page.get_by_text("told by e-mail.")).to_be_visible()
    newest.click()
    expect(page.get_by_role("main")).to_contain_text("They were told of it by e-mail:")
    expect(page.get_by_role("button", name="Tell owners by e-mail")).to_have_count(0)
    seller.look("seller-release-told")

    seller.shop.manage("digitalstore_outbox")
    page = owner.go("/mails/")
    mail = page.get_by_role("article").filter(has_text="nora@example.com").first.inner_text()
    link = re.search(r"/unsubscribe/\S+/", mail)
    library = re.search(r"/library/the-patient-typographer/", mail)
    assert link, mail
    assert library, mail
    owner.go(library[0])
    expect(page.get_by_role("heading", level=1)).to_contain_text("The Patient Typographer")
    owner.go("/accounts/logout/")
    page.get_by_role("main").get_by_role("button").first.click()
    owner.go(link[0])
    owner.look("unsubscribe")
    page.get_by_role("button", name="No more e-mails about “The Patient Typographer”").click()
    expect(page.get_by_role("status")).to_contain_text("You get no e-mails about new versions of")
    owner.look("unsubscribed")
    page.get_by_role("button", name="No more e-mails about any new version").click()
    expect(page.get_by_role("status")).to_contain_text("of what you own")
    page.get_by_role("button", name="Tell me of “The Patient Typographer” again").click()
    expect(page.get_by_role("status")).to_contain_text("You get an e-mail when")
