"""The style sheet that ``startstore`` writes, on a phone."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

CSS = (
    Path(__file__).parents[1] / "projects" / "full_store" / "shop" / "static" / "shop" / "store.css"
)


def test_a_table_that_is_too_wide_scrolls_alone(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 375, "height": 800})
    cells = "<td>PublishedAtNoon</td>" * 5
    hidden = '<td><button>Archive<span class="visually-hidden"> Emma</span></button></td>'
    page.set_content(
        f"<!doctype html><style>{CSS.read_text()}</style>"
        f'<main><div class="ds-table-wrap"><table><tr>{cells}{hidden}</tr></table></div></main>'
    )
    assert page.evaluate("document.querySelector('table').offsetWidth") > 375
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.close()
