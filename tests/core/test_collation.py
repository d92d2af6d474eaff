"""MariaDB tells apart what differs, by check: case, accents and spaces at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from django.core.checks import ERROR, WARNING, Tags, run_checks
from django.db import connection

from django_digitalstore.core.collation import check_collation, collation_messages

pytestmark = pytest.mark.django_db(transaction=True)

MIXED_UP = (
    "for which 'a' and {!r} are one text: webhooks, payments and orders whose references differ by "
    "no more would be taken for each other."
)
CUT_OFF = (
    "and utf8mb3 cannot store every character: a webhook with another one would fail whenever it "
    "comes."
)

#: collation → what is wrong with it, how grave that is and the check's id
WRONG = {
    "utf8mb4_general_ci": (MIXED_UP.format("A"), ERROR, "digitalstore.E019"),
    "utf8mb4_unicode_nopad_ci": (MIXED_UP.format("A"), ERROR, "digitalstore.E019"),
    "utf8mb4_uca1400_ai_cs": (MIXED_UP.format("á"), ERROR, "digitalstore.E019"),
    "utf8mb4_bin": (MIXED_UP.format("a "), WARNING, "digitalstore.W003"),
    "utf8mb3_bin": (CUT_OFF, ERROR, "digitalstore.E019"),
}


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.fixture
def table() -> Iterator[Callable[[str], str]]:
    def make(collation: str) -> str:
        charset = collation.partition("_")[0]
        execute(
            "CREATE TABLE told (id int, reference varchar(20), extra varchar(20) COLLATE "
            f"{charset}_general_ci) CHARACTER SET {charset} COLLATE {collation}"
        )
        return "told"

    yield make
    execute("DROP TABLE IF EXISTS told")


@pytest.fixture
def database_of() -> Iterator[Callable[[str], None]]:
    def alter(collation: str) -> None:
        name, charset = connection.settings_dict["NAME"], collation.partition("_")[0]
        execute(f"ALTER DATABASE `{name}` CHARACTER SET {charset} COLLATE {collation}")

    yield alter
    alter("utf8mb4_nopad_bin")


def told(columns: dict[str, set[str]], *, database: str = "store") -> list[tuple[Any, ...]]:
    """Return what the check says of a database of this name, which is the tests' own."""
    with patch.dict(connection.settings_dict, NAME=database):
        found = list(collation_messages(connection, columns))
    return [(m.id, m.level, m.msg, m.hint) for m in found]


@pytest.mark.mariadb
@pytest.mark.parametrize("collation", WRONG)
def test_a_table_whose_texts_are_not_told_apart_is_named_with_the_line_that_mends_it(
    table, collation
) -> None:
    table(collation)
    what, level, check_id = WRONG[collation]

    assert told({"told": {"id", "reference"}}) == [
        (
            check_id,
            level,
            f"The table told has the collation {collation!r}, {what}",
            (
                "Run, with a backup at hand: ALTER TABLE `told` CONVERT TO CHARACTER SET utf8mb4 "
                "COLLATE utf8mb4_nopad_bin;"
            ),
        )
    ]


@pytest.mark.mariadb
def test_of_a_database_of_tests_the_setting_is_named(table) -> None:
    table("utf8mb4_general_ci")

    [(_, _, _, hint)] = told({"told": {"reference"}}, database="test_store")

    assert hint == (
        "Write DATABASES['default']['TEST'] = {'CHARSET': 'utf8mb4', 'COLLATION': "
        "'utf8mb4_nopad_bin'}, and let the tests make their database anew."
    )


@pytest.mark.mariadb
def test_the_line_mends_it(table) -> None:
    table("utf8mb4_general_ci")
    [(_, _, _, hint)] = told({"told": {"reference"}})

    execute(hint.partition(": ")[2])

    assert told({"told": {"reference"}}) == []


@pytest.mark.mariadb
def test_what_a_host_adds_to_a_table_may_ignore_case(table) -> None:
    table("utf8mb4_nopad_bin")

    assert told({"told": {"id", "reference"}}) == []
    assert [found[0] for found in told({"told": {"extra"}})] == ["digitalstore.E019"]


@pytest.mark.mariadb
@pytest.mark.parametrize("collation", WRONG)
def test_before_the_tables_are_there_the_database_is_asked(database_of, collation) -> None:
    database_of(collation)
    what, level, check_id = WRONG[collation]

    assert told({"not_there": {"reference"}}) == [
        (
            check_id,
            level,
            (
                "The database store, where tables of the store are still to be made, has the "
                f"collation {collation!r}, {what}"
            ),
            (
                "Run, with a backup at hand: ALTER DATABASE `store` CHARACTER SET utf8mb4 "
                "COLLATE utf8mb4_nopad_bin;"
            ),
        )
    ]


@pytest.mark.mariadb
def test_a_database_of_another_collation_is_no_matter_once_all_tables_are_right(
    database_of,
) -> None:
    database_of("utf8mb4_general_ci")

    assert ours() == []


@pytest.mark.mariadb
def test_tables_of_the_suite_and_of_the_host_are_looked_at() -> None:
    changed = ["digitalstore_core_mutex", "shop_product", "auth_group"]
    before, after = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", "utf8mb4_nopad_bin"
    try:
        for name in changed:
            execute(f"ALTER TABLE {name} CONVERT TO {before}")
        found = ours()
    finally:
        for name in changed:
            execute(f"ALTER TABLE {name} CONVERT TO CHARACTER SET utf8mb4 COLLATE {after}")

    assert [(m.id, str(m.msg).partition(" have ")[0]) for m in found] == [
        ("digitalstore.E019", "The tables digitalstore_core_mutex, shop_product")
    ]


def ours() -> list[Any]:
    found = run_checks(tags=[Tags.database], databases=["default"])
    return [m for m in found if str(m.id).startswith("digitalstore.")]


def test_the_database_of_the_tests_is_right() -> None:
    assert ours() == []


@pytest.mark.skipif(connection.vendor == "mysql", reason="MariaDB is asked.")
def test_other_databases_are_asked_nothing(django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert ours() == []


@pytest.mark.parametrize("databases", [None, [], ["other"]])
def test_nothing_is_asked_without_our_database(databases, django_assert_num_queries) -> None:
    with django_assert_num_queries(0):
        assert check_collation(databases=databases) == []
