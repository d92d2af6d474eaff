"""How a public name goes: it keeps working for a time, and warns with what to write instead.

Each helper takes ``since``, the version that deprecates, and ``removed_in``, the first one without.
None of them sends a query. What is public, and how long it lives, is docs/reference/deprecation.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

__all__ = [
    "Deprecated",
    "DigitalStoreDeprecationWarning",
    "deprecated_function",
    "deprecated_names",
    "deprecated_settings",
    "renamed_argument",
    "renamed_hook",
    "renamed_setting",
]

P = ParamSpec("P")
R = TypeVar("R")


class DigitalStoreDeprecationWarning(DeprecationWarning):
    """A name of the suite is used that a later version will not have."""


@dataclass(frozen=True, slots=True)
class Deprecated:
    """What is deprecated: since which version, gone in which, and what to write ``instead``."""

    instead: str
    since: str
    removed_in: str

    def message(self, name: str) -> str:
        """Return who, what is wrong, and what to write."""
        return (
            f"{name} – deprecated since {self.since}, gone in {self.removed_in} – "
            f"write {self.instead}."
        )

    def warn(self, name: str, *, stacklevel: int = 1) -> None:
        """Warn about ``name``; ``stacklevel=1`` is the line that called who calls this."""
        warnings.warn(self.message(name), DigitalStoreDeprecationWarning, stacklevel=stacklevel + 2)


def deprecated_names(module: str, **names: Deprecated) -> Callable[[str], Any]:
    """Return a module's ``__getattr__``, which answers an old name by what ``instead`` names.

    ``__getattr__ = deprecated_names(__name__, OldView=Deprecated("app.views.NewView", …))``, with
    the dotted path of the new name; it is imported when the old one is asked for.
    """

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name not in names:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        names[name].warn(f"{module}.{name}")
        return import_string(names[name].instead)

    return __getattr__


def deprecated_function(
    instead: str, *, since: str, removed_in: str
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function or method warn whenever it is called."""
    said = Deprecated(instead, since, removed_in)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = f"{function.__module__}.{function.__qualname__}()"

        @functools.wraps(function)
        def deprecated(*args: P.args, **kwargs: P.kwargs) -> R:
            said.warn(name)
            return function(*args, **kwargs)

        return deprecated

    return decorate


def renamed_argument(
    old: str, new: str, *, since: str, removed_in: str
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Let a function take the keyword argument ``new`` under its ``old`` name too.

    A call with both raises ``TypeError``, as Python does for an argument that is given twice.
    """

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        called = f"{function.__module__}.{function.__qualname__}()"

        @functools.wraps(function)
        def renamed(*args: Any, **kwargs: Any) -> R:
            if old in kwargs:
                Deprecated(f"{new}=…", since, removed_in).warn(f"{called}: {old}=…")
                if new in kwargs:
                    raise TypeError(f"{called} – got {old}= and {new}=, which are the same.")
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return renamed

    return decorate


def renamed_hook(cls: type, old: str, new: str, *, since: str, removed_in: str) -> None:
    """Let a subclass that overrides the hook ``old`` be one that overrides ``new``.

    Called by ``__init_subclass__`` of the class that has the hook. A class with both keeps both.
    """
    if old in vars(cls) and new not in vars(cls):
        name = f"{cls.__module__}.{cls.__qualname__}.{old}()"
        # Two lines up: __init_subclass__, then the class statement.
        Deprecated(f"{new}()", since, removed_in).warn(name, stacklevel=2)
        setattr(cls, new, vars(cls)[old])


_settings: dict[str, Deprecated] = {}


def renamed_setting(old: str, new: str, *, since: str, removed_in: str) -> None:
    """Give the setting ``new`` the value that a host still writes as ``old``.

    Written in a feature's ``conf.py`` above its AppConf. The check W020 tells the host. Raises
    ``ImproperlyConfigured`` where a host writes both, with different values.
    """
    _settings[old] = Deprecated(new, since, removed_in)
    if not hasattr(settings, old):
        return
    value = getattr(settings, old)
    if getattr(settings, new, value) != value:
        raise ImproperlyConfigured(
            f"{old} – is the former name of {new}, and has another value – remove {old}."
        )
    setattr(settings, new, value)


def deprecated_settings() -> dict[str, Deprecated]:
    """Return the former names of settings, with what is to be written instead."""
    return dict(_settings)
