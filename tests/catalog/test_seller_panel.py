"""The seller's pages: one's own products and categories, and nobody else's."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.text import capfirst

from django_digitalstore.catalog import get_category_model, get_product_model
from tests.catalog import shop

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.catalog.urls")]

FIELDS = {"title": "New", "slug": "", "price": "12.50", "currency": "EUR", "summary": "Short"}

PAGES = ["seller_products", "seller_product_create", "seller_categories", "seller_category_create"]
ONE_PRODUCT = ["seller_product_update", "seller_product_publish", "seller_product_archive"]
ONE_CATEGORY = ["seller_category_update", "seller_category_delete"]


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


@pytest.fixture
def foreign_product(make_product, other_seller):
    return make_product("Foreign", seller=other_seller)


@pytest.fixture
def foreign_category(make_category, other_seller):
    return make_category("Foreign shelf", seller=other_seller)


@pytest.fixture
def own_category(make_category, seller):
    return make_category("My shelf", seller=seller)


# --- who may come in -----------------------------------------------------------------------------


@pytest.mark.parametrize("page", [*PAGES, *ONE_PRODUCT, *ONE_CATEGORY])
def test_a_visitor_logs_in_and_comes_back(client, url, product, page):
    address = url(page, None if page in PAGES else product.slug)
    answer = client.post(address) if page in ONE_PRODUCT[1:] else client.get(address)
    # The two buttons take no GET: one comes back to the list that they are on.
    back = url("seller_products") if page in ONE_PRODUCT[1:] else address
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={back}")


@pytest.mark.parametrize("page", [*PAGES, *ONE_PRODUCT, *ONE_CATEGORY])
def test_a_customer_is_refused(client_of, customer, url, product, page):
    browser = client_of(customer)
    address = url(page, None if page in PAGES else product.slug)
    assert browser.get(address).status_code == 403
    assert browser.post(address).status_code == 403


@pytest.mark.parametrize("page", ONE_PRODUCT)
def test_another_sellers_product_does_not_exist(as_seller, url, foreign_product, page):
    address = url(page, foreign_product.slug)
    if page == "seller_product_update":
        assert as_seller.get(address).status_code == 404
    assert as_seller.post(address, {**FIELDS, "title": "Mine now"}).status_code == 404
    foreign_product.refresh_from_db()
    assert (foreign_product.title, foreign_product.status) == ("Foreign", "published")


@pytest.mark.parametrize("page", ONE_CATEGORY)
@pytest.mark.parametrize("whose", ["foreign_category", "category"])
def test_a_category_of_another_seller_or_of_the_site_does_not_exist(
    as_seller, url, request, page, whose
):
    category = request.getfixturevalue(whose)
    address = url(page, category.slug)
    assert as_seller.get(address).status_code == 404
    assert as_seller.post(address, {"name": "Mine", "slug": "mine"}).status_code == 404
    assert get_category_model().objects.get(pk=category.pk).name == category.name


def test_the_lists_show_only_ones_own(
    as_seller, url, product, foreign_product, own_category, foreign_category, category
):
    products = as_seller.get(url("seller_products"))
    assert list(products.context["products"]) == [product]
    categories = as_seller.get(url("seller_categories"))
    assert list(categories.context["categories"]) == [own_category]


@pytest.mark.parametrize("page", ["seller_product_publish", "seller_product_archive"])
def test_publish_and_archive_are_no_links(as_seller, url, draft_product, page):
    assert as_seller.get(url(page, draft_product.slug)).status_code == 405
    draft_product.refresh_from_db()
    assert draft_product.status == "draft"


def test_forms_need_their_csrf_token(seller, url, draft_product):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(seller)
    answer = browser.post(url("seller_product_publish", draft_product.slug))
    assert answer.status_code == 403


def test_the_lists_take_as_many_queries_for_1_10_and_100_rows(
    as_seller, url, seller, make_product, make_category, settings
):
    settings.DIGITALSTORE_PRODUCTS_PER_PAGE = 200
    counts = []
    for total in (1, 10, 100):
        for index in range(get_product_model().objects.count(), total):
            make_product(f"Book {index}", seller=seller, released=False)
            make_category(f"Shelf {index}", seller=seller)
        for page, rows in [("seller_products", "products"), ("seller_categories", "categories")]:
            with CaptureQueriesContext(connection) as queries:
                assert len(as_seller.get(url(page)).context[rows]) == total
            counts.append(len(queries))
    assert len(set(counts)) == 1, counts


# --- products ------------------------------------------------------------------------------------


def test_a_new_product_is_a_draft_of_its_seller_whatever_the_form_says(
    as_seller, url, seller, other_seller
):
    tampered = {
        "seller": other_seller.pk,
        "status": "published",
        "published_at": "2020-01-01",
        "featured": "on",
        "id": 77,
    }
    answer = as_seller.post(url("seller_product_create"), {**FIELDS, **tampered}, follow=True)
    product = get_product_model().objects.get()
    assert (product.seller, product.status, product.published_at) == (seller, "draft", None)
    assert (product.featured, product.pk == 77) == (False, False)
    assert (product.slug, product.price, product.currency) == ("new", 1250, "EUR")
    assert answer.redirect_chain == [(url("seller_products"), 302)]
    assert messages_of(answer) == ["“New” is saved as a draft. Publish it when it is ready."]


def test_editing_changes_neither_status_nor_seller(
    as_seller, url, seller, other_seller, draft_product
):
    tampered = {"seller": other_seller.pk, "status": "published"}
    fields = {**FIELDS, "slug": draft_product.slug, **tampered}
    as_seller.post(url("seller_product_update", draft_product.slug), fields)
    draft_product.refresh_from_db()
    assert (draft_product.title, draft_product.price) == ("New", 1250)
    assert (draft_product.seller, draft_product.status) == (seller, "draft")


def test_a_new_product_starts_with_the_stores_currency(as_seller, url):
    page = as_seller.get(url("seller_product_create"))
    assert '<option value="EUR" selected>' in page.content.decode()


@pytest.mark.parametrize(
    ("price", "currency", "stored"),
    [("0", "EUR", 0), ("1.999", "KWD", 1999), ("100", "JPY", 100), ("19.9", "USD", 1990)],
)
def test_the_price_is_read_in_the_currency_that_is_chosen(as_seller, url, price, currency, stored):
    as_seller.post(url("seller_product_create"), {**FIELDS, "price": price, "currency": currency})
    product = get_product_model().objects.get()
    assert (product.price, product.currency) == (stored, currency)


@pytest.mark.parametrize(
    ("tampered", "errors"),
    [
        ({"price": "-1"}, {"price": ["Ensure this value is greater than or equal to 0."]}),
        ({"price": "1.999"}, {"price": ["EUR has only 2 decimal places."]}),
        ({"price": "NaN"}, {"price": ["Enter a number."]}),
        ({"price": "1e99"}, None),
        ({"price": ""}, {"price": ["This field is required."]}),
        (
            {"currency": "XXX"},
            {"currency": ["Select a valid choice. XXX is not one of the available choices."]},
        ),
        ({"title": ""}, {"title": ["This field is required."]}),
        ({"title": "x\x00y"}, {"title": ["Null characters are not allowed."]}),
        (
            {"title": "本"},
            {"slug": ["Nothing could be made of the title. Write letters, digits, hyphens."]},
        ),
        ({"categories": ["77"]}, None),
        ({"categories": ["' OR 1=1"]}, None),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_saved(as_seller, url, tampered, errors):
    answer = as_seller.post(url("seller_product_create"), {**FIELDS, **tampered})
    assert answer.status_code == 200
    assert answer.context["form"].errors
    if errors:
        assert answer.context["form"].errors == errors
    assert not get_product_model().objects.exists()


def test_a_slug_that_is_taken_is_an_error_of_the_form(as_seller, url, foreign_product):
    answer = as_seller.post(url("seller_product_create"), {**FIELDS, "slug": "foreign"})
    assert answer.context["form"].errors == {"slug": ["Product with this Slug already exists."]}
    by_title = as_seller.post(url("seller_product_create"), {**FIELDS, "title": "Foreign"})
    assert by_title.context["form"].errors == {"slug": ["Product with this Slug already exists."]}


def test_a_slug_taken_by_another_request_meanwhile_is_an_error_of_the_form(seller, make_product):
    form = shop.ProductForm({**FIELDS, "slug": "taken"}, seller=seller)
    assert form.is_valid()
    make_product("Taken", released=False)
    assert form.try_to_save() is False
    assert form.errors == {"slug": ["Product with this Slug already exists."]}
    assert form.instance._state.adding


def test_what_is_wrong_with_a_field_that_the_form_lacks_names_it(seller):
    class UntitledForm(shop.ProductForm):
        class Meta(shop.ProductForm.Meta):
            fields = ["slug", "price", "currency"]

    form = UntitledForm({**FIELDS, "slug": "new"}, seller=seller)
    assert form.try_to_save() is False
    name = capfirst(
        get_product_model()._meta.get_field("title").verbose_name
    )  # the host's own word
    assert form.errors == {"__all__": [f"{name}: This field cannot be blank."]}


def test_only_the_sites_and_ones_own_categories_can_be_chosen(
    as_seller, url, category, own_category, foreign_category
):
    page = as_seller.get(url("seller_product_create"))
    choices = page.context["form"].fields["categories"].queryset
    assert set(choices) == {category, own_category}
    answer = as_seller.post(
        url("seller_product_create"), {**FIELDS, "categories": [foreign_category.pk]}
    )
    assert list(answer.context["form"].errors) == ["categories"]
    as_seller.post(
        url("seller_product_create"), {**FIELDS, "categories": [category.pk, own_category.pk]}
    )
    assert set(get_product_model().objects.get().categories.all()) == {category, own_category}


def test_the_form_shows_the_price_as_people_write_it(as_seller, url, product):
    page = as_seller.get(url("seller_product_update", product.slug)).content.decode()
    assert 'name="price" value="19.99"' in page
    assert '<option value="EUR" selected>EUR – Euro</option>' in page


def test_a_form_with_a_field_that_never_comes_from_a_request_says_so(seller):
    class TooMuch(shop.ProductForm):
        class Meta(shop.ProductForm.Meta):
            fields = [*shop.ProductForm.Meta.fields, "status"]

    with pytest.raises(ImproperlyConfigured) as raised:
        TooMuch(seller=seller)
    assert str(raised.value) == (
        "TooMuch has the field 'status', which never comes from a request. Remove 'status' from "
        "TooMuch.Meta.fields."
    )


def test_a_host_may_fix_the_currency(seller):
    class EuroForm(shop.ProductForm):
        currency = None

        class Meta(shop.ProductForm.Meta):
            fields = ["title", "slug", "price"]

    form = EuroForm({"title": "New", "price": "3.50"}, seller=seller)
    assert form.is_valid(), form.errors
    assert (form.save().price, form.instance.currency) == (350, "EUR")


def test_publish_archive_and_publish_again(as_seller, url, draft_product, client):
    answer = as_seller.post(url("seller_product_publish", draft_product.slug), follow=True)
    assert messages_of(answer) == ["“A draft” is published."]
    draft_product.refresh_from_db()
    first = draft_product.published_at
    assert (draft_product.status, first is not None) == ("published", True)
    answer = as_seller.post(url("seller_product_archive", draft_product.slug), follow=True)
    assert messages_of(answer) == ["“A draft” is archived. Who owns it keeps it."]
    assert client.get(url("product_detail", draft_product.slug)).status_code == 404
    as_seller.post(url("seller_product_publish", draft_product.slug))
    draft_product.refresh_from_db()
    assert (draft_product.status, draft_product.published_at) == ("published", first)


def test_a_product_without_a_file_is_published_with_a_warning(as_seller, url, seller):
    products = get_product_model()._default_manager
    product = products.create(title="No file", slug="no-file", seller=seller)
    answer = as_seller.post(url("seller_product_publish", product.slug), follow=True)
    assert messages_of(answer) == [
        "“No file” has no file yet: its buyers get one with its first release.",
        "“No file” is published.",
    ]


def test_what_is_not_ready_is_not_published_and_the_seller_reads_why(as_seller, url, draft_product):
    type(draft_product).objects.update(title="")
    answer = as_seller.post(url("seller_product_publish", draft_product.slug), follow=True)
    assert messages_of(answer) == [
        "“” is not ready to be published. title: This field cannot be blank."
    ]
    draft_product.refresh_from_db()
    assert draft_product.status == "draft"


def test_a_refused_form_keeps_the_stored_title_on_the_page(as_seller, url, product):
    fields = {**FIELDS, "title": "Better", "price": "-1"}
    page = as_seller.post(url("seller_product_update", product.slug), fields)
    assert "<h1>A book</h1>" in page.content.decode()
    assert 'name="title" value="Better"' in page.content.decode()


# --- categories ----------------------------------------------------------------------------------


def test_a_category_is_made_edited_and_deleted(as_seller, url, seller, other_seller, product):
    fields = {"name": "Poems", "slug": "", "position": "", "seller": other_seller.pk}
    as_seller.post(url("seller_category_create"), fields)
    category = get_category_model().objects.get()
    assert (category.slug, category.position, category.seller) == ("poems", 0, seller)

    fields = {"name": "Verse", "slug": "verse", "position": 3, "seller": other_seller.pk}
    as_seller.post(url("seller_category_update", "poems"), fields)
    category.refresh_from_db()
    assert (category.name, category.slug, category.seller) == ("Verse", "verse", seller)

    product.categories.add(category)
    question = as_seller.get(url("seller_category_delete", "verse"))
    assert "1 product lies in it, and stays in the shop without it." in question.content.decode()
    assert get_category_model().objects.count() == 1
    answer = as_seller.post(url("seller_category_delete", "verse"), follow=True)
    assert messages_of(answer) == ["“Verse” is deleted."]
    assert not get_category_model().objects.exists()
    assert list(product.categories.all()) == []
    assert get_product_model().objects.get().status == "published"


def test_a_category_slug_that_is_taken_is_an_error_of_the_form(as_seller, url, category):
    answer = as_seller.post(url("seller_category_create"), {"name": "Books", "position": 0})
    assert answer.context["form"].errors == {"slug": ["Category with this Slug already exists."]}
