"""What the private storage says that it is, before anybody has used it."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage
from django.test import override_settings

from django_digitalstore.catalog.storage import PrivateStorage, private_storage

IN_MEMORY = {"sold": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}


@override_settings(STORAGES=IN_MEMORY, DIGITALSTORE_STORAGE="sold")
def test_the_private_storage_is_what_the_settings_name() -> None:
    storage = private_storage()
    assert isinstance(storage, InMemoryStorage)
    assert not isinstance(storage, FileSystemStorage)


@override_settings(STORAGES={}, DIGITALSTORE_STORAGE="sold", DIGITALSTORE_TEST_MODE=False)
def test_what_is_wrong_is_said_when_it_is_used_and_not_when_it_is_looked_at() -> None:
    storage = PrivateStorage()
    assert isinstance(storage, Storage)
    with pytest.raises(ImproperlyConfigured):
        storage.exists("x")


@override_settings(STORAGES={}, DIGITALSTORE_STORAGE="sold", DIGITALSTORE_TEST_MODE=False)
def test_models_are_loaded_before_any_storage_is(monkeypatch) -> None:
    monkeypatch.setattr(apps, "ready", False)
    monkeypatch.setattr(PrivateStorage, "_setup", lambda self: pytest.fail("it was set up"))
    assert isinstance(PrivateStorage(), Storage)
