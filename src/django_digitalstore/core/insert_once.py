"""Rows that are written once, whoever comes first."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connections, models

__all__ = ["insert_once"]


def insert_once(rows: Sequence[models.Model], *, key: str, using: str) -> None:
    """Insert ``rows`` of one model, except those whose unique ``key`` is there, in one statement.

    ``key`` names a field of the unique constraint. A row that the database refuses for any other
    reason raises, as always: MariaDB's ``INSERT IGNORE`` would cut a text that is too long, or
    leave the row out, and say nothing.
    """
    if not rows:
        return
    manager = type(rows[0])._base_manager.using(using)
    if connections[using].features.supports_update_conflicts_with_target:
        manager.bulk_create(rows, ignore_conflicts=True)
    else:
        # The column is set to what it is.
        manager.bulk_create(rows, update_conflicts=True, update_fields=[key])
