"""Errors of the suite. Each says who, what is wrong, and what to write instead.

Configuration errors derive from ``ImproperlyConfigured`` and never from ``DigitalStoreError``,
so that no retry and no ``except DigitalStoreError`` hides a broken deployment.
"""

from django.core.exceptions import ImproperlyConfigured, PermissionDenied

__all__ = [
    "CalledInTransaction",
    "DigitalStoreError",
    "FlowCalledInSignal",
    "GenericViewRouted",
    "GuardedWrite",
    "InvalidBackend",
    "InvalidModelSetting",
    "InvalidRole",
    "OutsideTransaction",
    "RoleRequired",
]


class DigitalStoreError(Exception):
    """Base of all errors that a running store can raise."""


class GuardedWrite(DigitalStoreError):
    """A guarded table or column was written outside the flow that owns it. Nothing was written."""


class FlowCalledInSignal(DigitalStoreError):
    """A flow was called by a receiver of one of the suite's signals, which never decide."""


class CalledInTransaction(DigitalStoreError, RuntimeError):
    """A provider call was about to run inside a database transaction. Nothing was called."""


class OutsideTransaction(DigitalStoreError, RuntimeError):
    """Something that is only safe inside a transaction was called outside one."""


class RoleRequired(DigitalStoreError, PermissionDenied):
    """The user does not hold the role that a page is for. Answered with the 403 page."""


class InvalidModelSetting(ImproperlyConfigured):
    """A model slot names no model, or one that does not derive from the slot's abstract model."""


class InvalidRole(ImproperlyConfigured):
    """A role has no predicate in ``DIGITALSTORE_ROLES``."""


class InvalidBackend(ImproperlyConfigured):
    """A backend alias is unknown, or its settings are wrong."""


class GenericViewRouted(ImproperlyConfigured):
    """A generic view was routed as it is, or its subclass lacks its role or an attribute."""
