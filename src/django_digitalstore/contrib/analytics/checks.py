"""System checks of the sales analytics. No queries, no network."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from datetime import timedelta
from types import CodeType
from typing import TYPE_CHECKING, Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.urls import URLPattern, URLResolver, get_resolver

from django_digitalstore.core import caching

if TYPE_CHECKING:
    from .views import FiguresPage

__all__ = ["check_cache", "check_dashboards_are_cached", "check_features", "check_timeout"]

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
    value = settings.DIGITALSTORE_ANALYTICS_TIMEOUT
    if isinstance(value, timedelta) and value >= timedelta(seconds=1):
        return []
    seconds = value if type(value) is int and value > 0 else 60
    return [
        Error(
            f"DIGITALSTORE_ANALYTICS_TIMEOUT must be a timedelta of at least a second, not "
            f"{value!r}.",
            hint=f"Write DIGITALSTORE_ANALYTICS_TIMEOUT = timedelta(seconds={seconds}).",
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


@register(Tags.urls)
def check_dashboards_are_cached(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Name the pages whose class goes around the cache."""
    has_pages = apps.is_installed(_NEEDED)
    if not has_pages or not getattr(settings, "ROOT_URLCONF", None):
        return []
    views = dict.fromkeys(_pages_of(get_resolver()))
    return [
        Error(
            f"{view.__module__}.{view.__qualname__} goes around the cache: {name}() of "
            f"{culprit.__module__}.{culprit.__qualname__} counts the figures for every look at "
            f"the page.",
            hint=(
                "Rename it to count_report(self, query): its answer is kept in the cache, and "
                "super().count_report(query) gives the suite's."
                if name == "get_report"
                else "Call self.get_report(query) there: it calls count_report() where the cache "
                "has no answer."
            ),
            id="digitalstore.E555",
        )
        for view in views
        for culprit, name in _ways_around(view)
    ]


def _pages_of(resolver: URLResolver) -> Iterator[type[FiguresPage]]:
    from .views import FiguresPage  # where the payments are missing, another check says so

    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _pages_of(pattern)
        elif isinstance(pattern, URLPattern):
            view = getattr(pattern.callback, "view_class", None)
            if isinstance(view, type) and issubclass(view, FiguresPage):
                yield view


def _ways_around(view: type[FiguresPage]) -> Iterator[tuple[type, str]]:
    """Yield the methods (class, name) that count on their own: a get_report(), and what says so."""
    for cls in view.__mro__:
        if cls.__module__ == f"{__package__}.views":
            return  # ours, and Django's behind it
        for name, method in vars(cls).items():
            code = getattr(inspect.unwrap(method), "__code__", None) if callable(method) else None
            if name == "get_report" or (name != "count_report" and code and _counts(code)):
                yield cls, name


def _counts(code: CodeType) -> bool:
    inner = (const for const in code.co_consts if isinstance(const, CodeType))
    return "count_report" in code.co_names or any(map(_counts, inner))
