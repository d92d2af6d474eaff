"""What the tests of the payments share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db.models.signals import post_delete, post_save
from django.test import override_settings

from django_digitalstore.payments.receivers import connect, product_models
from tests.payments.shelf import Shelf, ShelfBackend, settings_of


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """The return page remembers for a second that it asked the provider."""
    cache.clear()


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A provider that keeps products, and the only one; see ``tests.payments.shelf``."""
    shelf = Shelf(tmp_path / "shelf.json")
    with override_settings(DIGITALSTORE_PAYMENTS=settings_of(shelf)):
        yield shelf
    ShelfBackend.faults.clear()


@pytest.fixture
def faults(shelf: Shelf) -> dict[Any, Any]:
    """What goes wrong at the shelf: ``faults["before", "ensure"] = function``."""
    return ShelfBackend.faults


@pytest.fixture
def no_receivers() -> Iterator[None]:
    """A site on which somebody disconnected the product sync."""
    receivers = [
        (signal, model) for signal in (post_save, post_delete) for model in product_models()
    ]
    for signal, model in receivers:
        assert signal.disconnect(sender=model, dispatch_uid="digitalstore.payments.product_changed")
    yield
    connect()
