"""Signals of the suite: they notify after commit, and they never decide."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.db import DEFAULT_DB_ALIAS, transaction
from django.dispatch import Signal

__all__ = ["StoreSignal", "signal_being_sent"]

_being_sent: ContextVar[str | None] = ContextVar("digitalstore_signal", default=None)


def signal_being_sent() -> str | None:
    """Return the name of the suite's signal whose receivers are running now, else None."""
    return _being_sent.get()


class StoreSignal(Signal):
    """A signal that is sent once the change is committed.

    A receiver that raises is logged and changes nothing. While receivers run, a flow refuses to
    be called: what must happen with a change is a fulfilment or an outbox row, not a receiver.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def send_after_commit(self, sender: Any, *, using: str | None = None, **named: Any) -> None:
        """Send when the surrounding transaction commits; at once where none is open."""
        transaction.on_commit(
            lambda: self._send_now(sender, **named), using=using or DEFAULT_DB_ALIAS
        )

    def _send_now(self, sender: Any, **named: Any) -> None:
        token = _being_sent.set(self.name)
        try:
            # send_robust() logs a receiver that raises, with its traceback, and goes on.
            self.send_robust(sender, **named)
        finally:
            _being_sent.reset(token)
