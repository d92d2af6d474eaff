"""A plugin for mypy: ``get_product_model()`` and its like are the models that the host named.

Without it they are known by their bases, as ``type[AbstractProduct]``, since which model the host
named is a setting. List it below the plugin of django-stubs, which loads the settings::

    [tool.mypy]
    plugins = ["mypy_django_plugin.main", "django_digitalstore.mypy_plugin"]

Nothing of a running site imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import TypeAlias

from django.apps import apps
from mypy.nodes import ImportBase, ImportFrom, MypyFile, TypeInfo
from mypy.options import Options
from mypy.plugin import FunctionContext, Plugin, ReportConfigContext
from mypy.types import Instance, Type, TypeType

from .core.exceptions import InvalidModelSetting
from .core.model_slots import registered_slots

__all__ = ["plugin"]

_Name: TypeAlias = tuple[str, str]


class _SlotPlugin(Plugin):
    """Gives the getters of the model slots the types of the host's models."""

    def __init__(self, options: Options) -> None:
        if not apps.ready:
            # Whatever else is raised here, mypy reports as an internal error of its own.
            raise SystemExit(
                "django_digitalstore.mypy_plugin – Django's apps are not loaded – write plugins = "
                '["mypy_django_plugin.main", "django_digitalstore.mypy_plugin"], in this order.'
            )
        super().__init__(options)

    @cached_property
    def _models(self) -> dict[str, _Name]:
        """Getter → module and name of the model that it returns."""
        found = {}
        for slot in registered_slots():
            try:
                model = slot.get_model()
            except InvalidModelSetting:
                continue  # `manage.py check` names it
            getter = f"get_{slot.setting.removeprefix('DIGITALSTORE_').lower()}"
            found[f"{slot.feature}.{getter}"] = (model.__module__, model.__qualname__)
        return found

    def report_config_data(self, ctx: ReportConfigContext) -> dict[str, _Name]:
        """Return what mypy's cache rests on."""
        return self._models

    def get_additional_deps(self, file: MypyFile) -> list[tuple[int, str, int]]:
        """Let a module that asks for a model be read after that model."""
        imported = {name for each in file.imports for name in _imported(each)}
        features = {getter.rpartition(".")[0] for getter in self._models} & imported
        if file.fullname.startswith("django_digitalstore."):
            return []
        modules = {
            module
            for getter, (module, _) in self._models.items()
            if getter.rpartition(".")[0] in features and module != file.fullname
        }
        return [(10, module, -1) for module in sorted(modules)]

    def get_function_hook(self, fullname: str) -> Callable[[FunctionContext], Type] | None:
        """Return what answers for a getter, None for every other function."""
        if fullname not in self._models:
            return None
        return partial(self._type_of, ".".join(self._models[fullname]))

    def _type_of(self, model: str, ctx: FunctionContext) -> Type:
        found = self.lookup_fully_qualified(model)
        if found is None or not isinstance(found.node, TypeInfo):
            return ctx.default_return_type
        return TypeType.make_normalized(Instance(found.node, []))


def _imported(statement: ImportBase) -> list[str]:
    if isinstance(statement, ImportFrom):
        return [statement.id, *(f"{statement.id}.{name}" for name, _ in statement.names)]
    return [name for name, _ in getattr(statement, "ids", [])]


def plugin(version: str) -> type[Plugin]:
    """Return the plugin; mypy calls this."""
    return _SlotPlugin
