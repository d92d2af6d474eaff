"""What everybody sees: the list of products, and one product."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_digitalstore.catalog import flows, get_category_model, get_product_model
from django_digitalstore.catalog.testing import make_release

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.catalog.urls")]


def titles(response) -> list[str]:
    assert response.status_code == 200
    return [product.title for product in response.context["products"]]


def text_of(response) -> str:
    assert response.status_code == 200
    return response.content.decode()


# --- the list ------------------------------------------------------------------------------------


def test_only_published_products_are_listed(client, url, make_product):
    make_product("Shown")
    make_product("Unfinished", status="draft")
    make_product("Gone", status="archived")
    assert titles(client.get(url("product_list"))) == ["Shown"]


def test_featured_products_come_first_then_the_newest(client, url, make_product):
    for title, featured in [("Old", False), ("Older but featured", True), ("New", False)]:
        make_product(title, featured=featured, published_at=timezone.now())
    assert titles(client.get(url("product_list"))) == ["Older but featured", "New", "Old"]
    assert titles(client.get(url("product_list"), {"featured": "1"})) == ["Older but featured"]


def test_a_card_names_price_summary_and_categories_and_links_to_the_product(
    client, url, make_product, category
):
    make_product("A book", price=1250, summary="In short").categories.add(category)
    make_product("A leaflet", price=0)
    page = text_of(client.get(url("product_list")))
    assert "€12.50" in page
    assert '<p class="ds-price">Free</p>' in page
    assert "In short" in page
    assert '<p class="ds-meta">Books</p>' in page
    assert f'<a href="{url("product_detail", "a-book")}">A book</a>' in page
    assert '<p class="ds-meta" role="status">2 products</p>' in page


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sea", ["The Sea", "Harbours"]),
        ("SEA storm", ["Harbours"]),
        ("  storm\x00  ", ["Harbours"]),
        ("mountain", []),
        ("%", []),
        ("x" * 10_000, []),
    ],
)
def test_search_finds_products_in_which_every_word_stands(client, url, make_product, words, found):
    make_product("Harbours", summary="By the sea", description="in a storm")
    make_product("The Sea", summary="Blue")
    make_product("Draft of the sea", status="draft")
    assert titles(client.get(url("product_list"), {"q": words})) == found


def test_what_was_searched_is_shown_escaped(client, url):
    page = text_of(client.get(url("product_list"), {"q": "<script>"}))
    assert "Nothing matches “&lt;script&gt;”" in page
    assert "<script>" not in page


def test_several_categories_show_what_lies_in_any_of_them(client, url, make_product, make_category):
    books, fonts, empty = (make_category(name) for name in ("Books", "Fonts", "Empty"))
    make_product("Both").categories.add(books, fonts)
    make_product("Book").categories.add(books)
    make_product("Font").categories.add(fonts)
    make_product("Neither")
    chosen = client.get(url("product_list"), {"category": ["books", "fonts"]})
    assert sorted(titles(chosen)) == ["Book", "Both", "Font"]
    assert chosen.context["categories"] == [books, fonts]
    assert text_of(chosen).count(" checked") == 2
    assert sorted(titles(client.get(url("product_list"), {"category": "books"}))) == [
        "Book",
        "Both",
    ]
    assert titles(client.get(url("product_list"), {"category": empty.slug})) == []


def test_an_unknown_category_adds_nothing_and_alone_finds_nothing(
    client, url, make_product, category
):
    make_product("Book").categories.add(category)
    both = {"category": ["books", "no-such", "\x00", "' OR 1=1"]}
    assert titles(client.get(url("product_list"), both)) == ["Book"]
    assert titles(client.get(url("product_list"), {"category": "no-such"})) == []
    assert titles(client.get(url("product_list"), {"category": ""})) == ["Book"]


@pytest.mark.parametrize(
    ("page", "number"),
    [("2", 2), ("abc", 1), ("0", 3), ("-1", 3), ("99", 3), ("1" * 30, 3), ("9" * 5000, 1), ("", 1)],
)
def test_a_page_that_does_not_exist_shows_a_near_one(
    client, url, make_product, settings, page, number
):
    settings.DIGITALSTORE_PRODUCTS_PER_PAGE = 2
    for index in range(5):
        make_product(f"Book {index}", released=False)
    response = client.get(url("product_list"), {"page": page})
    assert response.status_code == 200
    assert response.context["page_obj"].number == number


def test_links_between_pages_keep_search_and_categories(
    client, url, make_product, category, settings
):
    settings.DIGITALSTORE_PRODUCTS_PER_PAGE = 1
    for index in range(3):
        make_product(f"Book {index}", released=False).categories.add(category)
    page = text_of(client.get(url("product_list"), {"q": "book", "category": "books", "page": 2}))
    assert '<a rel="prev" href="?q=book&amp;category=books&amp;page=1">Previous</a>' in page
    assert '<a rel="next" href="?q=book&amp;category=books&amp;page=3">Next</a>' in page
    assert '<span aria-current="page">Page 2 of 3</span>' in page


def test_an_empty_shop_says_so(client, url):
    assert "Nothing is for sale yet" in text_of(client.get(url("product_list")))


@pytest.mark.parametrize("logged_in", [False, True])
def test_the_list_takes_as_many_queries_for_1_10_and_100_products(
    client, url, make_product, category, customer, settings, logged_in
):
    settings.DIGITALSTORE_PRODUCTS_PER_PAGE = 200
    if logged_in:
        client.force_login(customer)
    counts = []
    for total in (1, 10, 100):
        for index in range(get_product_model().objects.count(), total):
            make_product(f"Book {index}", released=False).categories.add(category)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert len(titles(client.get(url("product_list")))) == total
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts


# --- one product ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["draft", "archived"])
def test_what_is_not_published_has_no_page_also_for_its_seller(
    client_of, client, url, make_product, seller, superuser, status
):
    make_product("Hidden", status=status, seller=seller)
    for visitor in (client, client_of(seller), client_of(superuser)):
        assert visitor.get(url("product_detail", "hidden")).status_code == 404


def test_an_unknown_product_is_404(client, url):
    assert client.get(url("product_detail", "no-such")).status_code == 404


def test_a_product_page_shows_what_one_gets_and_no_way_to_the_file(
    client, url, make_product, category
):
    product = make_product("A book", released=False, description="First\n\n<b>second</b>")
    product.categories.add(category)
    make_release(product, {"old.pdf": b"x" * 2048}, version="1.0", notes="The first")
    newest = make_release(product, {"book.epub": b"x" * 1024}, version="2.0")
    make_release(product, {"draft.pdf": b"x"}, version="3.0", published=False)
    withdrawn = make_release(product, {"withdrawn.pdf": b"x"}, version="1.5")
    flows.yank_release(withdrawn, reason="It bites.")
    page = text_of(client.get(url("product_detail", "a-book")))
    assert 'book.epub</span> <span class="ds-meta">1.0\xa0KB' in page
    assert 'old.pdf</span> <span class="ds-meta">2.0\xa0KB' in page
    assert "<h3>2.0</h3>" in page
    assert "The first" in page
    assert "draft.pdf" not in page
    assert "withdrawn.pdf" not in page
    assert newest.assets.get().file.name not in page
    assert "&lt;b&gt;second&lt;/b&gt;" in page
    assert f'<a href="{url("product_list")}?category=books">Books</a>' in page


def test_the_button_leads_to_the_checkout_with_the_product(client, url, product):
    page = text_of(client.get(url("product_detail", product.slug)))
    assert f'<a class="ds-button" href="/checkout/?product={product.slug}">Buy now</a>' in page
    assert "You log in first, so that the files stay yours." in page


def test_a_free_product_is_got_not_bought(client, url, free_product):
    page = text_of(client.get(url("product_detail", free_product.slug)))
    assert ">Get it</a>" in page
    assert '<p class="ds-price">Free</p>' in page


def test_a_shop_without_checkout_has_no_button(client, url, product):
    page = text_of(client.get(url("without_checkout", product.slug)))
    assert "€19.99" in page
    assert "ds-button" not in page


def test_the_product_page_takes_as_many_queries_for_1_and_10_releases(client, url, product):
    counts = []
    for total in (1, 10):
        for _number in range(product.releases.count(), total):
            make_release(product, {"a.txt": b"a", "b.txt": b"b"})
        with CaptureQueriesContext(connection) as queries:
            text_of(client.get(url("product_detail", product.slug)))
        counts.append(len(queries))
    assert len(set(counts)) == 1, counts


def test_the_public_pages_are_read_only(client, url, product):
    assert client.post(url("product_list")).status_code == 405
    assert client.post(url("product_detail", product.slug)).status_code == 405


def test_a_deleted_category_leaves_its_products_in_the_shop(client, url, product, category):
    product.categories.add(category)
    flows.delete_category(category)
    assert titles(client.get(url("product_list"))) == [product.title]
    assert not get_category_model().objects.exists()


# --- what the host and the features above replace ------------------------------------------------


@pytest.fixture
def host_templates(settings):
    """Put templates before all others, as a host's own app has them."""

    def put(templates: dict[str, str]) -> None:
        engine = dict(settings.TEMPLATES[0], APP_DIRS=False)
        engine["OPTIONS"] = {
            **engine["OPTIONS"],
            "loaders": [
                ("django.template.loaders.locmem.Loader", templates),
                "django.template.loaders.filesystem.Loader",
                "django.template.loaders.app_directories.Loader",
            ],
        }
        settings.TEMPLATES = [engine]

    return put


def test_the_hosts_templates_come_first(client, url, product, host_templates):
    label = f"{product._meta.app_label}/{product._meta.model_name}"
    host_templates(
        {f"{label}_list.html": "Our own list", f"{label}_detail.html": "Our own {{ product }}"}
    )
    assert text_of(client.get(url("product_list"))) == "Our own list"
    assert text_of(client.get(url("product_detail", product.slug))) == "Our own A book"


def test_a_cover_is_shown_where_the_host_has_one(client, url, product, host_templates):
    without = text_of(client.get(url("product_detail", product.slug)))
    assert "<figure" not in without
    cover = '<img class="ds-cover" src="/covers/{{ product.slug }}.png" alt="">'
    host_templates({f"{product._meta.app_label}/_product_cover.html": cover})
    image = f'<img class="ds-cover" src="/covers/{product.slug}.png" alt="">'
    detail = text_of(client.get(url("product_detail", product.slug)))
    assert f"<figure>{image}</figure>" in detail
    assert image in text_of(client.get(url("product_list")))


@pytest.mark.needs("entitlements")
def test_an_owner_sees_what_is_in_the_library_and_others_see_the_price(
    client_of, client, url, product, make_product, customer, other_customer
):
    from django_digitalstore.entitlements.testing import grant

    make_product("Another", seller=product.seller)
    grant(customer, product)
    owner, other = client_of(customer), client_of(other_customer)
    for browser, badges in [(owner, 1), (other, 0), (client, 0)]:
        page = text_of(browser.get(url("product_list")))
        assert page.count("In your library") == badges
        assert page.count("€19.99") == 2 - badges
    detail = url("product_detail", product.slug)
    assert "In your library" in text_of(owner.get(detail))
    assert "Buy now" not in text_of(owner.get(detail))
    assert "Buy now" in text_of(other.get(detail))
