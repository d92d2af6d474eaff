"""A click: no query while the cache knows the code, one where it doesn't; never a wrong page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import NoReverseMatch
from django.utils import timezone

from django_digitalstore.contrib.shorturls import flows, resolution
from django_digitalstore.contrib.shorturls.models import ShortLink
from django_digitalstore.contrib.shorturls.testing import click, saved_clicks
from django_digitalstore.contrib.shorturls.views.public import ShortLinkRedirectView
from django_digitalstore.core import caching
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.payments.webhook import PaymentWebhookView

pytestmark = [pytest.mark.django_db, pytest.mark.needs("payments")]


def is_gone(answer) -> bool:
    return answer.status_code == 404


# --- queries ----------------------------------------------------------------------------------


def test_a_click_costs_one_query_when_cold_and_none_when_warm(any_cache, link, product):
    with assert_query_budget(1) as cold:
        answer = click(link)
    assert len(cold) == 1
    for _ in range(3):
        with assert_query_budget(0):
            again = click(link)
        assert (again.status_code, again["Location"]) == (302, product.get_absolute_url())
    assert answer["Location"] == again["Location"]


def test_a_code_that_nobody_has_is_kept_too(redis_server, settings):
    settings.CACHES = redis_server.caches
    with assert_query_budget(1) as cold:
        assert is_gone(click("nobody"))
    assert len(cold) == 1
    with assert_query_budget(0):
        assert is_gone(click("nobody"))


def test_of_many_codes_that_are_tried_only_so_many_are_kept(redis_server, settings, monkeypatch):
    settings.CACHES = redis_server.caches
    settings.DIGITALSTORE_SHORTURLS_TIMEOUT = timedelta(hours=1)
    monkeypatch.setattr(resolution, "_MISSES", 3)
    tried = [f"tried{number}" for number in range(5)]
    for _ in range(2):
        assert [resolution.resolve(code) for code in tried] == [None] * 5
    kept = [code for code in tried if caching.shared().get(f"link:1:{code}") is not None]
    assert kept == tried[:3]


def test_codes_that_are_tried_drive_no_click_out_of_a_cache_of_a_process(link):
    click(link)
    for number in range(400):  # of 300 entries that local memory has room for
        assert resolution.resolve(f"tried{number}") is None
    with assert_query_budget(0):
        click(link)
    assert saved_clicks(link) == 2


@pytest.mark.parametrize("code", ["-x", "x-", "_", "y" * 65], ids=str)
def test_what_no_link_can_be_called_costs_no_query_and_no_entry(code):
    with assert_query_budget(0):
        assert is_gone(click(code))
    assert caching.shared().get(f"link:1:{code}") is None


def test_entries_of_a_release_that_kept_another_form_are_not_read(link):
    caching.shared().set(f"link:{link.code}", (None, "/of another form/"), timeout=None)
    assert click(link)["Location"] == link.path


def test_a_click_opens_no_transaction_where_each_request_has_one(link, monkeypatch):
    click(link)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    with assert_query_budget(0):
        assert click(link).status_code == 302


def test_clicks_and_webhooks_run_outside_the_transactions_of_every_database(monkeypatch):
    with monkeypatch.context() as patched:
        patched.setitem(connections.settings, "other", connections.settings["default"])
        views = [view.as_view() for view in (ShortLinkRedirectView, PaymentWebhookView)]
    for view in views:
        assert view._non_atomic_requests == {"default", "other"}


def test_a_link_is_clicked_without_logging_in_where_every_page_asks_for_it(link, settings):
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert click(link)["Location"] == f"/products/{link.path.split('/')[2]}/"


# --- the answer -------------------------------------------------------------------------------


def test_the_answer_is_kept_by_nobody_and_found_by_no_crawler(link):
    answer = click(link)
    assert answer.status_code == 302
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Robots-Tag"] == "noindex"


def test_head_is_answered_alike_and_post_is_not(link, client):
    address = f"/store/s/{link.code}"
    assert client.head(address)["Location"] == click(link)["Location"]
    answer = client.post(address)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_unknown_switched_off_and_expired_look_the_same(link, make_link, committed):
    committed(flows.disable_link, link)
    old = make_link()
    ShortLink.objects.filter(pk=old.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    answers = [click(code) for code in ("nobody", link.code, old.code)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert len({answer.content for answer in answers}) == 1


def test_codes_differ_by_case(make_link):
    make_link(path="/small/", code="ab")
    make_link(path="/large/", code="AB")
    assert (click("ab")["Location"], click("AB")["Location"]) == ("/small/", "/large/")
    assert is_gone(click("Ab"))


def test_a_link_expires_while_the_cache_still_knows_it(make_link, monkeypatch):
    link = make_link(path="/sale/", expires_at=timezone.now() + timedelta(seconds=30))
    assert click(link)["Location"] == "/sale/"
    later = resolution.time.time() + 31
    monkeypatch.setattr(resolution.time, "time", lambda: later)
    with assert_query_budget(0):
        assert is_gone(click(link))


# --- a change is felt -------------------------------------------------------------------------


def test_a_change_is_felt_by_the_next_click(any_cache, link, committed):
    click(link)
    committed(flows.change_link, link, path="/elsewhere/")
    assert click(link)["Location"] == "/elsewhere/"
    with assert_query_budget(0):
        assert click(link)["Location"] == "/elsewhere/"
    committed(flows.disable_link, link)
    assert is_gone(click(link))
    committed(flows.enable_link, link)
    assert click(link)["Location"] == "/elsewhere/"
    committed(flows.delete_link, link)
    assert is_gone(click(link))


def test_a_link_works_though_it_was_clicked_before_it_was_made(any_cache, make_link):
    assert is_gone(click("early"))
    make_link(path="/now/", code="early")
    assert click("early")["Location"] == "/now/"


def test_nothing_is_forgotten_before_the_commit_or_after_a_rollback(link):
    click(link)
    flows.disable_link(link)  # the commit of a test never comes
    with assert_query_budget(0):
        assert click(link).status_code == 302


def test_without_news_an_entry_is_asked_for_again_after_its_time(link, settings):
    settings.DIGITALSTORE_SHORTURLS_TIMEOUT = timedelta(seconds=1)
    click(link)
    ShortLink.objects.filter(pk=link.pk).update(is_active=False)  # around the flows
    assert click(link).status_code == 302
    resolution.time.sleep(1.1)
    assert is_gone(click(link))


def test_a_link_follows_its_product_when_that_gets_another_address(link, product, committed):
    click(link)
    type(product).objects.filter(pk=product.pk).update(slug="renamed")
    assert committed(flows.refresh_products) == 1
    assert click(link)["Location"] == "/products/renamed/"
    assert committed(flows.refresh_products) == 0


@pytest.mark.parametrize(
    ("error", "logged"),
    [
        (NoReverseMatch(), []),
        (ZeroDivisionError(), ["Where product {} has its page is not known."]),
    ],
    ids=["has no page", "fails"],
)
def test_a_product_that_cannot_say_where_its_page_is_stops_no_other(
    link, product, make_product, make_link, committed, monkeypatch, caplog, error, logged
):
    other = make_product("Another")
    link_of_other = make_link(other)
    type(product).objects.filter(pk=product.pk).update(slug="broken")
    type(product).objects.filter(pk=other.pk).update(slug="renamed")
    right = type(product).get_absolute_url

    def address(self) -> str:
        if self.slug == "broken":
            raise error
        return right(self)

    monkeypatch.setattr(type(product), "get_absolute_url", address)
    assert committed(flows.refresh_products) == 1
    assert click(link)["Location"] == "/products/a-book/"
    assert click(link_of_other)["Location"] == "/products/renamed/"
    messages = [record.getMessage() for record in caplog.records]
    assert messages == [text.format(product.pk) for text in logged]


def test_a_link_to_a_product_that_is_gone_leads_to_its_page_which_says_so(make_link, make_product):
    product = make_product("Short-lived", released=False)
    link = make_link(product)
    product.delete()
    flows.refresh_products()
    assert click(link)["Location"] == "/products/short-lived/"


# --- who counts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"user_agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"user_agent": "facebookexternalhit/1.1"},
        {"user_agent": "WhatsApp/2.23.20.0"},
        {"user_agent": "Mozilla/5.0 AppleWebKit/537.36; compatible; ChatGPT-User/1.0"},
        {"user_agent": "Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)"},
        {"user_agent": "curl/8.5.0"},
        {"user_agent": "Wget/1.21.4"},
        {"user_agent": "python-requests/2.32.4"},
        {"user_agent": "Python/3.13 aiohttp/3.12"},
        {"user_agent": "Scrapy/2.13 (+https://scrapy.org)"},
        {"user_agent": "Go-http-client/2.0"},
        {"user_agent": "Apache-HttpClient/4.5.14 (Java/17.0.11)"},
        {"user_agent": "Java/17.0.11"},
        {"user_agent": "okhttp/4.12.0"},
        {"user_agent": "node-fetch/1.0"},
        {"user_agent": "axios/1.10.0"},
        {"user_agent": "libwww-perl/6.77"},
        {"user_agent": ""},
        {"sec_purpose": "prefetch;prerender"},
        {"purpose": "prefetch"},
        {"x_purpose": "preview"},
        {"x_moz": "prefetch"},
    ],
    ids=lambda headers: " ".join(headers.values()),
)
def test_crawlers_and_what_is_fetched_ahead_are_sent_on_and_not_counted(link, headers):
    answer = click(link, **headers)
    assert answer.status_code == 302
    assert not answer.cookies
    assert saved_clicks(link) == 0


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "Mozilla/5.0 (Linux; Android 9; CUBOT_X19) AppleWebKit/537.36 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 Mobile Safari/537.36",
    ],
)
def test_people_count(link, agent):
    click(link, user_agent=agent)
    assert saved_clicks(link) == 1


def test_who_does_not_say_what_they_are_does_not_count(link):
    Client().get(f"/store/s/{link.code}")
    assert saved_clicks(link) == 0


def test_head_does_not_count(link):
    click(link)
    Client().head(f"/store/s/{link.code}", headers={"user-agent": "Mozilla/5.0"})
    assert saved_clicks(link) == 1
