"""What is new: the changelog of a product, and the badge of a recent update."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.template import Context, Template
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.catalog import flows, get_product_model
from django_digitalstore.catalog.testing import make_release

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.catalog.urls")]

BADGE = '<span class="ds-badge" data-state="updated">Updated</span>'


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


# --- the changelog -------------------------------------------------------------------------------


def test_the_changelog_names_what_owners_see_the_newest_first_and_nothing_else(
    client, url, product
):
    make_release(product, {}, version="1.1", notes="# Faster\n\n- *twice*")
    make_release(product, {}, version="unfinished", published=False)
    make_release(product, {}, version="scheduled", published_at=timezone.now() + timedelta(hours=1))
    flows.yank_release(make_release(product, {}, version="withdrawn"), reason="It bites.")
    page = client.get(url("product_changelog", product.slug))
    assert [release.version for release in page.context["releases"]] == ["1.1", "1.0"]
    text = text_of(page)
    assert "<h1>Changelog of “A book”</h1>" in text
    assert "<h3>Faster</h3>\n<ul>\n<li><em>twice</em></li>\n</ul>" in text
    assert f'<a href="{url("product_detail", product.slug)}">A book</a>' in text
    for hidden in ("unfinished", "scheduled", "withdrawn", "It bites.", "book.pdf"):
        assert hidden not in text


def test_notes_that_attack_come_out_as_words(client, url, product):
    notes = "<script>alert(1)</script>\n\n[x](javascript:alert(1)) ![y](https://t.example/y.gif)"
    make_release(product, {}, notes=notes)
    for page in ("product_changelog", "product_detail"):
        text = text_of(client.get(url(page, product.slug)))
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
        assert "<script>alert" not in text
        assert 'href="javascript' not in text
        assert "t.example" not in text


def test_the_changelog_takes_as_many_queries_for_1_10_and_100_releases(
    client, url, product, settings
):
    settings.DIGITALSTORE_RELEASES_PER_PAGE = 200
    counts = []
    for total in (1, 10, 100):
        for _number in range(product.releases.count(), total):
            make_release(product, {"a.txt": b"a"} if total < 100 else {}, notes="*New*")
        with CaptureQueriesContext(connection) as queries:
            page = client.get(url("product_changelog", product.slug))
        assert len(page.context["releases"]) == total
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts


def test_the_changelog_is_paged_and_nonsense_shows_a_near_page(client, url, product, settings):
    settings.DIGITALSTORE_RELEASES_PER_PAGE = 2
    for _number in range(4):
        make_release(product, {})
    for asked, number in [("2", 2), ("abc", 1), ("99", 3)]:
        page = client.get(url("product_changelog", product.slug), {"page": asked})
        assert page.context["page_obj"].number == number
    assert '<span aria-current="page">Page 3 of 3</span>' in text_of(page)


def test_a_product_without_a_version_says_so(client, url, make_product):
    make_product("Empty", released=False)
    assert "No version yet" in text_of(client.get(url("product_changelog", "empty")))


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_for_sale_has_a_changelog_only_for_whom_the_page_lets_in(
    client_of, client, url, make_product, seller, superuser, customer, status
):
    make_product("Hidden", status=status, seller=seller)
    address = url("product_changelog", "hidden")
    for visitor in (client, client_of(seller), client_of(superuser), client_of(customer)):
        assert visitor.get(address).status_code == 404
    address = url("open_changelog", "hidden")
    assert client.get(address).status_code == 404
    page = client_of(customer).get(address)
    assert "Changelog of “Hidden”" in text_of(page)
    assert url("product_detail", "hidden") not in text_of(page)
    assert client.get(url("product_changelog", "no-such")).status_code == 404


def test_a_product_page_shows_the_newest_versions_and_leads_to_all(client, url, product):
    for number in range(2, 7):
        make_release(product, {f"file-{number}.txt": b"x"}, version=f"{number}.0")
    text = text_of(client.get(url("product_detail", product.slug)))
    assert [f"<h3>{number}.0</h3>" in text for number in range(1, 7)] == [
        *[False, False, False],
        *[True, True, True],
    ]
    assert f'<a href="{url("product_changelog", product.slug)}">All versions</a>' in text
    # Without a changelog nothing may be missing.
    text = text_of(client.get(url("without_checkout", product.slug)))
    assert [f"<h3>{number}.0</h3>" in text for number in range(1, 7)] == [True] * 6
    assert "All versions" not in text


def test_the_filter_shows_markdown_at_the_level_of_the_page_and_nothing_for_none():
    template = Template(
        "{% load digitalstore_catalog %}{{ a|markdown }}{{ a|markdown:2 }}{{ b|markdown }}"
    )
    html = template.render(Context({"a": "# New", "b": None}))
    assert html == "<h4>New</h4>\n<h2>New</h2>\n"


# --- the badge -----------------------------------------------------------------------------------


def test_a_recent_update_has_a_badge_on_the_list_and_on_the_product_page(
    client, url, product, free_product
):
    assert BADGE not in text_of(client.get(url("product_list")))
    make_release(product, {})
    assert text_of(client.get(url("product_list"))).count(BADGE) == 1
    assert BADGE in text_of(client.get(url("product_detail", product.slug)))
    assert BADGE not in text_of(client.get(url("product_detail", free_product.slug)))


def test_badges_take_no_query_of_their_own(client, url, make_product, django_assert_num_queries):
    for number in range(10):
        make_release(make_product(f"Book {number}"), {})
    with CaptureQueriesContext(connection) as queries:
        assert text_of(client.get(url("product_list"))).count(BADGE) == 10
    mentions = [q for q in queries if "is_updated" in q["sql"]]
    assert len(mentions) == 1
    with django_assert_num_queries(1):
        assert all(product.is_updated for product in get_product_model().objects.with_updates())
