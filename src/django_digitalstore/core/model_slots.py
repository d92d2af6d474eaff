"""Model slots: the abstract models that a host makes concrete, named by settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

from .exceptions import InvalidModelSetting

if TYPE_CHECKING:
    from django.db.models import Model

__all__ = ["ModelSlot", "registered_slots"]

_slots: dict[str, ModelSlot] = {}


def registered_slots() -> list[ModelSlot]:
    """Return the slots of the installed features, in the order of their registration."""
    return [slot for slot in _slots.values() if apps.is_installed(slot.feature)]


@dataclass(frozen=True, slots=True)
class ModelSlot:
    """A place for one model of the host.

    ``name`` is the class name that ``startstore`` writes (``Product``), ``setting`` the name of
    the setting, ``base`` the dotted path of the abstract model (a path, so that the core imports
    no feature) and ``feature`` the app that needs the slot.
    """

    name: str
    setting: str
    base: str
    feature: str

    def __post_init__(self) -> None:
        _slots[self.setting] = self

    @property
    def label(self) -> Any:
        """What the setting holds: ``"app_label.ModelName"`` where it is right."""
        return getattr(settings, self.setting)

    def get_base(self) -> type[Model]:
        """Return the abstract model. Raises ``ImportError`` before the apps are loaded."""
        return cast("type[Model]", import_string(self.base))

    def get_model(self) -> type[Model]:
        """Return the host's model. Call it inside functions, never at import time.

        Raises ``InvalidModelSetting``, which names the setting, its value and what to write.
        """
        label = self.label
        if not isinstance(label, str) or label.count(".") != 1:
            raise InvalidModelSetting(
                f"{self.setting} must be of the form 'app_label.ModelName', not {label!r}."
            )
        try:
            return apps.get_model(label, require_ready=False)
        except LookupError as error:
            raise InvalidModelSetting(
                f"{self.setting} refers to model {label!r}, which is not installed. "
                f"Run `manage.py check` to see the class to write."
            ) from error
