"""System checks of the short links: where they are, where they may lead, and their cache."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils.module_loading import import_string

from django_digitalstore.core import caching

from .addresses import ROUTE
from .views.checkout import AttributesLinksMixin

__all__ = [
    "check_attribution",
    "check_cache",
    "check_hosts",
    "check_route",
    "check_values",
]

_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?\Z", re.IGNORECASE)
#: Setting → (whether a value is right, what it must be, example).
_VALUES: dict[str, tuple[Any, str, str]] = {
    "DIGITALSTORE_SHORTURLS_CODE_LENGTH": (
        lambda value: type(value) is int and 4 <= value <= 64,
        "a whole number from 4 to 64",
        "7",
    ),
    "DIGITALSTORE_SHORTURLS_TIMEOUT": (
        lambda value: isinstance(value, timedelta) and value >= timedelta(seconds=1),
        "a timedelta of at least a second",
        "timedelta(seconds=60)",
    ),
    "DIGITALSTORE_SHORTURLS_ATTRIBUTION": (
        lambda value: isinstance(value, timedelta) and value >= timedelta(0),
        "a timedelta; timedelta(0) turns it off",
        "timedelta(days=30)",
    ),
    "DIGITALSTORE_SHORTURLS_PREFIX": (
        lambda value: (
            value is None
            or (isinstance(value, str) and not value.startswith("/") and value.endswith("/"))
        ),
        "a path that ends with a slash and begins without one, or None",
        '"s/"',
    ),
    "DIGITALSTORE_SHORTURLS_RESERVED": (
        lambda value: _are_words(value) and all(word == word.lower() for word in value),
        "a tuple of codes in small letters",
        '("admin", "api")',
    ),
    "DIGITALSTORE_SHORTURLS_BOTS": (
        lambda value: _are_words(value) and all(w and w == w.lower() for w in value),
        "a tuple of words in small letters",
        '("bot", "crawl")',
    ),
}


def _are_words(value: Any) -> bool:
    return isinstance(value, (tuple, list, set, frozenset)) and all(
        isinstance(word, str) for word in value
    )


@register()
def check_route(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that short links can be clicked."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse(ROUTE, args=["code"])
    except NoReverseMatch:
        return [
            Error(
                "No URL leads to short links, so none can be clicked.",
                hint=(
                    'Add to urlpatterns in your urls.py: path("store/", '
                    'include("django_digitalstore.urls")), or, for shorter links, '
                    'path("s/", include("django_digitalstore.contrib.shorturls.urls")) and '
                    "DIGITALSTORE_SHORTURLS_PREFIX = None in the settings."
                ),
                id="digitalstore.E530",
            )
        ]
    return []


@register()
def check_hosts(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that each host that links may lead to is a host: anything wider is an open door."""
    setting = "DIGITALSTORE_SHORTURLS_HOSTS"
    hosts = settings.DIGITALSTORE_SHORTURLS_HOSTS
    if _are_words(hosts):
        problems = [
            f"{setting} has {host!r}, which is not a host: short links would lead to nothing of "
            f"it, or to more than you mean."
            for host in hosts
            if not _HOST.match(host)
        ]
    else:
        problems = [f"{setting} must be a tuple of hosts, not {hosts!r}."]
    return [
        Error(
            problem,
            hint=(
                f'Write {setting} = ("blog.example.com",): each host alone, without scheme, path '
                f"and wildcard."
            ),
            id="digitalstore.E531",
        )
        for problem in problems
    ]


@register()
def check_values(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check the settings that have a form of their own."""
    return [
        Error(
            f"{setting} must be {wanted}, not {getattr(settings, setting)!r}.",
            hint=f"Write {setting} = {example}.",
            id="digitalstore.E532",
        )
        for setting, (is_right, wanted, example) in _VALUES.items()
        if not is_right(getattr(settings, setting))
    ]


@register(deploy=True)
def check_cache(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of a cache with which each click costs queries, or a change is felt late."""
    problem = None if settings.DIGITALSTORE_TEST_MODE else caching.problem_of(counts=True)
    if problem is None:
        return []
    return [
        CheckWarning(
            f"{problem}: clicks on short links cost queries or get lost, or a link that is "
            f"switched off works on elsewhere.",
            hint=caching.hint_for(),
            id="digitalstore.W530",
        )
    ]


@register(deploy=True)
def check_attribution(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of each checkout that doesn't read the cookie: it notes no order for a link."""
    if (
        not settings.DIGITALSTORE_SHORTURLS_ATTRIBUTION
        or not apps.is_installed("django_digitalstore.payments")
        or not getattr(settings, "ROOT_URLCONF", None)
    ):
        return []
    # By its name: links do without payments.
    generic = import_string("django_digitalstore.payments.views.GenericCheckoutView")
    checkouts = {view: None for view in _views(get_resolver()) if issubclass(view, generic)}
    return [
        CheckWarning(
            f"{view.__module__}.{view.__name__} does not note the orders that short links led to, "
            f"so the cookie that each click sets is for nothing there.",
            hint=(
                f"Write `class {view.__name__}(AttributesLinksMixin, …)`, the mixin first, with "
                f"AttributesLinksMixin of django_digitalstore.contrib.shorturls.views, or "
                f"DIGITALSTORE_SHORTURLS_ATTRIBUTION = timedelta(0)."
            ),
            id="digitalstore.W531",
        )
        for view in checkouts
        # After the generic view the mixin is never called.
        if AttributesLinksMixin not in view.__mro__[: view.__mro__.index(generic)]
    ]


def _views(resolver: URLResolver) -> Iterator[type[Any]]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern)
        else:
            view = getattr(pattern.callback, "view_class", None)
            if view is not None:
                yield view
