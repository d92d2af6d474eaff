"""Staff close the shop; a visitor reads when it opens, an owner downloads, a guest has a link."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from .conftest import MakePerson, Shop, files_of

ADMIN = "/admin/digitalstore_underconstruction/sitestatus/"


@pytest.fixture(autouse=True)
def open_afterwards(shop: Shop) -> Iterator[None]:
    """The other tests find the shop open again."""
    yield
    shop.manage("digitalstore_underconstruction", "off")


def closed(person: object, path: str) -> None:
    """Wait until the switch is felt; the console's word about each 503 is no complaint."""
    expect_closed = re.compile("^We are back soon$")
    page = person.go(path)  # type: ignore[attr-defined]
    for _ in range(20):
        if page.get_by_role("heading", name=expect_closed).count():
            break
        page.wait_for_timeout(150)
        page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(expect_closed)


def test_a_closed_shop(make_person: MakePerson) -> None:
    staff, owner, visitor, guest = (make_person() for _ in range(4))
    owner.go("/accounts/signup/")
    owner.sign_up("otto@example.com")
    owner.check_out("the-patient-typographer")
    owner.page.get_by_role("button", name="Pay", exact=True).click()
    expect(owner.page.get_by_role("heading", name="Thank you – it’s yours")).to_be_visible()

    staff.log_in("staff@example.com")
    page = staff.go(ADMIN)
    page.get_by_role("link", name="Close the site now").click()
    page.get_by_label("Message to visitors").fill("New shelves are going up.\nMind the ladder.")
    page.get_by_label("Reason").fill("We move.")
    page.get_by_role("button", name="Close the site now").click()
    expect(page.get_by_text("The site: It is closed.")).to_be_visible()
    staff.go("/")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("We are back soon")

    closed(visitor, "/")
    expect(visitor.page.get_by_text("Mind the ladder.")).to_be_visible()
    visitor.look("closed", answered=503)
    visitor.go("/products/the-patient-typographer/")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("We are back soon")

    closed(owner, "/")
    name, content = next(iter(files_of("the-patient-typographer").items()))
    assert owner.download(name) == content

    page = staff.go(ADMIN)
    page.get_by_role("link", name="Make a preview link").click()
    page.get_by_label("Reason").fill("A client wants to see it.")
    page.get_by_role("button", name="Make a preview link").click()
    link = re.search(r"http://\S+", page.get_by_text("Whoever has this link").inner_text())
    assert link
    guest.page.goto(link[0])
    expect(guest.page).to_have_url(f"{guest.shop.url}/")
    expect(guest.page.get_by_role("heading", level=1)).not_to_have_text("We are back soon")

    staff.go(ADMIN)
    page.get_by_role("link", name="Open the site").click()
    page.get_by_label("Reason").fill("Done.")
    page.get_by_role("button", name="Open the site").click()
    expect(page.get_by_text("The site: It is open.")).to_be_visible()
    visitor.page.wait_for_timeout(1500)
    visitor.go("/")
    expect(visitor.page.get_by_role("heading", level=1)).not_to_have_text("We are back soon")
    for person in (owner, visitor, guest):
        person.complaints = [c for c in person.complaints if "status of 503" not in c]
