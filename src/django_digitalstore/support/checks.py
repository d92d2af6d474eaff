"""System checks of the support: what its settings and those of the payments must say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.utils.module_loading import import_string

from .fulfilments import KIND

__all__ = ["check_support_fulfilment", "check_support_notifiers"]


@register()
def check_support_fulfilment(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that a paid line of kind ``support`` does something."""
    if KIND in settings.DIGITALSTORE_FULFILMENTS:
        return []
    return [
        Error(
            f"DIGITALSTORE_FULFILMENTS has no entry {KIND!r}: nobody could buy support, and a paid "
            f"line of it would give nothing.",
            hint=(
                f"Write DIGITALSTORE_FULFILMENTS = {{{KIND!r}: "
                f"'django_digitalstore.support.fulfilments.SupportFulfilment'}}."
            ),
            id="digitalstore.E401",
        )
    ]


@register()
def check_support_notifiers(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that every function that is told of support can be called."""
    paths = settings.DIGITALSTORE_SUPPORT_NOTIFIERS
    if isinstance(paths, str):
        return [
            Error(
                f"DIGITALSTORE_SUPPORT_NOTIFIERS is the text {paths!r}, and each of its letters "
                f"would be taken for a path.",
                hint=f"Write DIGITALSTORE_SUPPORT_NOTIFIERS = [{paths!r}].",
                id="digitalstore.E402",
            )
        ]
    messages: list[CheckMessage] = []
    for path in paths:
        problem = _problem_of(path)
        if problem:
            messages.append(
                Error(
                    f"DIGITALSTORE_SUPPORT_NOTIFIERS names {path!r}, which {problem}.",
                    hint="Write the dotted path of a function notify(event).",
                    id="digitalstore.E402",
                )
            )
    return messages


def _problem_of(path: str) -> str:
    try:
        notifier = import_string(path)
    except ImportError as error:
        return f"can't be imported: {error}"
    return "" if callable(notifier) else "is no function"
