"""A closed site: what visitors get, and what stays open to whom."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.core import mail
from django.core.cache import cache
from django.test import AsyncClient, Client
from django.test.utils import override_script_prefix
from django.urls import reverse
from django.utils import timezone

from django_digitalstore.contrib.underconstruction import flows
from django_digitalstore.contrib.underconstruction import page as page_module
from django_digitalstore.contrib.underconstruction.flag import Status, flag
from django_digitalstore.contrib.underconstruction.policies import LOG_IN_NAMES, may_come_in
from django_digitalstore.contrib.underconstruction.preview import COOKIE, make_preview_link
from django_digitalstore.core.testing import assert_query_budget
from django_digitalstore.entitlements.policies import has_access
from django_digitalstore.entitlements.testing import customer_who_owns
from django_digitalstore.payments import get_order_model
from django_digitalstore.payments.backends.sandbox import provider
from django_digitalstore.payments.testing import (
    deliver_webhooks,
    place_order,
    sandbox_checkout,
    sign_webhook,
)

pytestmark = pytest.mark.django_db


# --- what visitors get ------------------------------------------------------------------------


def test_an_open_site_is_as_it_was(client):
    response = client.get("/plain/")
    assert (response.status_code, response.content) == (200, b"open")
    assert not response.cookies
    assert "Retry-After" not in response


def test_a_closed_site_answers_503_which_nobody_keeps_and_says_when_to_come_again(client, close):
    close()
    response = client.get("/plain/")
    assert response.status_code == 503
    assert response["Retry-After"] == "600"
    assert response["Cache-Control"] == "no-store"
    assert response["Content-Type"] == "text/html; charset=utf-8"
    assert response["Content-Length"] == str(len(response.content))
    assert "<h1>We are back soon</h1>" in response.content.decode()
    assert not response.cookies


def test_the_end_of_the_closure_is_told_to_programs_and_people(client, close, settings):
    settings.TIME_ZONE = "Europe/Berlin"
    until = timezone.now() + timedelta(minutes=30)
    close(until=until, message="New shelves.\n<b>Soon</b>.", retry_after=7)
    response = client.get("/plain/")
    assert 1790 <= int(response["Retry-After"]) <= 1800
    page = response.content.decode()
    assert "<p>New shelves.<br>&lt;b&gt;Soon&lt;/b&gt;.</p>" in page
    assert f'datetime="{until:%Y-%m-%dT%H:%M:%S}+00:00"' in page
    assert re.search(r"CES?T</time>", page)


def test_the_time_is_that_of_the_site_whoever_came_first(client, close):
    close(until=timezone.now() + timedelta(minutes=30))
    with timezone.override("Asia/Tokyo"):
        assert "UTC</time>" in client.get("/plain/").content.decode()


def test_without_an_end_programs_come_again_after_the_time_that_was_given(client, close):
    close(retry_after=120)
    assert client.get("/plain/")["Retry-After"] == "120"


def test_head_gets_the_same_headers_and_no_body(client, close):
    close()
    got, head = client.get("/plain/"), client.head("/plain/")
    assert (head.status_code, head.content) == (503, b"")
    assert {**head.headers} == {**got.headers}


def test_a_page_that_is_not_there_is_closed_too(client, close):
    close()
    assert client.get("/nowhere/").status_code == 503


def test_the_page_is_in_the_language_of_the_visitor(client, close, settings):
    settings.MIDDLEWARE = [
        "django.middleware.locale.LocaleMiddleware" if m.endswith("CommonMiddleware") else m
        for m in settings.MIDDLEWARE
    ]
    close()
    for language, direction, heading in (
        ("de", "", "Wir sind bald wieder da"),
        ("en", "", "We are back soon"),
        ("ar", ' dir="rtl"', "We are back soon"),
    ):
        page = client.get("/plain/", headers={"accept-language": language}).content.decode()
        assert f'<html lang="{language}"{direction}>' in page
        assert f"<h1>{heading}</h1>" in page


def test_a_host_replaces_the_page_by_a_template_of_the_same_name(client, close, settings, tmp_path):
    own = tmp_path / "digitalstore" / "underconstruction" / "under_construction.html"
    own.parent.mkdir(parents=True)
    own.write_text("Ours: {{ message }}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    close(message="a & b")
    assert client.get("/plain/").content == b"Ours: a &amp; b"


def test_a_template_that_can_not_be_rendered_does_not_open_the_site(
    client, close, settings, tmp_path, caplog
):
    own = tmp_path / "digitalstore" / "underconstruction" / "under_construction.html"
    own.parent.mkdir(parents=True)
    own.write_text("{% url 'nowhere' %}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    close()
    for _ in range(3):
        response = client.get("/plain/")
        assert response.status_code == 503
        assert b"503 Service Unavailable" in response.content
    assert [record.getMessage() for record in caplog.records] == [
        (
            "The template digitalstore/underconstruction/under_construction.html of the closed "
            "site can't be rendered"
        )
    ]


def test_a_template_that_can_be_rendered_again_is_shown_within_a_second(
    client, close, settings, tmp_path, caplog, monkeypatch
):
    now = time.monotonic()
    monkeypatch.setattr(page_module, "time", SimpleNamespace(monotonic=lambda: now))
    own = tmp_path / "digitalstore" / "underconstruction" / "under_construction.html"
    own.parent.mkdir(parents=True)
    own.write_text("{% url 'nowhere' %}")
    # As its own loader does while one develops: what is written is read at once.
    loaders = [("django.template.loaders.filesystem.Loader", [tmp_path])]
    settings.TEMPLATES = [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "OPTIONS": {"loaders": loaders},
        }
    ]
    close()
    assert b"503 Service Unavailable" in client.get("/plain/").content
    own.write_text("Ours")
    assert b"503 Service Unavailable" in client.get("/plain/").content  # nobody waits for it
    now += 1.05
    assert client.get("/plain/").content == b"Ours"
    assert len(caplog.records) == 1


def test_a_changed_message_is_shown_at_once(client, close):
    close(message="One")
    assert b"One" in client.get("/plain/").content
    close(message="Two")
    assert b"Two" in client.get("/plain/").content


def test_nobody_is_mailed_for_each_visitor_of_a_closed_site(client, close, settings, caplog):
    settings.ADMINS = [("Ada", "ada@example.com")]
    settings.DEBUG = False
    close()
    client.get("/plain/")
    assert caplog.records == []
    assert mail.outbox == []


# --- nothing happens there --------------------------------------------------------------------


def test_a_post_of_an_anonymous_buyer_does_nothing(close, product):
    close()
    client = Client(enforce_csrf_checks=True)
    response = client.post(reverse("shop:checkout"), {"product": product.slug, "email": "a@b.de"})
    assert response.status_code == 503
    assert not get_order_model().objects.exists()
    assert not client.cookies


def test_a_customer_who_is_logged_in_buys_nothing(close, client_of, customer, product):
    client = client_of(customer)
    close()
    data = {"product": product.slug, "email": "a@b.de", "country": "DE"}
    assert client.post(reverse("shop:checkout"), data).status_code == 503
    assert not get_order_model().objects.exists()


# --- no queries -------------------------------------------------------------------------------


def test_an_open_site_sends_no_query(client):
    client.get("/plain/")
    with assert_query_budget(0):
        for _ in range(20):
            assert client.get("/plain/").status_code == 200


def test_a_closed_site_sends_no_query(client, close):
    close()
    client.get("/plain/")
    with assert_query_budget(0):
        for _ in range(20):
            assert client.get("/plain/").status_code == 503


def test_the_page_is_rendered_once(client, close, monkeypatch):
    close()
    client.get("/plain/")
    pages = "django_digitalstore.contrib.underconstruction.page.render_to_string"
    monkeypatch.setattr(pages, lambda *args: pytest.fail("It is rendered again."))
    flag._fresh_until = 0.0  # a second later it is read again, and is the same
    assert client.get("/plain/").status_code == 503


# --- what stays open --------------------------------------------------------------------------


OPEN_TO_ALL = [
    "/marked/",
    "/class/",
    "/static/page.css",
    "/media/cover.png",
    "/admin/login/",
    "/backstage/login/",
    "/two-factors/",
    "/github/callback/",
    "/accounts/login/",
    "/accounts/password_reset/",
    "/accounts/password_reset/done/",
    "/accounts/reset/MQ/set-password/",
    "/accounts/reset/done/",
]


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_these_stay_open(client, close, settings, path):
    settings.MEDIA_URL = "/media/"
    close()
    assert client.get(path).status_code == 200


def test_the_names_of_django_allauth_are_its_own():
    allauth = find_spec("allauth")
    if allauth is None:
        pytest.skip("django-allauth is absent")
    (folder,) = allauth.submodule_search_locations or ()
    written = "".join(path.read_text("utf-8") for path in Path(folder).rglob("urls.py"))
    assert {name for name in LOG_IN_NAMES if f'name="{name}"' not in written} == set()


def other_urls(get_response: Any) -> Any:
    def choose(request: Any) -> Any:
        request.urlconf = "tests.contrib.underconstruction.other_urls"
        return get_response(request)

    return choose


def test_the_urls_are_those_that_a_middleware_chose(client, close, settings):
    settings.MIDDLEWARE = [f"{__name__}.other_urls", *settings.MIDDLEWARE]
    close()
    assert client.get("/elsewhere/").status_code == 200
    assert client.get("/marked/").status_code == 503


def test_nobody_can_log_out_of_being_let_out(close, client_of, customer):
    client = client_of(customer)
    close()
    assert client.post("/accounts/logout/").status_code == 302


def test_a_visitor_logs_in_and_changes_the_language(client, close, make_user):
    make_user("ada", password="pass-word-1")
    close()
    response = client.post("/accounts/login/", {"username": "ada", "password": "pass-word-1"})
    assert response.status_code == 302
    response = client.post("/i18n/setlang/", {"language": "de", "next": "/"})
    assert response.status_code == 302
    assert response.cookies["django_language"].value == "de"


def test_the_page_for_logging_in_is_found_by_the_setting_too(client, close, settings):
    close()
    assert client.get("/sign-in/").status_code == 503
    for login_url in ("sign-in", "/sign-in/"):
        settings.LOGIN_URL = login_url
        assert client.get("/sign-in/").status_code == 200


def test_the_setting_opens_paths_and_names(client, close, settings):
    close()
    for path in ("/healthz", "/status/database/", "/imprint/"):
        assert client.get(path).status_code == 503
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN = ["/healthz", "/status/*", "imprint"]
    for path in ("/healthz", "/status/database/", "/imprint/"):
        assert client.get(path).status_code == 200
    for path in ("/healthz/", "/status", "/plain/"):
        assert client.get(path).status_code == 503


def test_an_open_page_is_found_without_its_last_slash_as_on_an_open_site(client, close, settings):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN = ["/status/*", "imprint"]
    settings.LOGIN_URL = "/sign-in/"
    pages = ["/backstage", "/accounts/login", "/marked", "/sign-in", "/imprint"]
    pages += ["/status/database"]
    open_site = [(client.get(page).status_code, client.get(page)["Location"]) for page in pages]
    assert open_site == [(301, f"{page}/") for page in pages]
    close()
    for page in pages:
        answer = client.get(page)
        assert (answer.status_code, answer.get("Location")) == (301, f"{page}/")


def test_what_an_open_site_would_not_lead_to_is_closed_without_its_slash(client, close, settings):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN = ["/nowhere/", "/healthz/"]
    close()
    for path in ("/nowhere", "/plain", "/healthz"):  # "/healthz" is a page itself, another one
        assert client.get(path).status_code == 503
    settings.APPEND_SLASH = False
    assert client.get("/marked").status_code == 503


@pytest.mark.parametrize("name", ["MEDIA_URL", "STATIC_URL"])
def test_an_empty_address_of_files_is_not_the_whole_site(client, close, settings, name):
    setattr(settings, name, "")
    close()
    assert client.get("/plain/").status_code == 503


def test_beside_an_empty_address_the_files_of_the_other_are_open(client, close, settings):
    settings.STATIC_URL, settings.MEDIA_URL = "", "/media/"
    close()
    assert client.get("/media/cover.png").status_code == 200


@pytest.fixture
def below_a_path(settings: Any) -> Iterator[None]:
    settings.FORCE_SCRIPT_NAME = "/shop"
    with override_script_prefix("/shop/"):  # as a server does it, which the test client is not
        yield


@pytest.mark.parametrize("name", ["MEDIA_URL", "STATIC_URL"])
@pytest.mark.parametrize("address", ["", "/", "/shop/"])
def test_nor_is_it_the_whole_site_below_a_path(
    client, close, settings, below_a_path, name, address
):
    setattr(settings, name, address)
    close()
    assert client.get("/plain/").status_code == 503


def test_files_below_the_path_of_the_site_are_open(client, close, settings, below_a_path):
    settings.STATIC_URL, settings.MEDIA_URL = "static/", "/shop/media/"
    close()
    for path in ("/static/page.css", "/media/cover.png"):
        assert client.get(path).status_code == 200


def test_staff_use_the_site(close, client_of, staff, customer, make_user):
    gone = make_user("gone", is_staff=True, is_active=False)
    clients = [client_of(staff), client_of(customer), client_of(gone)]
    close()
    assert [c.get("/plain/").status_code for c in clients] == [200, 503, 503]


def caching_of(response: Any) -> tuple[set[str], set[str]]:
    return tuple(  # type: ignore[return-value]
        set(filter(None, response.get(name, "").split(", "))) for name in ("Cache-Control", "Vary")
    )


FOR_ONE_PERSON = ({"max-age=600", "private", "no-store"}, {"Accept", "Cookie"})


def test_nobody_keeps_what_staff_see_of_a_closed_site(client, close, client_of, staff):
    inside = client_of(staff)
    for_all = ({"public", "max-age=600"}, {"Accept"})
    assert caching_of(inside.get("/kept/")) == for_all
    close()
    assert caching_of(inside.get("/kept/")) == FOR_ONE_PERSON


def test_pages_that_are_open_to_all_may_be_kept(close, client_of, staff, settings):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN = ["/kept/"]
    close()
    assert caching_of(client_of(staff).get("/kept/")) == ({"public", "max-age=600"}, {"Accept"})


def test_what_is_streamed_to_staff_arrives_whole(close, client_of, staff):
    inside = client_of(staff)
    close()
    response = inside.get("/stream/")
    assert response.getvalue() == b"one after the other"
    assert caching_of(response) == ({"private", "no-store"}, {"Cookie"})


def test_staff_are_active_whatever_the_backend_says():
    user = get_user_model()
    assert may_come_in(user(is_staff=True, is_active=True))
    assert not may_come_in(user(is_staff=True, is_active=False))


def test_without_users_there_is_no_staff(client, close, settings):
    settings.MIDDLEWARE = [settings.MIDDLEWARE[-1]]
    close()
    assert client.get("/plain/").status_code == 503


def test_a_payment_that_is_on_its_way_arrives(close, customer, product, client):
    payment = place_order(customer, product)
    provider.pay(sandbox_checkout(payment), "succeeded")
    close()
    assert [answer.status_code for answer in deliver_webhooks(client)] == [200]
    assert has_access(customer, product)
    assert get_order_model().objects.get(pk=payment.order_id).status == "paid"


def test_the_page_that_stands_in_for_a_provider_is_not_of_the_shop(
    close, customer, product, client
):
    payment = place_order(customer, product)
    close()
    assert client.get(payment.checkout_url).status_code == 200


def test_a_forged_webhook_is_refused_as_always(close, client):
    body, headers = sign_webhook({"type": "payment.succeeded"})
    close()
    address = reverse("digitalstore_payments:webhook", args=["default"])
    headers = {**headers, "webhook-signature": "v1,forged"}
    response = client.post(address, body, content_type="application/json", headers=headers)
    assert response.status_code == 401


# --- owners -----------------------------------------------------------------------------------


def library_and_downloads(client: Client, product: Any) -> list[int]:
    asset = product.releases.get().assets.get()
    made = client.post(reverse("shop:download_link", args=[asset.pk]))
    answers = [
        client.get(reverse("shop:library")),
        client.get(reverse("shop:library_releases", args=[product.slug])),
        made,
        client.get(made["Location"]) if made.status_code == 303 else made,
    ]
    return [answer.status_code for answer in answers]


def test_owners_keep_their_library_and_their_downloads(close, client_of, product):
    client = client_of(customer_who_owns(product))
    close()
    assert library_and_downloads(client, product) == [200, 200, 303, 200]
    assert client.get(reverse("shop:product_list")).status_code == 503


def test_with_the_setting_off_owners_wait_like_everybody_else(close, client_of, product, settings):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN_TO_OWNERS = False
    client = client_of(customer_who_owns(product))
    close()
    assert library_and_downloads(client, product) == [503, 503, 503, 503]


def test_the_library_asks_for_an_owner_as_always(close, client, client_of, customer, product):
    close()
    asset = product.releases.get().assets.get()
    library = reverse("shop:library")
    assert client.get(library)["Location"] == f"/accounts/login/?next={library}"
    stranger = client_of(customer)
    assert stranger.post(reverse("shop:download_link", args=[asset.pk])).status_code == 404


# --- buyers who come back from the provider -----------------------------------------------------


def way_back(payment: Any) -> str:
    return reverse("shop:order_return", args=[payment.order.public_id])


def test_a_buyer_who_paid_meanwhile_comes_back_and_reads_their_receipt(
    close, client_of, customer, product
):
    client, payment = client_of(customer), place_order(customer, product)
    close()
    page = client.get(way_back(payment))
    assert (page.status_code, page.context["order"].status) == (200, "pending")
    again = page["Refresh"].partition("url=")[2]
    provider.pay(sandbox_checkout(payment), "succeeded")
    cache.clear()  # as if some seconds had passed
    page = client.get(again)
    assert (page.status_code, page.context["order"].status) == (200, "paid")
    assert has_access(customer, product)
    links = [page.context["owned_url"], page.context["receipt_url"]]
    assert [client.get(link).status_code for link in links] == [200, 200]


def test_nobody_pays_anew_on_the_way_back(close, client_of, customer, product):
    client, payment = client_of(customer), place_order(customer, product)
    provider.pay(sandbox_checkout(payment), "failed")
    close()
    assert client.get(way_back(payment)).context["order"].status == "failed"
    assert client.post(way_back(payment)).status_code == 503
    assert payment.order.payments.count() == 1


def test_the_way_back_is_the_buyers_alone_as_always(
    close, client, client_of, make_user, customer, product
):
    payment = place_order(customer, product)
    stranger = client_of(make_user("stranger"))
    close()
    here = way_back(payment)
    assert client.get(here)["Location"] == f"/accounts/login/?next={here}"
    for page in ("return", "receipt"):
        for order in (payment.order.public_id, "NOTHING"):
            answer = stranger.get(reverse(f"shop:order_{page}", args=[order]))
            assert answer.status_code == 404


def test_with_the_setting_off_buyers_come_back_to_a_closed_site(
    close, client_of, customer, product, settings
):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN_TO_OWNERS = False
    client, payment = client_of(customer), place_order(customer, product)
    close()
    assert client.get(way_back(payment)).status_code == 503


# --- by schedule ------------------------------------------------------------------------------


def test_the_site_closes_and_opens_by_its_clock_without_a_query(client):
    flows.schedule(
        starts_at=timezone.now() + timedelta(seconds=1),
        ends_at=timezone.now() + timedelta(seconds=2),
        reason="We move.",
    )
    flag.forget()
    client.get("/plain/")
    # What the process knows is pinned: only the clock moves.
    with flag.pinned(flag.current()), assert_query_budget(0):
        assert client.get("/plain/").status_code == 200
        statuses = []
        for _ in range(25):
            statuses.append(client.get("/plain/").status_code)
            time.sleep(0.1)
    assert [s for i, s in enumerate(statuses) if i == 0 or s != statuses[i - 1]] == [200, 503, 200]


@pytest.mark.parametrize(
    ("status", "closed"),
    [
        (Status(), False),
        (Status(is_on=True), True),
        (Status(is_on=True, ends_at=101), True),
        (Status(is_on=True, ends_at=100), False),
        (Status(starts_at=100), True),
        (Status(starts_at=101), False),
        (Status(starts_at=99, ends_at=101), True),
        (Status(starts_at=98, ends_at=99), False),
    ],
)
def test_whether_it_is_closed_at_one_hundred(status, closed):
    assert status.is_closed_at(100) is closed


# --- under ASGI -------------------------------------------------------------------------------


async def _asks(path: str, **cookies: str) -> Any:
    client = AsyncClient()
    for name, value in cookies.items():
        client.cookies[name] = value
    return await client.get(path)


def test_under_asgi_it_is_the_same(close, client_of, staff, customer, settings):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN = ["/healthz"]
    sessions = {
        name: client_of(user).cookies["sessionid"].value
        for name, user in {"staff": staff, "customer": customer}.items()
    }
    ask = async_to_sync(_asks)
    assert ask("/slow/").status_code == 200
    close()
    response = ask("/slow/")
    assert (response.status_code, response["Retry-After"]) == (503, "600")
    assert ask("/plain/").status_code == 503
    assert ask("/healthz").status_code == 200
    assert ask("/accounts/login/").status_code == 200
    assert ask("/slow/", sessionid=sessions["staff"]).status_code == 200
    assert ask("/slow/", sessionid=sessions["customer"]).status_code == 503


async def _stream(**cookies: str) -> tuple[bytes, Any]:
    response = await _asks("/stream/", **cookies)
    return b"".join([chunk async for chunk in response]), response


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume synchronous:Warning")
def test_under_asgi_nobody_keeps_what_one_person_sees_either(close, client_of, staff):
    session = client_of(staff).cookies["sessionid"].value
    token = make_preview_link().token
    close()
    ask = async_to_sync(_asks)
    for cookies in ({"sessionid": session}, {COOKIE: token}):
        assert caching_of(ask("/kept/", **cookies)) == FOR_ONE_PERSON
        content, response = async_to_sync(_stream)(**cookies)
        assert content == b"one after the other"
        assert caching_of(response) == ({"private", "no-store"}, {"Cookie"})


def test_under_asgi_a_chain_without_users_closes_too(close, settings):
    settings.MIDDLEWARE = [settings.MIDDLEWARE[-1]]
    close()
    assert async_to_sync(_asks)("/slow/").status_code == 503
