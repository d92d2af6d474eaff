"""Backends by alias, as Django's CACHES and STORAGES: a setting names them, a handler builds them.

A handler reads its setting when it is first asked, keeps one instance per alias and process, and
forgets all of them when a setting of the suite changes (``override_settings`` in tests).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .exceptions import InvalidBackend

__all__ = ["BackendHandler", "BaseBackend", "UnknownBackendAlias"]

_ENTRY_KEYS = frozenset({"BACKEND", "OPTIONS"})


class UnknownBackendAlias(InvalidBackend, KeyError):
    """An alias is not in its setting. Also a ``KeyError``, as for any mapping."""

    # KeyError shows the repr of its message.
    __str__ = Exception.__str__


class BaseBackend:
    """Base of every backend that a setting names by alias.

    One instance serves all threads of a process: keep nothing of a request on it. A subclass lists
    the OPTIONS that *it* reads; those of its bases count as well.
    """

    #: Names in OPTIONS that this class reads and that have a default.
    known_options: ClassVar[frozenset[str]] = frozenset()
    #: Names in OPTIONS that must be given. They need not be repeated in ``known_options``.
    required_options: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        """Keep ``options``; raise ``InvalidBackend`` for unknown and for missing ones.

        A subclass calls ``super().__init__()`` first. It may raise ``ImproperlyConfigured`` for a
        wrong value (the handler says where it stands), and does no I/O.
        """
        required = self._collect("required_options")
        known = self._collect("known_options") | required
        for name in sorted(set(options) - known, key=str):
            raise InvalidBackend(
                f"unknown option {name!r}. {_suggest(name, known, 'option', 'options')}"
            )
        missing = sorted(required - set(options))
        if missing:
            raise InvalidBackend(
                f"{type(self).__name__} needs the option {missing[0]!r}. "
                f"Add it to OPTIONS: {{{missing[0]!r}: …}}."
            )
        self.alias = alias
        self.options = dict(options)

    def check(self) -> list[checks.CheckMessage]:
        """Return what is wrong with this backend's configuration; by default nothing.

        Called by ``manage.py check``: no network, no queries.
        """
        return []

    @classmethod
    def _collect(cls, attribute: str) -> frozenset[str]:
        return frozenset().union(*(vars(base).get(attribute, ()) for base in cls.__mro__))


BackendT = TypeVar("BackendT", bound=BaseBackend)


class BackendHandler(Generic[BackendT]):
    """The backends of one setting, by alias: ``handler["default"]``.

    ``setting`` is the setting's name, ``base`` the dotted path (or the class) that every backend
    must derive from, ``check_id`` the id of the system check's errors. Nothing is read or
    imported before the first use.
    """

    def __init__(
        self,
        setting: str,
        base: str | type[BackendT],
        *,
        check_id: str,
    ) -> None:
        self.setting = setting
        self.check_id = check_id
        self._base = base
        self._instances: dict[str, BackendT] = {}
        setting_changed.connect(self._forget)

    def __getitem__(self, alias: str) -> BackendT:
        """Return the backend of ``alias``.

        Raises ``UnknownBackendAlias`` for an alias that the setting lacks, ``InvalidBackend``
        where its entry is wrong; the message begins with ``SETTING['alias']``.
        """
        try:
            return self._instances[alias]
        except KeyError:
            pass
        # Two threads may both build it; both then use the one that was stored first.
        return self._instances.setdefault(alias, self._build(alias))

    def __iter__(self) -> Iterator[str]:
        """Iterate over the aliases, in the setting's order, without loading a backend."""
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def __contains__(self, alias: object) -> bool:
        return alias in self._entries()

    def all(self) -> list[BackendT]:
        """Return every backend, in the setting's order. Raises as ``handler[alias]``."""
        return [self[alias] for alias in self]

    def check(self) -> list[checks.CheckMessage]:
        """Load every alias; return errors for those that can't be, and what the others report."""
        messages: list[checks.CheckMessage] = []
        try:
            aliases = list(self)
        except InvalidBackend as error:
            return [checks.Error(str(error), id=self.check_id)]
        for alias in aliases:
            try:
                backend = self[alias]
            except InvalidBackend as error:
                messages.append(checks.Error(str(error), id=self.check_id))
            else:
                messages.extend(backend.check())
        return messages

    def _entries(self) -> Mapping[str, Any]:
        entries = getattr(settings, self.setting)
        if not isinstance(entries, Mapping):
            raise InvalidBackend(
                f"{self.setting} must be a dict of aliases, not {type(entries).__name__}. "
                f"Write {self.setting} = {{'default': {{'BACKEND': 'dotted.path.Class', "
                "'OPTIONS': {}}}."
            )
        return entries

    def _build(self, alias: str) -> BackendT:
        where = f"{self.setting}[{alias!r}]"
        entries = self._entries()
        try:
            entry = entries[alias]
        except KeyError:
            raise UnknownBackendAlias(
                f"{where} does not exist. {_suggest(alias, entries, 'alias', 'aliases')}"
            ) from None
        if not isinstance(entry, Mapping):
            raise InvalidBackend(
                f"{where} must be a dict, not {type(entry).__name__}. "
                "Write {'BACKEND': 'dotted.path.Class', 'OPTIONS': {}}."
            )
        for key in sorted(set(entry) - _ENTRY_KEYS, key=str):
            raise InvalidBackend(
                f"{where}: unknown key {key!r}. {_suggest(key, _ENTRY_KEYS, 'key', 'keys')}"
            )
        path = entry.get("BACKEND")
        if not path or not isinstance(path, str):
            raise InvalidBackend(
                f"{where} has no BACKEND. Add 'BACKEND': 'dotted.path.Class' to it."
            )
        options = entry.get("OPTIONS", {})
        if not isinstance(options, Mapping):
            raise InvalidBackend(
                f"{where}: OPTIONS must be a dict, not {type(options).__name__}. "
                "Write 'OPTIONS': {}."
            )
        base = self._load_base()
        try:
            backend_class = import_string(path)
        except ImportError as error:
            raise InvalidBackend(
                f"{where}: BACKEND {path!r} can't be imported: {error}. "
                "Write the dotted path of a class that exists."
            ) from error
        if not (isinstance(backend_class, type) and issubclass(backend_class, base)):
            raise InvalidBackend(
                f"{where}: BACKEND {path!r} is not a {base.__name__}. "
                f"Derive it from {base.__module__}.{base.__qualname__}."
            )
        try:
            return backend_class(alias, options)
        except ImproperlyConfigured as error:
            raise InvalidBackend(f"{where}: {error}") from error

    def _load_base(self) -> type[BackendT]:
        return import_string(self._base) if isinstance(self._base, str) else self._base

    def _forget(self, *, setting: str, **kwargs: Any) -> None:
        # Any setting of the suite, not only this one: a backend may have read TEST_MODE or
        # SITE_URL when it was built.
        if setting.startswith("DIGITALSTORE_"):
            self._instances = {}


def _suggest(written: object, known: Iterable[str], one: str, many: str) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(str(written), names, n=1)
    if not close:
        # A wrong case is the likeliest slip, and the one that get_close_matches sees worst.
        close = [name for name in names if name.lower() == str(written).lower()]
    if close:
        return f"Did you mean {close[0]!r}?"
    if not names:
        return f"There are no {many}: remove it."
    if len(names) == 1:
        return f"The only {one} is {names[0]!r}."
    return f"The {many} are {', '.join(map(repr, names))}."
