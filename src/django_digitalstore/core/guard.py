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

import copy
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self

from django.core.checks import CheckMessage, Error
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import models, transaction
from django.db.models import QuerySet
from django.db.models.utils import resolve_callables

from .exceptions import GuardedWrite

__all__ = [
    "Guard",
    "GuardedManager",
    "GuardedModel",
    "GuardedQuerySet",
    "delete",
    "insert",
    "update",
]

if TYPE_CHECKING:
    # With a default, which typing has since Python 3.13: who subclasses a queryset need not say.
    from typing_extensions import TypeVar

    M = TypeVar("M", bound="GuardedModel", default=Any)
else:
    from typing import TypeVar

    M = TypeVar("M")

_TICKET = "_digitalstore_guard_ticket"
_DECIDED = "_digitalstore_guard_decided"


@dataclass(frozen=True, slots=True)
class Guard:
    """What is guarded in a model, and what to call instead.

    ``owner`` is the module whose flows write (``"entitlements.flows"``). ``columns`` are the names
    of the guarded fields; None guards the whole table. ``insert``, ``delete`` and ``update`` say
    what to write instead of an insert, a delete, a change; ``testing`` names the function to call
    instead in a test (``"shop.testing.make_invoice()"``), which is said under a test run only.
    """

    owner: str
    insert: str
    delete: str
    update: str
    testing: str
    columns: frozenset[str] | None = None

    def covers(self, model: type[models.Model], name: str) -> bool:
        """Tell whether the field ``name`` (or attname) of ``model`` is guarded.

        The primary key always is: with another one, a save would write another row.
        """
        if self.columns is None or name == "pk":
            return True
        try:
            found = model._meta.get_field(name)
        except FieldDoesNotExist:
            return False  # Django says so in its own words
        return getattr(found, "primary_key", False) or found.name in self.columns


def _under_a_test_run() -> bool:
    """Tell whether Django's ``setup_test_environment()`` ran: by its test runner, or by pytest's.

    A site that serves people never imports ``django.test``, so it is not imported here either.
    """
    state = getattr(sys.modules.get("django.test.utils"), "_TestState", None)
    # The mark by which Django itself refuses to set the environment up twice. An e-mail backend or
    # PYTEST_CURRENT_TEST would also be found in a site that a test merely started.
    return hasattr(state, "saved_data")


def _refuse(model: type[models.Model], what: str, instead: str) -> NoReturn:
    guard: Guard = model.guard  # type: ignore[attr-defined]
    honestly = f" In a test, call {guard.testing}." if _under_a_test_run() else ""
    raise GuardedWrite(
        f"{model._meta.label}: {what} Only {guard.owner} writes this; {instead}{honestly}"
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
        guarded = [name for name in names if guard.covers(self.model, name)]
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

    def bulk_update(
        self, objs: Iterable[M], fields: Iterable[str], *args: Any, **kwargs: Any
    ) -> int:
        """Update columns that are not guarded; raise ``GuardedWrite`` for the others."""
        fields = list(fields)
        self._refuse_guarded("bulk_update()", fields)
        return super().bulk_update(objs, fields, *args, **kwargs)

    def update_or_create(
        self,
        defaults: Mapping[str, Any] | None = None,
        create_defaults: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> tuple[M, bool]:
        """Update columns of the one row that is found; raise ``GuardedWrite`` for all else."""
        # Django's own names every date and time of the row besides the defaults.
        defaults = defaults or {}
        self._refuse_guarded("update_or_create()", defaults)
        self._for_write = True
        with transaction.atomic(using=self.db):
            try:
                found = self.select_for_update().get(**kwargs)
            except self.model.DoesNotExist:
                _refuse(self.model, "update_or_create() would add a row.", self.model.guard.insert)
            for name, value in resolve_callables(defaults):
                setattr(found, name, value)
            found.save(using=self.db, update_fields=[*defaults, *found._fields_set_by_save()])
        return found, False

    update_or_create.alters_data = True  # type: ignore[attr-defined]


# By a name of its own: as a base class, mypy knows only names.
_Manager = models.Manager.from_queryset(GuardedQuerySet)


class GuardedManager(_Manager[M]):
    """The default manager of a guarded model. Not used in migrations, so history never meets it."""

    use_in_migrations = False

    if TYPE_CHECKING:
        _queryset_class: ClassVar[type[QuerySet]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Django builds the manager of `product.purchases` as a subclass of the default manager,
        # and its add() moves rows through `_base_manager`, past every queryset of ours.
        super().__init_subclass__(**kwargs)
        if not issubclass(cls._queryset_class, GuardedQuerySet):
            raise ImproperlyConfigured(
                f"{cls.__qualname__} is a guarded manager, but its queryset "
                f"{cls._queryset_class.__qualname__} is not guarded: it would let anybody write "
                f"what only flows may write. Derive {cls._queryset_class.__qualname__} from "
                f"django_digitalstore.core.guard.GuardedQuerySet, or from the queryset of the "
                f"abstract model."
            )
        if "add" in vars(cls) and hasattr(cls, "_check_fk_val"):
            cls.add = _guarded_related_add(cls.add)  # type: ignore[attr-defined]


def _guarded_related_add(add: Any) -> Any:
    def guarded_add(self: Any, *objs: Any, **kwargs: Any) -> None:
        guard: Guard = self.model.guard
        if guard.covers(self.model, self.field.name):
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
    def check(cls, **kwargs: Any) -> list[CheckMessage]:
        """Check also that no manager and no key of the host's model leads past the guard."""
        return [*super().check(**kwargs), *cls._managers_past_guard(), *cls._keys_past_guard()]

    @classmethod
    def _managers_past_guard(cls) -> list[CheckMessage]:
        return [
            Error(
                f"{cls._meta.label}.{manager.name} is a manager that is not guarded: it would let "
                f"anybody write what only {cls.guard.owner} writes.",
                hint="Derive it from the manager of the abstract model, or from "
                "django_digitalstore.core.guard.GuardedManager.",
                obj=cls,
                id="digitalstore.E010",
            )
            for manager in cls._meta.managers
            # The default manager of a slot's model is E006, which the slots' check reports.
            if (manager is not cls._default_manager or cls._meta.proxy)
            and not isinstance(manager.all(), GuardedQuerySet)
        ]

    @classmethod
    def _keys_past_guard(cls) -> list[CheckMessage]:
        protecting = {models.PROTECT, models.RESTRICT, models.DO_NOTHING}
        cascading = {models.CASCADE, getattr(models, "DB_CASCADE", models.CASCADE)}
        errors: list[CheckMessage] = []
        for f in cls._meta.local_fields:
            on_delete: Any = getattr(f.remote_field, "on_delete", None)
            if on_delete is None or on_delete in protecting:
                continue
            if on_delete in cascading or f.name in cls._decided():
                name = getattr(on_delete, "__name__", type(on_delete).__name__)
                errors.append(
                    Error(
                        f"{cls._meta.label}.{f.name} has on_delete={name}: deleting what it points "
                        f"at would write rows that only {cls.guard.owner} writes.",
                        hint="Write on_delete=models.PROTECT.",
                        obj=f,
                        id="digitalstore.E011",
                    )
                )
        return errors

    @classmethod
    def _decided(cls) -> frozenset[str]:
        """Return the names of the fields that flows decide, without a host's own."""
        if cls.guard.columns is not None:
            return cls.guard.columns
        base: Any = next(base for base in cls.__mro__ if "guard" in vars(base))
        return frozenset(f.name for f in base._meta.local_fields)

    def _decided_values(self) -> dict[str, Any]:
        names = self._decided()
        return {
            f.name: copy.deepcopy(value) if isinstance(value, list | dict) else value
            for f in self._meta.concrete_fields
            if f.name in names
            for value in [self.__dict__.get(f.attname)]
        }

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **kwargs: Any) -> Self:
        """Remember the guarded values as loaded: what differs later was changed by hand."""
        instance = super().from_db(db, field_names, values, **kwargs)
        instance._remember_guarded()
        return instance

    def refresh_from_db(  # type: ignore[override]
        self, using: str | None = None, fields: Iterable[str] | None = None, **kwargs: Any
    ) -> None:
        """Reload, and take the reloaded values as the ones to compare with."""
        fields = None if fields is None else list(fields)
        super().refresh_from_db(using=using, fields=fields, **kwargs)
        self._remember_guarded(fields)

    def _remember_guarded(self, names: Iterable[str] | None = None) -> None:
        """Take the values of the guarded fields ``names`` (None: of all) as those in the row."""
        if self.guard.columns is None:
            return
        known = {} if names is None else dict(getattr(self, "_guarded_as_loaded", {}))
        wanted = None if names is None else set(names)
        for f in self._guarded_fields():
            if f.attname in self.__dict__ and (wanted is None or {f.name, f.attname} & wanted):
                value = self.__dict__[f.attname]
                # What can be changed in place would change here as well.
                known[f.attname] = copy.deepcopy(value) if isinstance(value, list | dict) else value
        self._guarded_as_loaded = known

    @classmethod
    def _guarded_fields(cls) -> list[Any]:
        return [f for f in cls._meta.concrete_fields if cls.guard.covers(cls, f.name)]

    def _guarded_changes(self) -> list[str]:
        loaded = getattr(self, "_guarded_as_loaded", {})
        missing = object()
        return [
            f.name
            for f in self._guarded_fields()
            if f.attname in self.__dict__
            and self.__dict__[f.attname] != loaded.get(f.attname, missing)
        ]

    def _fields_set_by_save(self) -> list[str]:
        """Return the names of unguarded fields that save() fills in, as ``auto_now`` does."""
        return [
            f.name
            for f in self._meta.concrete_fields
            if type(f).pre_save is not models.Field.pre_save
            and not self.guard.covers(type(self), f.name)
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
            if self._state.adding or force_insert or self.pk is None:
                _refuse(type(self), "save() would add a row.", self.guard.insert)
            update_fields = self._unguarded_update_fields(update_fields)
            if not update_fields:
                return  # Django reads an empty set as "all columns"
        super().save_base(
            raw=raw,
            force_insert=force_insert,
            force_update=force_update,
            using=using,
            update_fields=update_fields,
        )
        if opened:
            self._remember_guarded()

    save_base.alters_data = True  # type: ignore[attr-defined]

    def _do_insert(self, *args: Any, **kwargs: Any) -> Any:
        # Django's last step before the INSERT: behind a host's save() and behind pre_save.
        decided = self.__dict__.pop(_DECIDED, None)
        if decided is not None:
            now = self._decided_values()
            changed = [name for name, value in decided.items() if now[name] != value]
            if changed:
                _refuse(
                    type(self),
                    f"a save() of the model or a receiver of pre_save changed "
                    f"{_columns_text(changed)} inside a flow.",
                    self.guard.update,
                )
        return super()._do_insert(*args, **kwargs)  # type: ignore[misc]

    def _unguarded_update_fields(self, update_fields: Iterable[str] | None) -> frozenset[str]:
        guard = self.guard
        if update_fields is not None:
            named = [name for name in update_fields if guard.covers(type(self), name)]
            # Django itself names all loaded fields when some were deferred: not a wish to write.
            if named and not self._names_all_loaded(update_fields):
                _refuse_columns(type(self), "save()", named)
        if guard.columns is None:
            _refuse(type(self), "save() would change a row.", guard.update)
        changed = self._guarded_changes()
        if changed:
            _refuse_columns(type(self), "save()", changed)
        names = (
            (f.name for f in self._meta.concrete_fields if f.attname in self.__dict__)
            if update_fields is None
            else update_fields
        )
        return frozenset(name for name in names if not guard.covers(type(self), name))

    def _names_all_loaded(self, update_fields: Iterable[str]) -> bool:
        deferred = self.get_deferred_fields()
        if not deferred:
            return False
        loaded = {
            f.attname
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

    The host's ``save()`` and its receivers run; the guard is open for this one row alone, and for
    the values that the flow gave it.
    """
    instance.__dict__[_TICKET] = "insert"
    instance.__dict__[_DECIDED] = instance._decided_values()
    try:
        instance.save(force_insert=True, using=using)
    finally:
        instance.__dict__.pop(_TICKET, None)
        instance.__dict__.pop(_DECIDED, None)
    return instance


def update(instance_or_queryset: Any, **values: Any) -> int:
    """Write ``values`` in one UPDATE and return the number of rows. For flows only.

    An instance takes the new values when its row was there. No ``save()`` and no receiver runs:
    what follows from a state belongs into a signal of the suite, after commit.
    """
    if isinstance(instance_or_queryset, GuardedModel):
        instance = instance_or_queryset
        rows = (
            QuerySet(type(instance), using=instance._state.db)
            .filter(pk=instance.pk)
            .update(**values)
        )
        if rows:
            for name, value in values.items():
                setattr(instance, name, value)
            instance._remember_guarded(values)
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
