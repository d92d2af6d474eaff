"""Two databases: everything of the site is in one, the other belongs to somebody else."""

from __future__ import annotations

from typing import Any


class LegacyRouter:
    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "legacy" if model._meta.app_label == "legacy" else None

    def db_for_write(self, model: Any, **hints: Any) -> str | None:
        return self.db_for_read(model)

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return (db == "legacy") == (app_label == "legacy")
