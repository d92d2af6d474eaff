"""The outbox's task for Django's queues; imported only where ``DIGITALSTORE_TASKS`` names one.

A worker imports the task from here by its path.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

__all__ = ["deliver_outbox_message", "get_task"]

task: Any
task_backends: Any
try:
    tasks = import_module("django.tasks")
except ImportError:
    try:
        # The backport, for Django 5.2.
        tasks = import_module("django_tasks")
    except ImportError:
        raise ImproperlyConfigured(
            f"DIGITALSTORE_TASKS = {settings.DIGITALSTORE_TASKS!r} needs Django's tasks, which "
            "came with Django 6.0. Install django-tasks, or write DIGITALSTORE_TASKS = None."
        ) from None
task, task_backends = tasks.task, tasks.task_backends


def _named(alias: str) -> str:
    if alias not in task_backends.settings:
        known = ", ".join(map(repr, task_backends.settings)) or "none"
        raise ImproperlyConfigured(
            f"DIGITALSTORE_TASKS refers to {alias!r}, which is not in TASKS. "
            f"Write one of its aliases ({known}), or None."
        )
    return alias


@task(backend=_named(settings.DIGITALSTORE_TASKS or "default"))  # type: ignore[untyped-decorator]
def deliver_outbox_message(pk: int) -> str:
    """Deliver one message of the outbox; its failure is recorded there, not here."""
    from .outbox import deliver

    return str(deliver(pk))


def get_task(alias: str) -> Any:
    """Return the task, bound to the queue of ``alias``. Raises ``ImproperlyConfigured``."""
    return deliver_outbox_message.using(backend=_named(alias))
