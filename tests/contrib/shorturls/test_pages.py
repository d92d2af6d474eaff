"""The seller's panel: their own links, made, found, changed, switched off; nobody else's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from django_digitalstore.contrib.shorturls import flows
from django_digitalstore.contrib.shorturls.models import ShortLink, ShortLinkOrder
from django_digitalstore.contrib.shorturls.testing import click
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.payments.testing import paid_order, place_order

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


@pytest.fixture
def panel(client_of, seller):
    return client_of(seller)


def page(name: str, *args: str) -> str:
    return reverse(f"shop:{name}", args=args)


def codes(response) -> list[str]:
    return [row["link"].code for row in response.context["rows"]]


# --- the list ---------------------------------------------------------------------------------


def test_without_links_the_page_says_what_to_do(panel):
    answer = panel.get(page("seller_links"))
    assert "You have no short links yet" in answer.content.decode()
    assert 'type="search"' not in answer.content.decode()


def test_the_list_shows_ones_own_links_with_clicks_and_orders(
    panel, link, product, customer, other_customer, make_link, other_seller
):
    make_link(owner=other_seller, code="others")
    make_link(code="sites")
    for order in (paid_order(customer, product), place_order(other_customer, product).order):
        ShortLinkOrder.objects.create(link=link, order_public_id=order.public_id)
    ShortLink.objects.filter(pk=link.pk).update(clicks=1234)
    answer = panel.get(page("seller_links"))
    [row] = answer.context["rows"]
    assert (row["link"], row["url"]) == (link, f"http://testserver/store/s/{link.code}")
    assert (row["orders"].placed, row["orders"].paid) == (2, 1)
    assert "1234" in answer.content.decode()


@pytest.mark.parametrize("number", [1, 10, 100])
def test_the_list_takes_the_same_queries_however_long_it_is(
    panel, seller, product, customer, number
):
    ShortLink.objects.bulk_create(
        ShortLink(code=f"c{n}", owner=seller, target_kind="path", path="/") for n in range(number)
    )
    order = paid_order(customer, product)
    ShortLinkOrder.objects.create(
        link=ShortLink.objects.get(code="c0"), order_public_id=order.public_id
    )
    panel.get(page("seller_links"))
    # Session, user, two of permissions, links for the process's own clicks, count, rows, orders.
    with assert_query_budget(8) as sent:
        assert len(codes(panel.get(page("seller_links")))) == min(number, 50)
    assert len(sent) == 8


def test_links_are_found_by_code_label_and_target(panel, seller, make_link):
    make_link(path="/sale/", code="one", owner=seller)
    make_link(path="/news/", code="two", label="Spring letter", owner=seller)

    def found(text: str) -> list[str]:
        return codes(panel.get(page("seller_links"), {"q": text}))

    assert found("on") == ["one"]
    assert found("letter spring") == ["two"]
    assert found("sale") == ["one"]
    assert found("\x00two") == ["two"]
    answer = panel.get(page("seller_links"), {"q": "<b>"})
    assert "Nothing matches “&lt;b&gt;”" in answer.content.decode()


def test_a_click_is_in_the_list_at_once_where_this_process_alone_counts(panel, link):
    click(link)
    [row] = panel.get(page("seller_links")).context["rows"]
    assert row["link"].clicks == 1
    click(link)
    assert panel.get(page("seller_link", link.code)).context["link"].clicks == 2


@pytest.mark.parametrize(
    ("fields", "badge"),
    [
        ({}, '<span class="ds-badge" data-state="published">Works</span>'),
        (
            {"is_active": False},
            '<span class="ds-badge" data-state="cancelled">Switched off</span>',
        ),
        (
            {"expires_at": timezone.now() - timedelta(days=1)},
            '<span class="ds-badge" data-state="expired">Expired</span>',
        ),
    ],
)
def test_the_state_is_said_in_words(panel, link, fields, badge):
    ShortLink.objects.filter(pk=link.pk).update(**fields)
    assert badge in panel.get(page("seller_links")).content.decode()
    assert badge in panel.get(page("seller_link", link.code)).content.decode()


# --- one link ---------------------------------------------------------------------------------


def test_the_page_of_a_link_shows_its_days_and_the_orders_of_its_seller(
    panel, link, product, customer, other_seller, make_product
):
    mine = paid_order(customer, product)
    others = paid_order(customer, make_product("Another", seller=other_seller))
    for order in (mine, others):
        ShortLinkOrder.objects.create(link=link, order_public_id=order.public_id)
    click(link)
    answer = panel.get(page("seller_link", link.code))
    assert [(day.clicks) for day in answer.context["days"]] == [1]
    assert [row["order"] for row in answer.context["orders"]] == [mine]
    assert answer.context["orders"][0]["url"] == page("order_detail", mine.public_id)
    assert (answer.context["order_count"].placed, answer.context["order_count"].paid) == (1, 1)
    text = answer.content.decode()
    assert "1, of which 1 paid" in text
    assert date_format(timezone.localtime(mine.placed_at)) in text
    assert others.public_id not in text


@pytest.mark.parametrize("name", ["seller_link", "seller_link_update"])
def test_other_peoples_links_do_not_exist(name, client_of, link, other_seller, make_link):
    panel = client_of(other_seller)
    assert panel.get(page(name, link.code)).status_code == 404
    assert panel.get(page(name, make_link(code="sites").code)).status_code == 404


def test_nobody_edits_or_switches_off_what_is_somebody_elses(client_of, link, other_seller):
    panel = client_of(other_seller)
    for name, given in (
        ("seller_link_update", {"address": "/stolen/"}),
        ("seller_link_switch", {"on": "0"}),
    ):
        assert panel.post(page(name, link.code), given).status_code == 404
    link.refresh_from_db()
    assert (link.path, link.is_active) == ("/products/a-book/", True)


def test_the_button_switches_a_link_off_and_on(panel, link):
    answer = panel.post(page("seller_link_switch", link.code), {"on": "0"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [
        f"The link “{link.code}” is switched off. Who clicks it finds nothing."
    ]
    link.refresh_from_db()
    assert not link.is_active
    answer = panel.post(page("seller_link_switch", link.code), {"on": "1"}, follow=True)
    assert [str(message) for message in answer.context["messages"]] == [
        f"The link “{link.code}” is switched on."
    ]
    link.refresh_from_db()
    assert link.is_active


# --- the form ---------------------------------------------------------------------------------


def test_a_link_to_a_product_is_made_with_a_code_of_its_own(panel, seller, product):
    answer = panel.post(page("seller_link_create"), {"product": product.pk}, follow=True)
    link = ShortLink.objects.get()
    assert answer.redirect_chain == [(page("seller_link", link.code), 302)]
    assert [str(message) for message in answer.context["messages"]] == [
        f"The link “{link.code}” is saved."
    ]
    assert (link.owner, link.target_kind, link.path) == (
        seller,
        "product",
        product.get_absolute_url(),
    )


def test_only_ones_own_products_can_be_chosen(panel, make_product, other_seller, product):
    strange = make_product("Another", seller=other_seller)
    form = panel.get(page("seller_link_create")).context["form"]
    assert list(form.fields["product"].queryset) == [product]
    answer = panel.post(page("seller_link_create"), {"product": strange.pk})
    assert list(answer.context["form"].errors) == ["product"]
    assert not ShortLink.objects.exists()


@pytest.mark.parametrize(
    ("given", "errors"),
    [
        (
            {},
            {"__all__": ["Say one thing that the link leads to: a product, or an address."]},
        ),
        (
            {"address": "/", "code": "taken"},
            {"code": ["This code is taken. Choose another."]},
        ),
        ({"address": "/", "code": "admin"}, {"code": ["This code is reserved. Choose another."]}),
        (
            {"address": "/", "expires_at": "2020-01-01T00:00"},
            {"expires_at": ["This time is over. Choose a later one, or none."]},
        ),
        (
            {"address": "products"},
            {"address": ["Write a whole address, as in https://example.com/page/."]},
        ),
    ],
    ids=str,
)
def test_what_is_wrong_stands_at_its_field(panel, make_link, given, errors):
    make_link(code="taken")
    answer = panel.post(page("seller_link_create"), given)
    assert answer.context["form"].errors == errors
    assert ShortLink.objects.count() == 1


def test_a_product_and_an_address_together_are_too_much(panel, product):
    answer = panel.post(page("seller_link_create"), {"product": product.pk, "address": "/"})
    assert answer.context["form"].errors == {
        "__all__": ["Say one thing that the link leads to: a product, or an address."]
    }


def test_a_link_is_edited_and_its_code_stays(panel, link):
    form = panel.get(page("seller_link_update", link.code)).context["form"]
    assert "code" not in form.fields
    assert form["product"].value() == link.product_key
    given = {"address": "/sale/", "label": "Poster", "code": "another", "product": ""}
    panel.post(page("seller_link_update", link.code), given)
    link.refresh_from_db()
    assert (link.path, link.label, link.target_kind) == ("/sale/", "Poster", "path")
    assert link.code != "another"


def test_an_edit_that_fails_leaves_the_page_about_the_link_that_is_there(panel, link):
    answer = panel.post(page("seller_link_update", link.code), {"address": "//evil.example"})
    assert answer.context["form"].errors == {
        "address": ["Write a path of this site that begins with one slash, as in /products/."]
    }
    assert answer.context["back_url"] == page("seller_link", link.code)
    link.refresh_from_db()
    assert link.path == "/products/a-book/"


@pytest.mark.parametrize("days", [-1, 1], ids=["expired", "works"])
def test_a_link_is_edited_without_another_date_and_keeps_its_seconds(panel, link, days):
    then = (timezone.now() + timedelta(days=days)).replace(second=42, microsecond=123)
    ShortLink.objects.filter(pk=link.pk).update(expires_at=then)
    form = panel.get(page("seller_link_update", link.code)).context["form"]
    shown = timezone.localtime(then).strftime("%Y-%m-%dT%H:%M")
    assert f'value="{shown}"' in str(form["expires_at"])
    given = {"product": link.product_key, "expires_at": shown, "label": "Poster"}
    answer = panel.post(page("seller_link_update", link.code), given)
    assert answer.status_code == 302
    link.refresh_from_db()
    assert (link.label, link.expires_at) == ("Poster", then)


def test_a_date_that_is_emptied_or_moved_is_what_the_seller_says(panel, link):
    then = timezone.now().replace(second=42) + timedelta(days=1)
    ShortLink.objects.filter(pk=link.pk).update(expires_at=then)
    later = timezone.localtime(then + timedelta(minutes=1)).replace(second=0, microsecond=0)
    given = {"product": link.product_key, "expires_at": later.strftime("%Y-%m-%dT%H:%M")}
    panel.post(page("seller_link_update", link.code), given)
    link.refresh_from_db()
    assert link.expires_at == later
    panel.post(page("seller_link_update", link.code), {**given, "expires_at": ""})
    link.refresh_from_db()
    assert link.expires_at is None


def test_a_link_whose_target_is_emptied_is_refused_and_stays(panel, link):
    answer = panel.post(page("seller_link_update", link.code), {"product": "", "address": ""})
    assert answer.context["form"].errors == {
        "__all__": ["Say one thing that the link leads to: a product, or an address."]
    }
    link.refresh_from_db()
    assert link.path == "/products/a-book/"


def test_the_hosts_are_named_where_an_address_is_written(panel, settings):
    text = "A page of this site, as in /products/."
    help_text = panel.get(page("seller_link_create")).context["form"].fields["address"].help_text
    assert help_text == text
    settings.DIGITALSTORE_SHORTURLS_HOSTS = ("blog.example.com",)
    help_text = panel.get(page("seller_link_create")).context["form"].fields["address"].help_text
    assert help_text == "A page of this site, as in /products/, or one of blog.example.com."


# --- who comes in -----------------------------------------------------------------------------


def test_visitors_log_in_and_customers_stay_outside(client, client_of, customer, link):
    answer = client.post(page("seller_link_switch", link.code))
    assert answer["Location"] == f"/accounts/login/?next={page('seller_links')}"
    for name in ("seller_links", "seller_link_create"):
        assert client.get(page(name)).status_code == 302
        assert client_of(customer).get(page(name)).status_code == 403


def test_a_host_replaces_a_page_by_a_template_of_its_own(panel, link):
    answer = panel.get(page("seller_links"))
    assert [t.name for t in answer.templates if "shortlink" in (t.name or "")] == [
        "digitalstore/shorturls/shortlink_list.html"
    ]
    assert answer.context["view"].get_template_names() == [
        "shop/shortlink_list.html",
        "digitalstore/shorturls/shortlink_list.html",
    ]


def test_deleting_takes_the_statistics_along(link):
    click(link)
    flows.record_clicks()
    flows.delete_link(link)
    assert not ShortLink.objects.exists()
