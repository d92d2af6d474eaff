"""Mistake 7: a cache is taken away "because it works without it"."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.checks import run_checks
from django.test import override_settings

CONVENIENCES = ("analytics", "shorturls", "underconstruction")

# Django's own checks of models ask the database what it can.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.needs("payments"),
    pytest.mark.skipif(
        not all(apps.is_installed(f"django_digitalstore.contrib.{name}") for name in CONVENIENCES),
        reason="This host has no convenience that is fast by a cache.",
    ),
]

BACKENDS = "django.core.cache.backends"
LINES = (
    "Write CACHES['default'] = {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': "
    "'redis://host:6379/0', 'OPTIONS': {'SOCKET_CONNECT_TIMEOUT': 1, 'SOCKET_TIMEOUT': 1}} "
    '(`pip install "django-digitalstore[redis]"`), or name another alias in DIGITALSTORE_CACHE.'
)


def told(caches: dict[str, Any], *, test_mode: bool = False) -> dict[str, tuple[str, str | None]]:
    with override_settings(CACHES=caches, DIGITALSTORE_TEST_MODE=test_mode):
        found = run_checks(include_deployment_checks=True)
    return {str(m.id): (str(m.msg), m.hint) for m in found if "CACHES" in str(m.msg)}


@pytest.mark.parametrize(
    ("cache", "problem"),
    [
        (
            {"BACKEND": f"{BACKENDS}.dummy.DummyCache"},
            "is a DummyCache, which keeps nothing",
        ),
        (
            {"BACKEND": f"{BACKENDS}.locmem.LocMemCache"},
            "is a LocMemCache, of which every process has its own",
        ),
        (
            {"BACKEND": f"{BACKENDS}.locmem.LocMemCache", "TIMEOUT": 0},
            "has TIMEOUT 0, which keeps nothing",
        ),
    ],
)
def test_each_feature_that_is_fast_by_a_cache_says_that_it_is_missing(
    cache: dict[str, Any], problem: str
) -> None:
    where = f"CACHES['default'] {problem}"
    assert told({"default": cache}) == {
        "digitalstore.W530": (
            (
                f"{where}: clicks on short links cost queries or get lost, or a link that is "
                f"switched off works on elsewhere."
            ),
            LINES,
        ),
        "digitalstore.W541": (
            (
                f"{where}: whether the site is closed is asked of the database, "
                f"once a second by each process."
            ),
            LINES,
        ),
        "digitalstore.W550": (
            (f"{where}: dashboards of the sales analytics would be counted again at every look."),
            LINES,
        ),
    }


def test_short_links_say_that_a_cache_of_files_loses_their_clicks(tmp_path: Path) -> None:
    files = {"BACKEND": f"{BACKENDS}.filebased.FileBasedCache", "LOCATION": str(tmp_path)}
    assert told({"default": files}) == {
        "digitalstore.W530": (
            (
                "CACHES['default'] is a FileBasedCache, which loses counts when two processes "
                "count at once: clicks on short links cost queries or get lost, or a link that is "
                "switched off works on elsewhere."
            ),
            LINES,
        )
    }


def test_a_cache_that_all_processes_share_is_named_by_none() -> None:
    redis = {"BACKEND": f"{BACKENDS}.redis.RedisCache", "LOCATION": "redis://host:6379/0"}
    assert told({"default": redis}) == {}


def test_nobody_is_bothered_with_it_in_test_mode() -> None:
    assert told({"default": {"BACKEND": f"{BACKENDS}.locmem.LocMemCache"}}, test_mode=True) == {}
