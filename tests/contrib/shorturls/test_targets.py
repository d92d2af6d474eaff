"""A short link leads to this site and to chosen hosts, whoever tries what, and by which way."""

from __future__ import annotations

from types import ModuleType
from urllib.parse import quote

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.core.cache import cache
from django.urls import include, path, reverse, set_script_prefix
from django.utils import translation

from django_digitalstore.contrib.shorturls import flows, targets
from django_digitalstore.contrib.shorturls.exceptions import LinkRefused
from django_digitalstore.contrib.shorturls.models import ShortLink
from django_digitalstore.contrib.shorturls.testing import click

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]

CHOSEN = "blog.example.com"
STRANGE = [
    "https://evil.example/",
    "http://evil.example/",
    "//evil.example/",
    "///evil.example/",
    "/\\evil.example/",
    "\\\\evil.example/",
    "/\t/evil.example/",
    "/%5c\n/evil.example/",
    "/a//evil.example/",
    "https:evil.example",
    "https:/evil.example",
    "https:///evil.example/",
    "javascript:alert(1)",
    "data:text/html,hello",
    "ftp://blog.example.com/",
    "https://blog.example.com@evil.example/",
    "https://evil.example\\@blog.example.com/",
    "https://user:pass@blog.example.com/",
    "https://blog.example.com.evil.example/",
    "https://evil.example/?https://blog.example.com/",
    "https://evil.example#blog.example.com",
    "https://blog.example.com:8443/",
    "https://sub.blog.example.com/",
    "https://[::1",
    f"https://{CHOSEN};.evil.example/",
    f"https://{CHOSEN}:@evil.example/",
    f"https://{CHOSEN}%2eevil.example/",
    f"https://{CHOSEN}\u2044@evil.example/",
    "evil.example",
    "http://testserver.evil.example/",
    "http://testserver@evil.example/",
    "\x01/products/",
    "/products/ and more",
    "/\u2028/evil.example/",
    "/./products/",
    "/products/..",
    "/a/%2e%2E/products/",
    "/a/.%2e?q=b",
    f"https://{CHOSEN}/a/../b/",
    f"https://{CHOSEN}/.#a",
]


@pytest.fixture(autouse=True)
def _hosts(settings):
    settings.DIGITALSTORE_SHORTURLS_HOSTS = (CHOSEN,)


@pytest.mark.parametrize("strange", STRANGE, ids=ascii)
def test_the_flow_refuses_it_as_a_path_and_as_an_address(strange, seller):
    for given in ({"path": strange}, {"url": strange}):
        with pytest.raises(LinkRefused):
            flows.create_link(**given, owner=seller, actor=seller)
        with pytest.raises(LinkRefused):
            flows.create_link(**given)  # the site itself is held to it too
    assert not ShortLink.objects.exists()


@pytest.mark.parametrize("strange", STRANGE, ids=ascii)
def test_the_form_refuses_it(strange, seller, client_of):
    page = client_of(seller).post(reverse("shop:seller_link_create"), {"address": strange})
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not ShortLink.objects.exists()


@pytest.mark.parametrize("strange", STRANGE, ids=ascii)
def test_the_admin_refuses_it(strange, superuser, client_of):
    add = reverse("admin:digitalstore_shorturls_shortlink_add")
    page = client_of(superuser).post(add, {"address": strange})
    assert page.status_code == 200
    assert page.context["adminform"].form.errors
    assert not ShortLink.objects.exists()


@pytest.mark.parametrize("strange", STRANGE, ids=ascii)
def test_a_row_that_was_written_by_hand_leads_nowhere(strange, link):
    for fields in (
        {"target_kind": "path", "product_key": "", "path": strange, "url": ""},
        {"target_kind": "url", "product_key": "", "path": "", "url": strange},
        {"target_kind": "product", "product_key": "1", "path": strange, "url": ""},
    ):
        ShortLink.objects.filter(pk=link.pk).update(**fields)
        cache.clear()
        assert click(link).status_code == 404, fields


def test_a_host_that_is_taken_off_the_list_is_closed_at_once(make_link, settings):
    link = make_link(url=f"https://{CHOSEN}/post/?a=//b#c")
    assert click(link)["Location"] == f"https://{CHOSEN}/post/?a=//b#c"
    settings.DIGITALSTORE_SHORTURLS_HOSTS = ()
    assert click(link).status_code == 404


@pytest.mark.parametrize("sign", ["🎈", "é", '"'])
@pytest.mark.parametrize("start", ["/", f"https://{CHOSEN}/"])
def test_an_address_is_as_long_as_it_is_sent(sign, start, make_link):
    kind = "path" if start == "/" else "url"
    encoded = len(quote(sign))
    longest = start + sign * ((2000 - len(start)) // encoded)
    assert click(make_link(**{kind: longest})).status_code == 302
    with pytest.raises(LinkRefused) as refused:
        flows.create_link(**{kind: longest + sign})
    shorter = (
        "Write a shorter one: at most 2000 characters, of which a letter with an accent takes "
        "several."
    )
    assert refused.value.message_dict == {kind: [shorter]}


@pytest.mark.parametrize(
    "given",
    [
        {"path": "/"},
        {"path": "/products/?q=a//b&next=https://evil.example/#top"},
        {"path": "/b%C3%BCcher/"},
        {"path": "/.well-known/...?a=/../b"},
        {"url": f"https://{CHOSEN}"},
        {"url": f"http://{CHOSEN}/a/"},
        {"url": f"https://{CHOSEN.upper()}/a/"},
        {"url": f"HTTPS://{CHOSEN}/a/"},
    ],
    ids=lambda given: next(iter(given.values())),
)
def test_what_is_allowed_is_led_to_as_it_was_written(given, make_link):
    assert click(make_link(**given))["Location"] == next(iter(given.values()))


def test_each_refusal_says_what_to_write(seller):
    def said(**given) -> dict[str, list[str]]:
        with pytest.raises(LinkRefused) as refused:
            flows.create_link(**given, owner=seller, actor=seller)
        return refused.value.message_dict

    slash = "Write a path of this site that begins with one slash, as in /products/."
    signs = "Write it without spaces, control characters and backslashes."
    whole = "Write a whole address, as in https://example.com/page/."
    assert said(path="//evil.example/") == {"path": [slash]}
    assert said(path="/a b/") == {"path": [signs]}
    dots = "Write it without the parts “.” and “..”."
    assert said(path="/a/../b/") == {"path": [dots]}
    assert said(url=f"https://{CHOSEN}/a/..") == {"url": [dots]}
    assert said(url="https://a\\b") == {"url": [signs]}
    assert said(url="javascript:alert(1)") == {"url": [whole]}
    assert said(url="https://[::1") == {"url": [whole]}
    assert said(url="https:/evil.example/") == {"url": [whole]}
    assert said(url=f"https://ada@{CHOSEN}/") == {
        "url": ["Write the address without a user name and a password."]
    }
    assert said(url="https://evil.example/") == {
        "url": ["Links may lead to this site and to blog.example.com, and to nowhere else."]
    }
    assert said(path="/a/", url=f"https://{CHOSEN}/") == {
        "target_kind": ["Say one thing that the link leads to: a product, or an address."]
    }


def test_without_hosts_links_stay_on_the_site(seller, settings):
    settings.DIGITALSTORE_SHORTURLS_HOSTS = ()
    assert targets.problem_of_url("https://blog.example.com/") == (
        "Links lead to pages of this site only."
    )


def test_a_short_link_below_the_prefix_of_any_language_is_one(settings):
    urls = ModuleType("urls_by_language")
    urls.urlpatterns = i18n_patterns(path("store/", include("django_digitalstore.urls")))
    settings.ROOT_URLCONF = urls
    for language in ("en", "de"):
        with translation.override(language):
            assert targets.leads_to_short_link("/de/store/s/loop")
            assert not targets.leads_to_short_link("/de/store/loop")


ITSELF = "This is a short link itself. Write where it leads."
LOOPS = [
    {"path": "/store/s/loop"},
    {"path": "/store/s/loop?again"},
    {"path": "/store/s/%6coop"},
    {"path": "/st%6Fre/s/another"},
    {"url": "http://testserver/store/s/loop"},
    {"url": "https://TESTSERVER/store/s/%6coop#again"},
]


@pytest.mark.parametrize("given", LOOPS, ids=str)
def test_a_link_leads_to_no_other_short_link_nor_to_itself(given, settings):
    settings.DIGITALSTORE_SHORTURLS_HOSTS = ("testserver", CHOSEN)
    with pytest.raises(LinkRefused) as refused:
        flows.create_link(code="loop", **given)
    [kind] = given
    assert refused.value.message_dict == {kind: [ITSELF]}
    fields = {"target_kind": kind, **given}
    ShortLink.objects.create(code="loop", **fields)  # around the flow
    assert click("loop").status_code == 404


def test_below_a_path_too_a_link_leads_to_no_other_short_link(make_link, settings):
    settings.DIGITALSTORE_SHORTURLS_HOSTS = ("testserver", CHOSEN)
    set_script_prefix("/shop/")
    try:
        for given in ({"path": "/shop/store/s/x"}, {"url": "http://testserver/shop/store/s/x"}):
            with pytest.raises(LinkRefused) as refused:
                flows.create_link(**given)
            assert refused.value.message_dict == {next(iter(given)): [ITSELF]}
        make_link(path="/shop/products/")
        make_link(url=f"https://{CHOSEN}/shop/store/s/x")
    finally:
        set_script_prefix("/")


def test_an_address_of_this_site_is_taken_as_its_path(seller, client_of):
    form = {"address": "http://testserver/products/?q=a", "code": "whole"}
    client_of(seller).post(reverse("shop:seller_link_create"), form)
    assert ShortLink.objects.get().path == "/products/?q=a"
    assert click("whole")["Location"] == "/products/?q=a"


def test_a_product_without_a_page_is_named(product, monkeypatch):
    label = product._meta.label
    monkeypatch.setattr(type(product), "get_absolute_url", lambda self: "https://evil.example/")
    with pytest.raises(targets.NoPage) as named:
        targets.path_of_product(product)
    assert str(named.value) == (
        f"{label}.get_absolute_url() gives 'https://evil.example/', which is no path of this site, "
        f"so no short link can lead to it."
    )
    with pytest.raises(LinkRefused) as refused:
        flows.create_link(product=product)
    assert refused.value.message_dict == {
        "product_key": ["This product has no page that a link could lead to."]
    }
    monkeypatch.setattr(type(product), "get_absolute_url", None)
    with pytest.raises(targets.NoPage) as named:
        targets.path_of_product(product)
    assert str(named.value) == (
        f"{label} has no get_absolute_url(), so no short link can lead to it."
    )


def test_a_product_whose_page_has_no_url_is_refused_where_it_is_chosen(
    product, monkeypatch, seller, client_of
):
    monkeypatch.setattr(type(product), "get_absolute_url", lambda self: reverse("nowhere"))
    with pytest.raises(targets.NoPage) as named:
        targets.path_of_product(product)
    assert str(named.value) == (
        f"{product._meta.label}.get_absolute_url() of {product.pk} finds no URL, so no short link "
        f"can lead to it: Reverse for 'nowhere' not found. 'nowhere' is not a valid view function "
        f"or pattern name."
    )
    page = client_of(seller).post(reverse("shop:seller_link_create"), {"product": product.pk})
    assert page.context["form"].errors == {
        "product": ["This product has no page that a link could lead to."]
    }
