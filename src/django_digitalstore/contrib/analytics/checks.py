"""System checks of the sales analytics. No queries, no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning

from django_digitalstore.core import caching

__all__ = ["check_cache", "check_features", "check_timeout"]

_APP = "django_digitalstore.contrib.analytics"
_NEEDED = "django_digitalstore.payments"


@register()
def check_features(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that there are payments to count."""
    if apps.is_installed(_NEEDED):
        return []
    return [
        Error(
            f"{_APP} is installed, and {_NEEDED} is not: there are no orders to count.",
            hint=f"Add {_NEEDED!r} to INSTALLED_APPS, or take {_APP!r} out.",
            id="digitalstore.E550",
        )
    ]


@register()
def check_timeout(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that a dashboard is kept for a while, and is not kept for ever."""
    seconds = settings.DIGITALSTORE_ANALYTICS_TIMEOUT
    if isinstance(seconds, int) and not isinstance(seconds, bool) and seconds > 0:
        return []
    return [
        Error(
            f"DIGITALSTORE_ANALYTICS_TIMEOUT is {seconds!r}: each look at a dashboard would count "
            f"again, or never again.",
            hint="Write whole seconds, more than 0: DIGITALSTORE_ANALYTICS_TIMEOUT = 60.",
            id="digitalstore.E551",
        )
    ]


@register(deploy=True)
def check_cache(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of a cache in which a dashboard is not found again."""
    problem = None if settings.DIGITALSTORE_TEST_MODE else caching.problem_of()
    if problem is None:
        return []
    return [
        CheckWarning(
            f"{problem}: dashboards of the sales analytics would be counted again at every look.",
            hint=caching.hint_for(),
            id="digitalstore.W550",
        )
    ]
