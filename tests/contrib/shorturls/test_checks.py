"""What `manage.py check` says, word for word, about short links."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType

import pytest
from django.core.checks import Error, run_checks
from django.core.checks import Warning as CheckWarning
from django.test import override_settings
from django.urls import include, path

from django_digitalstore.contrib.shorturls.testing import click
from django_digitalstore.contrib.shorturls.views import AttributesLinksMixin
from django_digitalstore.core.views import IsCustomerMixin
from django_digitalstore.payments.views import GenericCheckoutView
from tests.contrib.shorturls import urls

pytestmark = [
    pytest.mark.needs("payments"),
    pytest.mark.django_db(databases="__all__"),  # checks ask what each of them can
]

REDIS = (
    "Write CACHES['default'] = {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': "
    "'redis://host:6379/0', 'OPTIONS': {'SOCKET_CONNECT_TIMEOUT': 1, 'SOCKET_TIMEOUT': 1}} "
    '(`pip install "django-digitalstore[redis]"`), or name another alias in DIGITALSTORE_CACHE.'
)


def site(*patterns) -> ModuleType:
    module = ModuleType("site_of_a_test")
    module.urlpatterns = list(patterns)  # type: ignore[attr-defined]
    return module


def ours(**given) -> list:
    return [m for m in run_checks(**given) if m.id[13:].startswith(("E53", "W53"))]


def test_a_right_site_is_silent():
    assert ours(include_deployment_checks=True) == []


def test_a_site_without_the_urls_is_told_which_line_to_write(settings):
    settings.ROOT_URLCONF = site()
    assert ours() == [
        Error(
            "No URL leads to short links, so none can be clicked.",
            hint=(
                'Add to urlpatterns in your urls.py: path("store/", '
                'include("django_digitalstore.urls")), or, for shorter links, path("s/", '
                'include("django_digitalstore.contrib.shorturls.urls")) and '
                "DIGITALSTORE_SHORTURLS_PREFIX = None in the settings."
            ),
            id="digitalstore.E530",
        )
    ]


def test_a_site_may_include_the_urls_where_it_wants_them(db, settings, make_link):
    settings.ROOT_URLCONF = site(path("go/", include("django_digitalstore.contrib.shorturls.urls")))
    assert ours() == []
    link = make_link(path="/x/")
    answer = click(link)
    assert (answer.request["PATH_INFO"], answer["Location"]) == (f"/go/{link.code}", "/x/")


@pytest.mark.parametrize(
    "host",
    ["https://blog.example.com/", "*.example.com", ".example.com", "*", "", "a b", "a@b", "a/b"],
)
def test_a_host_that_is_none_is_named(settings, host):
    settings.DIGITALSTORE_SHORTURLS_HOSTS = ("blog.example.com", "blog.example.com:8443", host)
    assert ours() == [
        Error(
            f"DIGITALSTORE_SHORTURLS_HOSTS has {host!r}, which is not a host: short links would "
            f"lead to nothing of it, or to more than you mean.",
            hint=(
                'Write DIGITALSTORE_SHORTURLS_HOSTS = ("blog.example.com",): each host alone, '
                "without scheme, path and wildcard."
            ),
            id="digitalstore.E531",
        )
    ]


def test_a_text_is_no_list_of_hosts(settings):
    settings.DIGITALSTORE_SHORTURLS_HOSTS = "blog.example.com"
    assert [message.msg for message in ours()] == [
        "DIGITALSTORE_SHORTURLS_HOSTS must be a tuple of hosts, not 'blog.example.com'."
    ]


@pytest.mark.parametrize(
    ("name", "value", "wanted", "example"),
    [
        ("CODE_LENGTH", 3, "a whole number from 4 to 64", "7"),
        ("CODE_LENGTH", 65, "a whole number from 4 to 64", "7"),
        ("CODE_LENGTH", True, "a whole number from 4 to 64", "7"),
        ("TIMEOUT", 60, "a timedelta of at least a second", "timedelta(seconds=60)"),
        ("TIMEOUT", timedelta(0), "a timedelta of at least a second", "timedelta(seconds=60)"),
        (
            "ATTRIBUTION",
            30,
            "a timedelta; timedelta(0) turns it off",
            "timedelta(days=30)",
        ),
        (
            "PREFIX",
            "/s/",
            "a path that ends with a slash and begins without one, or None",
            '"s/"',
        ),
        ("PREFIX", "s", "a path that ends with a slash and begins without one, or None", '"s/"'),
        ("RESERVED", "admin", "a tuple of codes in small letters", '("admin", "api")'),
        ("RESERVED", ("Admin",), "a tuple of codes in small letters", '("admin", "api")'),
        ("BOTS", ("Bot",), "a tuple of words in small letters", '("bot", "crawl")'),
        ("BOTS", ("",), "a tuple of words in small letters", '("bot", "crawl")'),
    ],
)
def test_a_wrong_value_is_named(settings, name, value, wanted, example):
    setting = f"DIGITALSTORE_SHORTURLS_{name}"
    setattr(settings, setting, value)
    assert ours() == [
        Error(
            f"{setting} must be {wanted}, not {value!r}.",
            hint=f"Write {setting} = {example}.",
            id="digitalstore.E532",
        )
    ]


@pytest.mark.parametrize(
    ("backend", "problem"),
    [
        ("dummy.DummyCache", "a DummyCache, which keeps nothing"),
        ("locmem.LocMemCache", "a LocMemCache, of which every process has its own"),
        ("db.DatabaseCache", "a DatabaseCache, which sends the queries that it should save"),
    ],
    ids=["dummy", "per process", "database"],
)
def test_a_cache_that_is_not_right_for_clicks_is_named_in_production(settings, backend, problem):
    settings.CACHES = {
        "default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "entries"}
    }
    assert ours(include_deployment_checks=True) == []  # not in test mode
    settings.DIGITALSTORE_TEST_MODE = False
    assert ours() == []
    assert ours(include_deployment_checks=True) == [
        CheckWarning(
            f"CACHES['default'] is {problem}: clicks on short links cost queries or get lost, or a "
            f"link that is switched off works on elsewhere.",
            hint=REDIS,
            id="digitalstore.W530",
        )
    ]


def test_a_timeout_of_zero_is_named_in_production(settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": "/nowhere",
            "TIMEOUT": 0,
        }
    }
    settings.DIGITALSTORE_TEST_MODE = False
    [message] = ours(include_deployment_checks=True)
    assert message.msg == (
        "CACHES['default'] has TIMEOUT 0, which keeps nothing: clicks on short links cost queries "
        "or get lost, or a link that is switched off works on elsewhere."
    )


def shop_of(*checkouts) -> ModuleType:
    others = [each for each in urls.shop if each.name != "checkout"]
    pages = [path(f"checkout/{n}/", view.as_view()) for n, view in enumerate(checkouts)]
    return site(
        path("store/", include("django_digitalstore.urls")),
        path("", include(([*others, *pages], "shop"))),
    )


def notes_nothing(name: str) -> CheckWarning:
    return CheckWarning(
        f"{__name__}.{name} does not note the orders that short links led to, so the cookie that "
        f"each click sets is for nothing there.",
        hint=(
            f"Write `class {name}(AttributesLinksMixin, …)`, the mixin first, with "
            f"AttributesLinksMixin of django_digitalstore.contrib.shorturls.views, or "
            f"DIGITALSTORE_SHORTURLS_ATTRIBUTION = timedelta(0)."
        ),
        id="digitalstore.W531",
    )


class PlainCheckout(IsCustomerMixin, GenericCheckoutView):
    base_template = "base.html"
    active_page = "shop"
    return_url = cancel_url = owned_url = "shop:library"


class LateCheckout(PlainCheckout, AttributesLinksMixin):
    def go_and_pay(self, payment):
        return super().go_and_pay(payment)


class Noting(AttributesLinksMixin):
    pass


class RightCheckout(Noting, PlainCheckout):
    def go_and_pay(self, payment):
        return super().go_and_pay(payment)


def test_each_checkout_that_notes_nothing_is_named_in_production(settings):
    settings.ROOT_URLCONF = shop_of(RightCheckout, PlainCheckout, LateCheckout, PlainCheckout)
    assert ours() == []
    assert ours(include_deployment_checks=True) == [
        notes_nothing("PlainCheckout"),
        notes_nothing("LateCheckout"),
    ]
    with override_settings(DIGITALSTORE_SHORTURLS_ATTRIBUTION=timedelta(0)):
        assert ours(include_deployment_checks=True) == []


def test_a_site_without_a_checkout_is_silent(settings):
    settings.ROOT_URLCONF = shop_of()
    assert ours(include_deployment_checks=True) == []
