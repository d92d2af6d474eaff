"""Permanent mutexes: one row per key that can be locked whether or not anything else exists yet.

Row locks on orders alone are not enough: a refund of one order beside a payment of another, same
buyer and same product, share no row. A mutex row is never deleted, so there is always one to lock.
"""

from __future__ import annotations

from django.db import DEFAULT_DB_ALIAS, connections
from django.utils import timezone

from .exceptions import OutsideTransaction

__all__ = ["take"]


def take(*keys: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Lock ``keys`` until the surrounding transaction ends, in one statement and in sorted order.

    Keys are at most 255 characters. The statement is an upsert: it locks the row on PostgreSQL and
    MariaDB, and takes the database's write lock on SQLite. Raises ``OutsideTransaction`` in
    autocommit, where the lock would be gone before it protects anything.
    """
    from .models import Mutex

    connection = connections[using]
    if not connection.in_atomic_block:
        raise OutsideTransaction(
            "core.locks.take() was called outside a transaction, where a lock protects nothing. "
            "Call it inside `with transaction.atomic():`."
        )
    now = timezone.now()
    Mutex.objects.using(using).bulk_create(
        [Mutex(key=key, taken_at=now) for key in sorted(set(keys))],
        update_conflicts=True,
        update_fields=["taken_at"],
        unique_fields=["key"]
        if connection.features.supports_update_conflicts_with_target
        else None,
    )
