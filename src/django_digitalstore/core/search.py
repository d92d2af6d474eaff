"""What people type into a search, found whatever its case, on every database."""

from __future__ import annotations

from typing import Any

from django.db.models import CharField, F, Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import IContains

__all__ = ["holds"]


class _Holds(IContains):
    """Django's ``icontains``, which on MariaDB asks the collation, and ours tells cases apart."""

    def as_mysql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        # The database makes both small: Python has another letter for some, as a last sigma.
        word = Lower(Value(str(self.rhs), output_field=CharField()))
        return IContains(Lower(self.lhs), word).as_sql(compiler, connection)


def holds(field: str, word: str) -> Q:
    """Return the condition that ``word`` stands in ``field``, whatever the case of either.

    ``field`` is a name as ``F()`` takes it. SQLite ignores the case of ASCII letters alone.
    """
    return Q(_Holds(F(field), word))
