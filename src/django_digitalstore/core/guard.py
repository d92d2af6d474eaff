"""The guard: tables and columns that only flows write.

A guarded model refuses every ordinary ORM write outside its flows, and says which flow to call.
Flows write through ``insert``, ``update`` and ``delete`` of this module. Each opens the guard for
one statement of one instance or queryset, never for a block, so that receivers and a host's own
``save()`` that run inside a flow meet it closed.

What stays open, and why: ``loaddata`` and data migrations (they restore what was once right),
``_base_manager`` and SQL (a person who writes these has left the ORM's road on purpose), and the
flush of a test database. The damage they can do is found by the suite's invariants.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar

from django.db import models
from django.db.models import QuerySet

from .exceptions import GuardedWrite

__all__ = ["Guard", "GuardedManager", "GuardedModel", "GuardedQuerySet", "delete", "insert", "update"]

M = TypeVar("M", bound="GuardedModel")

_TICKET = "_digitalstore_guard_ticket"


@dataclass(frozen=True, slots=True)
class Guard:
    """What is guarded in a model, and what to call instead.

    ``owner`` is the module whose flows write (``"entitlements.flows"``). ``columns`` are the names
    of the guarded fields; None guards the whole table. ``insert``, ``delete`` and ``update`` say
    what to write instead of an insert, a delete, a change; ``testing`` the module that gives tests
    an honest way.
    """

    owner: str
    insert: str
    delete: str
    update: str
    testing: str
    columns: frozenset[str] | None = None
    also: Mapping[str, str] = field(default_factory=dict)

    def covers(self, name: str) -> bool:
        """Tell whether the field ``name`` (or its attname) is guarded."""
        if self.columns is None:
            return True
        return name in self.columns or name.removesuffix("_id") in self.columns


def _refuse(model: type[models.Model], what: str, instead: str) -> NoReturn:
    guard: Guard = model.guard  # type: ignore[attr-defined]
    raise GuardedWrite(
        f"{model._meta.label}: {what} Only {guard.owner} writes this; {instead} "
        f"In a test, {guard.testing} gives an honest way."
    )


def _columns_text(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _refuse_columns(model: type[models.Model], operation: str, names: Iterable[str]) -> NoReturn:
    guard: Guard = model.guard  # type: ignore[attr-defined]
    _refuse(model, f"{operation} would write {_columns_text(names)}.", guard.update)


class GuardedQuerySet(QuerySet[M]):
    """Refuses bulk writes of what is guarded."""

    def _refuse_guarded(self, operation: str, names: Iterable[str]) -> None:
        guard: Guard = self.model.guard
        guarded = [name for name in names if guard.covers(name)]
        if guarded:
            _refuse_columns(self.model, operation, guarded)

    def update(self, **kwargs: Any) -> int:
        """Update columns that are not guarded; raise ``GuardedWrite`` for the others."""
        self._refuse_guarded("update()", kwargs)
        return super().update(**kwargs)

    update.alters_data = True  # type: ignore[attr-defined]

    def delete(self) -> NoReturn:
        """Raise ``GuardedWrite``: rows are deleted by flows, or never."""
        _refuse(self.model, "delete() would remove rows.", self.model.guard.delete)

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]

    def bulk_create(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Raise ``GuardedWrite``: rows are added by flows."""
        _refuse(self.model, "bulk_create() would add rows.", self.model.guard.insert)

    def bulk_update(self, objs: Iterable[M], fields: Iterable[str], *args: Any, **kwargs: Any) -> int:
        """Update columns that are not guarded; raise ``GuardedWrite`` for the others."""
        fields = list(fields)
        self._refuse_guarded("bulk_update()", fields)
        return super().bulk_update(objs, fields, *args, **kwargs)


class GuardedManager(models.Manager.from_queryset(GuardedQuerySet)):  # type: ignore[misc]
    """The default manager of a guarded model. Not used in migrations, so history never meets it."""

    use_in_migrations = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Django builds the manager of `product.purchases` as a subclass of the default manager,
        # and its add() moves rows through `_base_manager`, past every queryset of ours.
        super().__init_subclass__(**kwargs)
        if "add" in vars(cls) and hasattr(cls, "_check_fk_val"):
            cls.add = _guarded_related_add(cls.add)  # type: ignore[attr-defined]


def _guarded_related_add(add: Any) -> Any:
    def guarded_add(self: Any, *objs: Any, **kwargs: Any) -> None:
        guard: Guard = self.model.guard
        if guard.covers(self.field.name):
            _refuse_columns(self.model, "add() of a related manager", [self.field.name])
        add(self, *objs, **kwargs)

    guarded_add.alters_data = True  # type: ignore[attr-defined]
    return guarded_add


class GuardedModel(models.Model):
    """Base of the models whose table, or some columns of it, only flows write."""

    guard: ClassVar[Guard]

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **kwargs: Any) -> Self:
        """Remember the guarded values as loaded: what differs later was changed by hand."""
        instance = super().from_db(db, field_names, values, **kwargs)
        instance._remember_guarded()
        return instance

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        """Reload, and take the reloaded values as the ones to compare with."""
        super().refresh_from_db(*args, **kwargs)
        self._remember_guarded()

    def _remember_guarded(self) -> None:
        columns = self.guard.columns
        if columns is not None:
            self._guarded_as_loaded = {
                f.attname: self.__dict__[f.attname]
                for f in self._meta.concrete_fields
                if f.name in columns and f.attname in self.__dict__
            }

    def _guarded_changes(self) -> list[str]:
        loaded = getattr(self, "_guarded_as_loaded", {})
        missing = object()
        return [
            f.name
            for f in self._meta.concrete_fields
            if self.guard.covers(f.name)
            and f.attname in self.__dict__
            and self.__dict__[f.attname] != loaded.get(f.attname, missing)
        ]

    def save_base(
        self,
        raw: bool = False,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Write one row. Not for overriding: it is here that the guard stands."""
        opened = self.__dict__.pop(_TICKET, None) == "insert"
        if not opened:
            if self._state.adding or force_insert:
                _refuse(type(self), "save() would add a row.", self.guard.insert)
            update_fields = self._unguarded_update_fields(update_fields)
        super().save_base(
            raw=raw,
            force_insert=force_insert,
            force_update=force_update,
            using=using,
            update_fields=update_fields,  # type: ignore[arg-type]
        )
        if opened:
            self._remember_guarded()

    save_base.alters_data = True  # type: ignore[attr-defined]

    def _unguarded_update_fields(self, update_fields: Iterable[str] | None) -> frozenset[str]:
        guard = self.guard
        if update_fields is not None:
            named = [name for name in update_fields if guard.covers(name)]
            # Django itself names all loaded fields when some were deferred: not a wish to write.
            if named and not self._names_all_loaded(update_fields):
                _refuse_columns(type(self), "save()", named)
        if guard.columns is None:
            _refuse(type(self), "save() would change a row.", guard.update)
        changed = self._guarded_changes()
        if changed:
            _refuse_columns(type(self), "save()", changed)
        names = (
            (f.name for f in self._meta.concrete_fields if not f.primary_key and f.attname in self.__dict__)
            if update_fields is None
            else update_fields
        )
        return frozenset(name for name in names if not guard.covers(name))

    def _names_all_loaded(self, update_fields: Iterable[str]) -> bool:
        deferred = self.get_deferred_fields()
        if not deferred:
            return False
        loaded = {
            f.name
            for f in self._meta.concrete_fields
            if not f.primary_key and f.attname not in deferred
        }
        return frozenset(update_fields) == loaded

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raise ``GuardedWrite`` outside a flow."""
        if self.__dict__.pop(_TICKET, None) != "delete":
            _refuse(type(self), "delete() would remove a row.", self.guard.delete)
        return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]


def insert(instance: M, *, using: str | None = None) -> M:
    """Add the row of ``instance`` by its own ``save()``. For flows only.

    The host's ``save()`` and its receivers run; the guard is open for this one row alone.
    """
    instance.__dict__[_TICKET] = "insert"
    try:
        instance.save(force_insert=True, using=using)
    finally:
        instance.__dict__.pop(_TICKET, None)
    return instance


def update(instance_or_queryset: Any, **values: Any) -> int:
    """Write ``values`` in one UPDATE and return the number of rows. For flows only.

    An instance takes the new values when its row was there. No ``save()`` and no receiver runs:
    what follows from a state belongs into a signal of the suite, after commit.
    """
    if isinstance(instance_or_queryset, GuardedModel):
        instance = instance_or_queryset
        rows = QuerySet(type(instance), using=instance._state.db).filter(pk=instance.pk).update(**values)
        if rows:
            for name, value in values.items():
                setattr(instance, name, value)
            instance._remember_guarded()
        return rows
    queryset: QuerySet[Any] = instance_or_queryset
    return QuerySet.update(queryset, **values)


def delete(instance: GuardedModel) -> None:
    """Delete the row of ``instance`` by its own ``delete()``. For flows only."""
    instance.__dict__[_TICKET] = "delete"
    try:
        instance.delete()
    finally:
        instance.__dict__.pop(_TICKET, None)
