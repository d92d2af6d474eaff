"""System checks of the switch: the middleware and its place, what stays open, the cache. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.utils.module_loading import import_string

from django_digitalstore.core import caching

__all__ = [
    "check_middleware_is_there",
    "check_middleware_order",
    "check_settings",
    "check_shared_cache",
]

_MIDDLEWARE: Final = (
    "django_digitalstore.contrib.underconstruction.middleware.UnderConstructionMiddleware"
)
_USERS: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"
_LANGUAGES: Final = "django.middleware.locale.LocaleMiddleware"


def _place(path: str) -> int | None:
    """Return where a middleware, or a subclass of it, stands in ``MIDDLEWARE``."""
    wanted = import_string(path)
    for place, entry in enumerate(settings.MIDDLEWARE):
        try:
            found = import_string(entry)
        except ImportError:
            continue  # Django names it when it starts
        if isinstance(found, type) and issubclass(found, wanted):
            return place
    return None


@register(deploy=True)
def check_middleware_is_there(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of a switch that nothing looks at."""
    if _place(_MIDDLEWARE) is not None:
        return []
    return [
        CheckWarning(
            "django_digitalstore.contrib.underconstruction is installed, and MIDDLEWARE lacks its "
            "UnderConstructionMiddleware: the site stays open whatever the switch says.",
            hint=f"Write {_MIDDLEWARE!r} into MIDDLEWARE, behind {_USERS!r}, or take the app out "
            f"of INSTALLED_APPS.",
            id="digitalstore.W540",
        )
    ]


@register()
def check_middleware_order(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that users, and the language, are known where the site is closed."""
    ours = _place(_MIDDLEWARE)
    if ours is None:
        return []
    return [*_not_behind(ours, _USERS, required=True), *_not_behind(ours, _LANGUAGES)]


def _not_behind(ours: int, path: str, *, required: bool = False) -> Iterator[CheckMessage]:
    other = _place(path)
    if other is None and not required:
        return
    if other is not None and other < ours:
        return
    why = (
        "staff could not come in to open the site again"
        if path == _USERS
        else "its page would not be in the language of the visitor"
    )
    stands = "needs" if other is None else "stands before"
    yield Error(
        f"UnderConstructionMiddleware {stands} {path.rpartition('.')[2]} in MIDDLEWARE: {why}.",
        hint=f"Write {settings.MIDDLEWARE[ours]!r} behind {path!r}.",
        id="digitalstore.E540",
    )


@register()
def check_settings(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check what stays open, and the times."""
    return [*_wrong_pages(), *_wrong_times()]


def _wrong_pages() -> Iterator[CheckMessage]:
    hint = 'Write a list of paths and names, as in ["/healthz/", "/status/*", "shop:imprint"].'
    for wrong in _what_is_wrong_with(settings.DIGITALSTORE_UNDERCONSTRUCTION_OPEN):
        yield Error(
            f"DIGITALSTORE_UNDERCONSTRUCTION_OPEN {wrong}.",
            hint=hint,
            id="digitalstore.E541",
        )


def _what_is_wrong_with(pages: Any) -> Iterator[str]:
    if isinstance(pages, str) or not isinstance(pages, Sequence):
        yield f"is {pages!r}, which is no list of pages"
        return
    for page in pages:
        if not isinstance(page, str) or not page:
            yield f"has {page!r}, which is neither a path nor the name of a URL"
        elif page in ("*", "/*"):
            yield f"has {page!r}, which is every page: the site could not be closed"
        elif "*" in page[:-1] or (page.endswith("*") and not page.endswith("/*")):
            yield f"has {page!r}, and a star stands for all below a path, behind its last slash"


def _wrong_times() -> Iterator[CheckMessage]:
    for name in ("RETRY_AFTER", "PREVIEW_AGE"):
        setting = f"DIGITALSTORE_UNDERCONSTRUCTION_{name}"
        value = getattr(settings, setting)
        if not isinstance(value, timedelta) or value < timedelta(seconds=1):
            yield Error(
                f"{setting} is {value!r}, which is no time of a second or more.",
                hint=f"Write a timedelta, as in {setting} = timedelta(minutes=10).",
                id="digitalstore.E542",
            )


@register(deploy=True)
def check_shared_cache(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn where each process asks the database, since no cache is shared."""
    if settings.DIGITALSTORE_TEST_MODE:
        return []
    problem = caching.problem_of()
    if problem is None:
        return []
    return [
        CheckWarning(
            f"{problem}: whether the site is closed is asked of the database, once a second by "
            f"each process.",
            hint=caching.hint_for(),
            id="digitalstore.W541",
        )
    ]
