"""Conditions that Django's own lookups don't have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Func
from django.db.models.sql.compiler import SQLCompiler

__all__ = ["OneOf"]


class OneOf(Func):
    """The condition that a column of keys holds one of ``keys``, in any number.

    What ``__in`` asks; on PostgreSQL by one parameter and not by one for each, so that asking for a
    page of a hundred costs half as much. Keys are values that the column can hold; None is none.
    ``column`` is named as in ``filter()``, without a lookup::

        purchases.filter(OneOf("product_id", keys), user_id=user.pk)
    """

    def __init__(self, column: str, keys: Iterable[Any]) -> None:
        super().__init__(F(column), output_field=BooleanField())
        self.keys = tuple(key for key in keys if key is not None)

    def as_sql(  # type: ignore[override]  # no template: what is asked depends on the keys
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        """Return ``column IN (…)``."""
        column, params = self._column(compiler)
        marks = ", ".join(["%s"] * len(self.keys))
        return f"{column} IN ({marks})", [*params, *self._prepared(connection)]

    def as_postgresql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        """Return ``column = ANY(…)``, which takes the keys as one array."""
        column, params = self._column(compiler)
        # Without its length: to that a cast would cut a key, which then is another one.
        kind = self._key_field.db_type(connection).partition("(")[0]
        return f"{column} = ANY(%s::{kind}[])", [*params, list(self._prepared(connection))]

    @property
    def _key_field(self) -> Any:
        return self.get_source_expressions()[0].output_field

    def _column(self, compiler: SQLCompiler) -> tuple[str, list[Any]]:
        if not self.keys:
            raise EmptyResultSet
        sql, params = compiler.compile(self.get_source_expressions()[0])
        return sql, list(params)

    def _prepared(self, connection: BaseDatabaseWrapper) -> Iterator[Any]:
        field = self._key_field
        return (field.get_db_prep_value(key, connection) for key in self.keys)
