"""Which way migrations and keys point: from the host to the suite, never back."""

from __future__ import annotations

from collections.abc import Iterable

from django.apps import AppConfig, apps
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model

__all__ = ["is_ours", "keys_to_hosts", "migrations_to_hosts"]

SUITE = "django_digitalstore"


def is_ours(config: AppConfig) -> bool:
    return config.name.startswith(f"{SUITE}.")


def keys_to_hosts(models: Iterable[type[Model]]) -> list[str]:
    """Return each relation of ``models`` that points at a model of a host, but for its user.

    Many-to-many tables and the hidden side of generic relations count as well.
    """
    found = []
    for model in models:
        for field in (*model._meta.local_fields, *model._meta.local_many_to_many):
            target = field.related_model
            if target is None:
                continue
            label = target if isinstance(target, str) else target._meta.label
            if label.lower() == settings.AUTH_USER_MODEL.lower():
                continue
            config = apps.get_app_config(label.split(".")[0])
            if not is_ours(config):
                found.append(f"{model._meta.label}.{field.name} → {label}")
    return found


def migrations_to_hosts(loader: MigrationLoader) -> list[str]:
    """Return each dependency of a migration of ours on an app that isn't ours.

    The app of the user model is named by ``__setting__`` in the file, and is allowed.
    """
    ours = {config.label for config in apps.get_app_configs() if is_ours(config)}
    user_app = settings.AUTH_USER_MODEL.split(".")[0]
    return sorted(
        f"{label}.{name} → {needed[0]}.{needed[1]}"
        for (label, name), migration in loader.disk_migrations.items()
        if label in ours
        for needed in (*migration.dependencies, *migration.run_before)
        if needed[0] not in {*ours, user_app, "__setting__"}
    )
