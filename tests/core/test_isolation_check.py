"""MariaDB and MySQL run on READ COMMITTED, by check."""

from __future__ import annotations

import pytest
from django.core.checks import Tags
from django.core.checks.registry import registry

from django_digitalstore.core.checks import check_isolation, isolation_errors


def told(vendor: str, level: str | None) -> list[tuple[str | None, str, str | None]]:
    return [(m.id, str(m.msg), m.hint) for m in isolation_errors("default", vendor, level)]


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ("repeatable read", "has 'repeatable read'"),
        ("SERIALIZABLE", "has 'SERIALIZABLE'"),
        ("read uncommitted", "has 'read uncommitted'"),
        (None, "leaves the isolation level to the server"),
    ],
)
def test_e013_mariadb_reads_what_was_committed(level, said):
    assert told("mysql", level) == [
        (
            "digitalstore.E013",
            (
                f"DATABASES['default'] {said}: behind a lock, old rows would be read as if they "
                "were still so."
            ),
            "Write DATABASES['default']['OPTIONS']['isolation_level'] = 'read committed'.",
        )
    ]


@pytest.mark.parametrize(
    ("vendor", "level"),
    [("mysql", "read committed"), ("mysql", "READ COMMITTED"), ("postgresql", None)],
)
def test_what_is_right_is_left_alone(vendor, level):
    assert told(vendor, level) == []


@pytest.mark.django_db
def test_the_check_comes_with_a_database_and_asks_it_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert check_isolation(databases=["default"]) == []
    assert check_isolation in registry.get_checks()
    assert Tags.database in check_isolation.tags
