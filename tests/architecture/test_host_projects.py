"""The host projects of ``tests/projects`` are sound, and all arrows go from them to the suite."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.test.utils import isolate_apps

from tests.architecture.arrows import is_ours, keys_to_hosts, migrations_to_hosts
from tests.projects.made import ROOT, run_in_project

PROJECTS = sorted(path.parent.name for path in (ROOT / "tests" / "projects").glob("*/settings.py"))


def test_the_three_kinds_of_host_are_there():
    assert {"full_store", "entitlements_only", "custom_user"} <= set(PROJECTS)


@pytest.mark.parametrize("name", PROJECTS)
def test_a_host_project_is_checked_and_migrates_with_no_migration_to_make(name, tmp_path: Path):
    database = tmp_path / "site.sqlite3"
    for arguments in (
        ("check",),
        ("makemigrations", "--check", "--dry-run"),
        ("migrate", "--verbosity=0"),
        ("migrate", "--check"),
    ):
        done = run_in_project(name, *arguments, database=database)
        assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"


def our_models() -> list[type[models.Model]]:
    return [m for m in apps.get_models(include_auto_created=True) if is_ours(m._meta.app_config)]


def test_no_table_of_ours_points_at_a_host():
    assert our_models()
    assert keys_to_hosts(our_models()) == []


def test_no_migration_of_ours_depends_on_a_host():
    loader = MigrationLoader(None)
    assert any(label == "digitalstore_core" for label, _ in loader.disk_migrations)
    assert migrations_to_hosts(loader) == []


@pytest.mark.django_db
def test_the_hosts_migrations_are_where_the_host_is():
    loader = MigrationLoader(connection)
    hosts = [key for key in loader.disk_migrations if key[0] == "shop"]
    assert hosts
    for key in hosts:
        assert str(ROOT / "tests" / "projects") in _file_of(loader.disk_migrations[key])


def _file_of(migration: migrations.Migration) -> str:
    return str(sys.modules[type(migration).__module__].__file__)


# --- and a planted arrow would be found -------------------------------------------------------


@isolate_apps("django_digitalstore.core")
def test_a_planted_foreign_key_to_a_host_is_found():
    class Clicked(models.Model):
        product = models.ForeignKey("shop.Product", on_delete=models.CASCADE)
        mates = models.ManyToManyField("shop.Category")
        user = models.ForeignKey("auth.Permission", on_delete=models.CASCADE)

        class Meta:
            app_label = "digitalstore_core"

    assert keys_to_hosts([Clicked]) == [
        "digitalstore_core.Clicked.product → shop.Product",
        "digitalstore_core.Clicked.user → auth.Permission",
        "digitalstore_core.Clicked.mates → shop.Category",
    ]


def test_a_planted_dependency_on_a_hosts_migration_is_found():
    class Planted(migrations.Migration):
        dependencies = [("digitalstore_core", "0001_initial"), ("shop", "0001_initial")]

    loader = MigrationLoader(None)
    key = ("digitalstore_core", "0002_planted")
    loader.disk_migrations[key] = Planted(key[1], key[0])
    assert migrations_to_hosts(loader) == ["digitalstore_core.0002_planted → shop.0001_initial"]
