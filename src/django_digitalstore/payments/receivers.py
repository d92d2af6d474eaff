"""What follows from a saved or deleted product at providers that keep products of their own.

A receiver only asks to be called after the commit, and then notes the change; the outbox calls the
provider. Fixtures (``loaddata``), ``update()`` and ``bulk_create()`` send no signal that counts:
checkouts, the periodic job and ``manage.py digitalstore_sync_products`` find them by their hash.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.db.models.signals import ModelSignal, post_delete, post_save

from django_digitalstore.catalog import get_product_model
from django_digitalstore.catalog.problems import tells_problems
from django_digitalstore.core import outbox

from . import flows, policies

__all__ = [
    "connect",
    "disconnected",
    "product_changed",
    "product_models",
    "sync_product",
    "tell_sync_problems",
]

logger = logging.getLogger(__name__)

_UID: Final = "digitalstore.payments.product_changed"

_SIGNALS: Final[dict[str, ModelSignal]] = {"post_save": post_save, "post_delete": post_delete}


def product_models() -> list[type[models.Model]]:
    """Return the product model and all that inherit from it: each is a sender of its own."""
    try:
        product = get_product_model()
    except ImproperlyConfigured:  # `manage.py check` names it
        return []
    return [model for model in apps.get_models() if issubclass(model, product)]


def connect() -> None:
    """Connect the receivers."""
    for model in product_models():
        for signal in _SIGNALS.values():
            signal.connect(product_changed, sender=model, dispatch_uid=_UID)


def disconnected() -> Iterator[tuple[type[models.Model], str]]:
    """Yield (model, name of the signal) of each receiver that somebody disconnected."""
    for model in product_models():
        for name, signal in _SIGNALS.items():
            connected = {entry[0] for entry in signal.receivers}
            if (_UID, id(model)) not in connected:
                yield model, name


def product_changed(
    sender: Any, instance: Any, using: str, raw: bool = False, **kwargs: Any
) -> None:
    """Have a change noted after its commit. Writes nothing, and never raises."""
    try:
        if raw or not flows.item_aliases():
            return
        note = partial(flows.mark_product, str(instance.pk))
        transaction.on_commit(note, using=using, robust=True)
    except Exception:
        logger.exception("The change of %s could not be noted; the sync finds it.", sender)


@outbox.handler(flows.SYNC_PRODUCT)
def sync_product(payload: Mapping[str, Any], message: Any) -> None:
    """Bring ``{"alias", "product"}`` to its provider."""
    flows.sync_product(payload["alias"], payload["product"])


@tells_problems
def tell_sync_problems(products: list[Any]) -> Mapping[Any, str]:
    """Tell sellers which of their products a provider does not take. One query, or none."""
    return policies.sync_problems(products) if flows.item_aliases() else {}
