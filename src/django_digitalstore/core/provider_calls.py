"""The one way to call somebody else's service: never inside a transaction, always logged."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import ParamSpec, TypeVar

from django.db import connections, transaction

from .exceptions import CalledInTransaction

__all__ = ["call_provider", "refuse_in_transaction"]

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


def call_provider(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function`` and return what it returns; log how long it took and how it ended.

    Raises ``CalledInTransaction``, with nothing called, inside a transaction of any database:
    a network call would hold its locks for as long as the network takes, and a rollback could not
    take the call back. Whatever ``function`` raises passes through. Arguments, results and error
    texts are not logged, since they hold secrets and persons.
    """
    name = _name_of(function)
    refuse_in_transaction(name)
    started = monotonic()
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        logger.warning(
            "%s raised %s after %.3f s", name, type(error).__name__, monotonic() - started
        )
        raise
    logger.info("%s returned after %.3f s", name, monotonic() - started)
    return result


def refuse_in_transaction(name: str) -> None:
    """Raise ``CalledInTransaction`` if any database of this thread is in a transaction.

    The transaction that Django's TestCase and the ``db`` fixture of pytest-django hold around a
    test doesn't count, as for ``atomic(durable=True)``. Makes no query.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            continue
        try:
            # Django's own judgement, which knows the blocks of its test cases. Without a
            # savepoint, because nothing is going to be undone here.
            with transaction.atomic(using=connection.alias, durable=True, savepoint=False):
                pass
        except RuntimeError as error:
            raise CalledInTransaction(
                f"{name} calls a provider and was about to run inside a transaction of the "
                f"database {connection.alias!r}, whose locks it would hold for as long as the "
                "network takes. Call it before or after `with transaction.atomic():`, decorate "
                "the view with `@transaction.non_atomic_requests`, or let it leave by "
                "`core.outbox.enqueue()`."
            ) from error


def _name_of(function: Callable[..., object]) -> str:
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", None) or type(function).__name__
    if owner is not None and not isinstance(owner, type):
        return f"{type(owner).__name__}.{name}"
    return getattr(function, "__qualname__", name)
