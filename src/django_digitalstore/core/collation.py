"""Whether MariaDB and MySQL tell texts apart that differ, as PostgreSQL and SQLite do.

By itself a MariaDB database compares texts without regard to case, accents and trailing spaces, so
that two webhooks ``msg_a`` and ``msg_A`` would be one message, and one of them never applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.creation import TEST_DATABASE_PREFIX

from .model_slots import registered_slots

__all__ = ["check_collation", "collation_messages"]

_SUITE = __name__.partition(".")[0]
# Not JSON, whose collation is MariaDB's own; not a key to a user or product, whose own key says
# how it is compared.
_TEXTS = (models.CharField, models.TextField)
#: What must not be taken for an "a", the worst first.
_OTHERS = ("A", "á", _PADDED := "a ")


@register(Tags.database)
def check_collation(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Ask MariaDB and MySQL how the columns of the store compare texts; other databases nothing.

    Where a table is not there yet, the database's own collation is what it will get.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if DEFAULT_DB_ALIAS not in (databases or ()) or connection.vendor != "mysql":
        return []
    return list(collation_messages(connection, _columns()))


def _columns() -> dict[str, set[str]]:
    """Return table → columns, of the suite's tables and of what models of the host inherit."""
    fields = [
        field
        for model in apps.get_models()
        if model.__module__.partition(".")[0] == _SUITE
        for field in model._meta.concrete_fields
    ]
    for slot in registered_slots():
        try:
            model = apps.get_model(slot.label)
        except (LookupError, ValueError, AttributeError):
            continue  # E001 and E002 name it
        ours = {field.name for field in slot.get_base()._meta.fields}
        fields += [field for field in model._meta.concrete_fields if field.name in ours]
    found: dict[str, set[str]] = {}
    for field in fields:
        if isinstance(field, _TEXTS) and field.column:
            found.setdefault(field.model._meta.db_table, set()).add(field.column)
    return found


def collation_messages(
    connection: BaseDatabaseWrapper, columns: dict[str, set[str]]
) -> Iterator[CheckMessage]:
    """Say what is wrong with the collations of ``columns`` (table → columns). Asks the server."""
    of_tables, of_database = _collations(connection, columns)
    tables: dict[str, list[str]] = {}
    for table in sorted(columns.keys() & of_tables.keys()):
        for collation in {of_tables[table].get(column) for column in columns[table]} - {None}:
            tables.setdefault(str(collation), []).append(table)
    exact = _exact(connection)
    for collation, names in sorted(tables.items()):
        who = f"The table {names[0]} has"
        if len(names) > 1:
            who = f"The tables {', '.join(names)} have"
        mend = " ".join(f"ALTER TABLE `{table}` CONVERT TO {exact};" for table in names)
        yield from _message(connection, who, collation, mend)
    if columns.keys() - of_tables.keys():
        name = connection.settings_dict["NAME"]
        who = f"The database {name}, where tables of the store are still to be made, has"
        mend = f"ALTER DATABASE `{name}` {exact};"
        yield from _message(connection, who, of_database, mend)


def _message(
    connection: BaseDatabaseWrapper, who: str, collation: str, mend: str
) -> Iterator[CheckMessage]:
    said = f"{who} the collation {collation!r}"
    hint = f"Run, with a backup at hand: {mend}"
    if _is_of_tests(connection):
        exact = _exact(connection).rpartition(" ")[2]
        hint = (
            f"Write DATABASES[{connection.alias!r}]['TEST'] = "
            f"{{'CHARSET': 'utf8mb4', 'COLLATION': {exact!r}}}, and let the tests make their "
            f"database anew."
        )
    charset = collation.partition("_")[0]
    if charset == "utf8mb4":
        other = _taken_for_an_a(connection, collation)
        if other is None:
            return
        said += (
            f", for which 'a' and {other!r} are one text: webhooks, payments and orders whose "
            f"references differ by no more would be taken for each other."
        )
        if other == _PADDED:
            yield CheckWarning(said, hint=hint, id="digitalstore.W003")
            return
    else:
        said += (
            f", and {charset} cannot store every character: a webhook with another one would fail "
            f"whenever it comes."
        )
    yield Error(said, hint=hint, id="digitalstore.E019")


def _is_of_tests(connection: BaseDatabaseWrapper) -> bool:
    name, tests = str(connection.settings_dict["NAME"]), connection.settings_dict["TEST"]
    return name == tests.get("NAME") or name.startswith(TEST_DATABASE_PREFIX)


def _exact(connection: BaseDatabaseWrapper) -> str:
    """Name the collation that compares byte by byte, and no byte less."""
    exact = "nopad_bin" if getattr(connection, "mysql_is_mariadb", False) else "0900_bin"
    return f"CHARACTER SET utf8mb4 COLLATE utf8mb4_{exact}"


def _collations(
    connection: BaseDatabaseWrapper, tables: Iterable[str]
) -> tuple[dict[str, dict[str, str]], str]:
    """Return table → column → collation of the tables that exist, and that of the database."""
    names = sorted(tables)
    found: dict[str, dict[str, str]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@collation_database")
        [of_database] = cursor.fetchone()
        cursor.execute(
            "SELECT table_name, column_name, collation_name FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name IN %s",
            [names or [""]],
        )
        for table, column, collation in cursor.fetchall():
            row = found.setdefault(table, {})
            if collation is not None:
                row[column] = collation
    return found, of_database


def _taken_for_an_a(connection: BaseDatabaseWrapper, collation: str) -> str | None:
    # A collation's name is the server's own, and no parameter can stand for it.
    name = connection.ops.quote_name(collation)
    with connection.cursor() as cursor:
        for other in _OTHERS:
            cursor.execute(f"SELECT CONVERT('a' USING utf8mb4) COLLATE {name} = %s", [other])
            if cursor.fetchone() == (1,):
                return other
    return None
