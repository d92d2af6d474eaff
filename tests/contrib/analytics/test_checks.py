"""The checks of the analytics: each stands or names what is wrong, and says what to write."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.core.checks import Error, run_checks
from django.core.checks import Warning as CheckWarning
from django.test import override_settings

from django_digitalstore.contrib.analytics import checks

LOCAL = "django.core.cache.backends.locmem.LocMemCache"
DUMMY = "django.core.cache.backends.dummy.DummyCache"


@pytest.mark.django_db
def test_a_site_as_it_is_shipped_has_nothing_to_be_told_in_test_mode():
    for deploy in (False, True):
        found = run_checks(include_deployment_checks=deploy)
        assert [
            m for m in found if (m.id or "").startswith(("digitalstore.E55", "digitalstore.W55"))
        ] == []


def test_without_payments_there_is_nothing_to_count(monkeypatch):
    installed = apps.is_installed
    monkeypatch.setattr(
        apps, "is_installed", lambda app: not app.endswith(".payments") and installed(app)
    )
    assert checks.check_features() == [
        Error(
            "django_digitalstore.contrib.analytics is installed, and django_digitalstore.payments "
            "is not: there are no orders to count.",
            hint="Add 'django_digitalstore.payments' to INSTALLED_APPS, or take "
            "'django_digitalstore.contrib.analytics' out.",
            id="digitalstore.E550",
        )
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (90, 90),
        (0, 60),
        (-1, 60),
        (None, 60),
        (True, 60),
        ("60", 60),
        (timedelta(0), 60),
        (timedelta(milliseconds=999), 60),
    ],
)
def test_a_dashboard_is_kept_for_a_second_at_least(settings, value, seconds):
    settings.DIGITALSTORE_ANALYTICS_TIMEOUT = value
    assert checks.check_timeout() == [
        Error(
            f"DIGITALSTORE_ANALYTICS_TIMEOUT must be a timedelta of at least a second, not "
            f"{value!r}.",
            hint=f"Write DIGITALSTORE_ANALYTICS_TIMEOUT = timedelta(seconds={seconds}).",
            id="digitalstore.E551",
        )
    ]


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        ({"BACKEND": DUMMY}, "is a DummyCache, which keeps nothing"),
        ({"BACKEND": LOCAL}, "is a LocMemCache, of which every process has its own"),
        ({"BACKEND": LOCAL, "TIMEOUT": 0}, "has TIMEOUT 0, which keeps nothing"),
    ],
)
def test_a_cache_that_does_not_keep_a_dashboard_is_named_in_production(cache, problem):
    with override_settings(CACHES={"default": cache}, DIGITALSTORE_TEST_MODE=False):
        assert checks.check_cache() == [
            CheckWarning(
                f"CACHES['default'] {problem}: dashboards of the sales analytics would be counted "
                f"again at every look.",
                hint="Write CACHES['default'] = {'BACKEND': 'django_redis.cache.RedisCache', "
                "'LOCATION': 'redis://host:6379/0', 'OPTIONS': {'SOCKET_CONNECT_TIMEOUT': 1, "
                "'SOCKET_TIMEOUT': 1}} (`pip install \"django-digitalstore[redis]\"`), or name "
                "another alias in DIGITALSTORE_CACHE.",
                id="digitalstore.W550",
            )
        ]
