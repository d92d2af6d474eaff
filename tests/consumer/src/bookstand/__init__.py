"""Books on django-digitalstore: ISBNs, licences for teams, affiliates."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from django_digitalstore.core.model_slots import ModelSlot

if TYPE_CHECKING:
    from .abstract_models import AbstractLicence

__all__ = ["get_licence_model"]

_licence = ModelSlot(
    "Licence", "BOOKSTAND_LICENCE_MODEL", "bookstand.abstract_models.AbstractLicence", "bookstand"
)


def get_licence_model() -> type[AbstractLicence]:
    """Return the host's licence model. Raises ``InvalidModelSetting``."""
    return cast("type[AbstractLicence]", _licence.get_model())
