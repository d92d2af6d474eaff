"""What every verb of the catalog holds to: its actor may, and its fields are right."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from django_digitalstore.catalog.exceptions import NotYourProduct, ProductNotReady

__all__ = ["check_actor", "clean"]


def clean(instance: models.Model) -> None:
    """Validate every field and constraint. Raises ``ProductNotReady`` with the wrong fields."""
    try:
        instance.full_clean()
    except ValidationError as error:
        raise ProductNotReady(error.error_dict) from error


def check_actor(instance: models.Model, owned: Any, actor: Any) -> None:
    """Let the seller of ``owned``, those who may change ``instance``, and the site (None) pass.

    Raises ``NotYourProduct``.
    """
    if actor is None or (owned.seller_id is not None and owned.seller_id == actor.pk):
        return
    options = instance._meta
    if actor.is_active and actor.has_perm(f"{options.app_label}.change_{options.model_name}"):
        return
    raise NotYourProduct(
        _("%(model)s “%(object)s” belongs to somebody else. Only its seller and staff change it.")
        % {"model": options.label, "object": instance}
    )
