"""Flows: the verbs of a feature, and the only writers of its guarded tables."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from .exceptions import FlowCalledInSignal
from .signals import signal_being_sent

__all__ = ["flow", "is_transient", "retry_transaction", "without_savepoint"]

P = ParamSpec("P")
R = TypeVar("R")

ATTEMPTS = 6
FIRST_PAUSE = 0.02  # seconds, doubled after each attempt

# PostgreSQL: serialization_failure, deadlock_detected, lock_not_available.
_TRANSIENT_SQLSTATES = {"40001", "40P01", "55P03"}
# MariaDB: a snapshot that was overtaken (by default from 11.6 on), lock wait timeout, deadlock.
_TRANSIENT_ERRNOS = {1020, 1205, 1213}


def is_transient(error: OperationalError) -> bool:
    """Tell whether the same transaction, run again, may well succeed."""
    cause = error.__cause__
    if getattr(cause, "sqlstate", None) in _TRANSIENT_SQLSTATES:
        return True
    if error.args and error.args[0] in _TRANSIENT_ERRNOS:
        return True
    text = str(error)
    return "database is locked" in text or "database table is locked" in text


def retry_transaction(function: Callable[[], R], *, using: str = DEFAULT_DB_ALIAS) -> R:
    """Run ``function`` in a transaction; again, at most six times, where the database asks for it.

    Inside a caller's transaction it runs once, in a savepoint: only the owner of a transaction
    can run it again. (A deadlock on MariaDB ends the caller's transaction with all its savepoints;
    Django refuses any further query in it.)
    """
    if connections[using].in_atomic_block:
        with transaction.atomic(using=using):
            return function()
    pause = FIRST_PAUSE
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(using=using):
                return function()
        except OperationalError as error:
            if attempt == ATTEMPTS or not is_transient(error):
                raise
        time.sleep(pause)
        pause *= 2
    raise AssertionError("unreachable")


def without_savepoint(flow: Callable[P, R]) -> Callable[P, R]:
    """Return ``flow`` for a caller that lets all its errors end the transaction that is open.

    Inside a transaction a flow runs in a savepoint, which is two statements, so that a caller may
    catch an error and go on. Here the transaction cannot go on: Django refuses further queries.
    """

    name = _public_name(flow)

    @functools.wraps(flow)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        _refuse_in_signal(name)
        with transaction.atomic(savepoint=False):
            return flow.__wrapped__(*args, **kwargs)  # type: ignore[attr-defined]

    return run


def _refuse_in_signal(name: str) -> None:
    signal = signal_being_sent()
    if signal is not None:
        raise FlowCalledInSignal(
            f"{name}() was called by a receiver of the signal {signal}. Signals notify after the "
            f"change; they never decide. Put what a paid line does into a fulfilment and name it "
            f"in DIGITALSTORE_FULFILMENTS, or call the flow from your own view, command or task."
        )


def _public_name(function: Callable[..., object]) -> str:
    """Return the name by which a flow is called: of the feature's ``flows``, wherever it stands."""
    feature, in_flows, _module = function.__module__.partition(".flows")
    module = f"{feature}{in_flows}".removeprefix("django_digitalstore.")
    return f"{module}.{function.__qualname__}"


def flow(function: Callable[P, R] | None = None, *, atomic: bool = True) -> Callable:
    """Make ``function`` a flow.

    It cannot be called from a template, nor by a receiver of the suite's signals. With ``atomic``
    (the default) its writes are one transaction, which is run again on a deadlock or a locked
    database where the flow owns it. A flow that talks to a provider takes ``atomic=False`` and
    opens its transactions itself.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        name = _public_name(function)

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            _refuse_in_signal(name)
            if not atomic:
                return function(*args, **kwargs)
            return retry_transaction(lambda: function(*args, **kwargs))

        wrapper.alters_data = True  # type: ignore[attr-defined]  # Django's templates read it
        return wrapper

    return decorate(function) if function is not None else decorate
