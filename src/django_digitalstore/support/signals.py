"""Signals of the support. Sent after commit; receivers notify and never decide."""

from django_digitalstore.core.signals import StoreSignal

__all__ = ["support_request_opened", "support_request_state_changed"]

#: A request was opened. Arguments: ``request``.
support_request_opened = StoreSignal("support_request_opened")

#: A request went on. Arguments: ``request``, ``old``, ``new``.
support_request_state_changed = StoreSignal("support_request_state_changed")
