"""System checks of the catalog: the storage of sold files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register

__all__ = ["check_private_storage"]


@register()
def check_private_storage(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the alias of the private storage exists, or that test mode stands in for it."""
    alias = settings.DIGITALSTORE_STORAGE
    if alias in settings.STORAGES or settings.DIGITALSTORE_TEST_MODE:
        return []
    return [
        Error(
            f"DIGITALSTORE_STORAGE names {alias!r}, which STORAGES does not have.",
            hint=(
                f"Write STORAGES[{alias!r}] = {{'BACKEND': "
                f"'django_digitalstore.catalog.storage.PrivateFileSystemStorage', "
                f"'OPTIONS': {{'location': '/a/private/folder'}}}}."
            ),
            id="digitalstore.E101",
        )
    ]
