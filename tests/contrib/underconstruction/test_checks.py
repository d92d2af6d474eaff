"""What the checks say, word for word."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.core.checks import run_checks

from .conftest import MIDDLEWARE

pytestmark = pytest.mark.django_db(databases="__all__")

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
LOCALE = "django.middleware.locale.LocaleMiddleware"
# Django's own: it needs no package before it is asked.
REDIS = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://h:1"}
}


def found(*, deploy: bool = False) -> list[tuple[str | None, str, str | None]]:
    messages = run_checks(include_deployment_checks=deploy)
    ours = ("digitalstore.E54", "digitalstore.W54")
    return [(m.id, m.msg, m.hint) for m in messages if (m.id or "").startswith(ours)]


def test_a_right_site_has_no_findings(settings):
    assert found() == []
    settings.CACHES = REDIS
    settings.DIGITALSTORE_TEST_MODE = False
    assert found(deploy=True) == []


def test_w540_the_switch_needs_its_middleware(settings):
    settings.MIDDLEWARE = [m for m in settings.MIDDLEWARE if m != MIDDLEWARE]
    assert found() == []
    assert found(deploy=True) == [
        (
            "digitalstore.W540",
            (
                "django_digitalstore.contrib.underconstruction is installed, and MIDDLEWARE lacks "
                "its UnderConstructionMiddleware: the site stays open whatever the switch says."
            ),
            (
                f"Write '{MIDDLEWARE}' into MIDDLEWARE, behind '{AUTHENTICATION}', or take the app "
                f"out of INSTALLED_APPS."
            ),
        )
    ]


def test_a_subclass_is_the_middleware_too(settings):
    settings.MIDDLEWARE = [
        "tests.contrib.underconstruction.subclass.Ours" if m == MIDDLEWARE else m
        for m in settings.MIDDLEWARE
    ]
    assert found(deploy=True) == []


def test_e540_users_are_known_where_the_site_is_closed(settings):
    others = [m for m in settings.MIDDLEWARE if m not in (MIDDLEWARE, AUTHENTICATION)]
    hint = f"Write '{MIDDLEWARE}' behind '{AUTHENTICATION}'."
    why = "AuthenticationMiddleware in MIDDLEWARE: staff could not come in to open the site again."
    settings.MIDDLEWARE = [*others, MIDDLEWARE, AUTHENTICATION]
    assert found() == [
        ("digitalstore.E540", f"UnderConstructionMiddleware stands before {why}", hint)
    ]
    settings.MIDDLEWARE = [*others, MIDDLEWARE]
    assert found() == [("digitalstore.E540", f"UnderConstructionMiddleware needs {why}", hint)]


def test_e540_so_is_the_language(settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, LOCALE]
    assert found() == [
        (
            "digitalstore.E540",
            (
                "UnderConstructionMiddleware stands before LocaleMiddleware in MIDDLEWARE: its "
                "page would not be in the language of the visitor."
            ),
            f"Write '{MIDDLEWARE}' behind '{LOCALE}'.",
        )
    ]


PAGES = 'Write a list of paths and names, as in ["/healthz/", "/status/*", "shop:imprint"].'


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("/healthz/", "is '/healthz/', which is no list of pages."),
        (None, "is None, which is no list of pages."),
        ([""], "has '', which is neither a path nor the name of a URL."),
        ([7], "has 7, which is neither a path nor the name of a URL."),
        (["/*"], "has '/*', which is every page: the site could not be closed."),
        (["*"], "has '*', which is every page: the site could not be closed."),
        (
            ["/a*/b"],
            "has '/a*/b', and a star stands for all below a path, behind its last slash.",
        ),
        (["/a*"], "has '/a*', and a star stands for all below a path, behind its last slash."),
    ],
)
def test_e541_what_stays_open_is_paths_and_names(settings, value, wrong):
    settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN = value
    assert found() == [("digitalstore.E541", f"DIGITALSTORE_UNDERCONSTRUCTION_OPEN {wrong}", PAGES)]


@pytest.mark.parametrize("name", ["RETRY_AFTER", "PREVIEW_AGE"])
@pytest.mark.parametrize("value", [600, None, timedelta(0)])
def test_e542_times_are_timedeltas(settings, name, value):
    setting = f"DIGITALSTORE_UNDERCONSTRUCTION_{name}"
    setattr(settings, setting, value)
    assert found() == [
        (
            "digitalstore.E542",
            f"{setting} is {value!r}, which is no time of a second or more.",
            f"Write a timedelta, as in {setting} = timedelta(minutes=10).",
        )
    ]


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        (
            {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
            "is a DummyCache, which keeps nothing",
        ),
        (
            {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
            "is a LocMemCache, of which every process has its own",
        ),
        ({**REDIS["default"], "TIMEOUT": 0}, "has TIMEOUT 0, which keeps nothing"),
    ],
)
def test_w541_a_cache_that_is_not_shared_is_named_in_production(
    settings: Any, cache: dict[str, Any], problem: str
):
    settings.CACHES = {"default": cache}
    assert site.DIGITALSTORE_TEST_MODE
    assert found(deploy=True) == []  # the embedded default, while one develops
    settings.DIGITALSTORE_TEST_MODE = False
    assert found(deploy=True) == [
        (
            "digitalstore.W541",
            (
                f"CACHES['default'] {problem}: whether the site is closed is asked of the "
                f"database, once a second by each process."
            ),
            (
                "Write CACHES['default'] = {'BACKEND': 'django_redis.cache.RedisCache', "
                "'LOCATION': 'redis://host:6379/0', 'OPTIONS': {'SOCKET_CONNECT_TIMEOUT': 1, "
                "'SOCKET_TIMEOUT': 1}} (`pip install \"django-digitalstore[redis]\"`), or name "
                "another alias in DIGITALSTORE_CACHE."
            ),
        )
    ]
    assert found() == []
