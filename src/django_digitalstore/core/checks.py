"""System checks of the core: model slots, what subclasses must keep, roles, the site's address.

Those of ``check --deploy`` name what is right while one develops, and wrong in production.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn
from urllib.parse import urlsplit

from appconf import AppConf
from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections, models, router
from django.utils.module_loading import import_string

from .caching import check_alias
from .deprecation import deprecated_settings
from .guard import GuardedManager, GuardedModel, GuardedQuerySet
from .model_slots import ModelSlot, registered_slots
from .outbox import check_tasks
from .site_url import site_url

_PREDICATE_HINT = "Write the dotted path of a function that takes a user and returns a bool."

__all__ = [
    "check_cache",
    "check_databases",
    "check_isolation",
    "check_model_slots",
    "check_outbox_tasks",
    "check_public_site_url",
    "check_roles",
    "check_setting_names",
    "check_site_url",
    "check_test_mode",
    "check_time_zones",
    "isolation_errors",
]

_PREFIX = "DIGITALSTORE_"
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Where Django lets a model join in, as long as it calls the one above.
_JOINED = ("save", "delete", "from_db", "refresh_from_db")
_DJANGOS = {*_JOINED, "check"}


@register(Tags.models)
def check_model_slots(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check the slots of the installed features: label, model, base, and what it inherits."""
    return [message for slot in registered_slots() for message in _check_slot(slot)]


def _check_slot(slot: ModelSlot) -> Iterator[CheckMessage]:
    label = slot.label
    if not isinstance(label, str) or label.count(".") != 1:
        yield Error(
            f"{slot.setting} must be of the form 'app_label.ModelName', not {label!r}.",
            hint=(
                f"For a model {slot.name} in the app shop write "
                f"{slot.setting} = 'shop.{slot.name}'."
            ),
            id="digitalstore.E001",
        )
        return
    module, base_name = slot.base.rsplit(".", 1)
    try:
        model = apps.get_model(label)
    except LookupError:
        yield Error(
            f"{slot.setting} refers to model {label!r}, which is not installed.",
            hint=_missing_hint(slot, label, module, base_name),
            id="digitalstore.E002",
        )
        return
    base = slot.get_base()
    if not issubclass(model, base):
        yield Error(
            f"{slot.setting} refers to {label!r}, which is not a subclass of {base_name}.",
            hint=f"Make it inherit from {slot.base}.",
            obj=model,
            id="digitalstore.E003",
        )
        return
    yield from _check_inherited(model, base)


def _missing_hint(slot: ModelSlot, label: str, module: str, base_name: str) -> str:
    app_label, name = label.split(".")
    installed = {m._meta.label for m in apps.get_models()}
    close = difflib.get_close_matches(label, installed, n=1, cutoff=0.8)
    if close:
        return f"Did you mean {slot.setting} = {close[0]!r}?"
    if app_label not in {config.label for config in apps.get_app_configs()}:
        return (
            f"The app {app_label!r} is not installed. Run `manage.py startstore {app_label}` and "
            f"add it to INSTALLED_APPS, or name your own model in {slot.setting}."
        )
    return (
        f"Add to the models of the app {app_label!r}: from {module} import {base_name}; "
        f"class {name}({base_name}): class Meta({base_name}.Meta): pass"
    )


def _check_inherited(model: type[models.Model], base: type[models.Model]) -> Iterator[CheckMessage]:
    """Name what a concrete model lost of its base: a `class Meta` without its parent loses all."""
    lost = [
        constraint.name % {"app_label": model._meta.app_label, "class": model._meta.model_name}
        for constraint in base._meta.constraints
    ]
    kept = {constraint.name for constraint in model._meta.constraints}
    missing = sorted(set(lost) - kept)
    if missing:
        yield Error(
            f"{model._meta.label} lost the constraint {missing[0]!r} of {base.__name__}.",
            hint=f"Write `class Meta({base.__name__}.Meta):` in {model.__name__}.",
            obj=model,
            id="digitalstore.E004",
        )
    kept_indexes = [(tuple(i.fields), i.expressions) for i in model._meta.indexes]
    if any((tuple(i.fields), i.expressions) not in kept_indexes for i in base._meta.indexes):
        yield Error(
            f"{model._meta.label} lost an index of {base.__name__}.",
            hint=f"Write `class Meta({base.__name__}.Meta):` in {model.__name__}.",
            obj=model,
            id="digitalstore.E005",
        )
    if issubclass(model, GuardedModel) and not isinstance(model._default_manager, GuardedManager):
        yield Error(
            f"{model._meta.label} has a default manager that is not guarded: it would let anybody "
            f"write what only {model.guard.owner} may write.",
            hint=_guarded_manager_hint(type(base._meta.managers[0].all())),
            obj=model,
            id="digitalstore.E006",
        )
    else:
        yield from _check_questions(model, base)
    if issubclass(model, GuardedModel):
        yield from _check_overridden(model, base)


def _guarded_manager_hint(queryset: type[models.QuerySet]) -> str:
    made = "" if queryset is GuardedQuerySet else f".from_queryset({queryset.__name__})"
    return (
        f"Write `objects = GuardedManager{made}()`, with GuardedManager of "
        f"{GuardedManager.__module__}, or a queryset of your own that derives from "
        f"{queryset.__name__}."
    )


def _check_questions(model: type[models.Model], base: type[models.Model]) -> Iterator[CheckMessage]:
    """Name a default manager that cannot be asked what the suite asks."""
    if not base._meta.managers:
        return
    wanted = type(base._meta.managers[0].all())
    if not isinstance(model._default_manager.all(), wanted):
        yield Error(
            f"{model._meta.label} has a default manager whose queryset is not a "
            f"{wanted.__name__}: the suite's questions to it would fail.",
            hint=(
                f"Derive its queryset from {wanted.__name__} of {wanted.__module__}, or leave "
                f"`{model._default_manager.name}` out of {model.__name__}."
            ),
            obj=model,
            id="digitalstore.E017",
        )


def _check_overridden(
    model: type[GuardedModel], base: type[models.Model]
) -> Iterator[CheckMessage]:
    """Name methods by which a host's model decides what is the flows' to decide."""
    owner = base.guard.owner  # type: ignore[attr-defined]
    for name in sorted(_flow_owned(base)):
        definer = _host_definer(model, base, name)
        if definer is not None:
            yield Error(
                f"{model._meta.label}.{name} is overridden, and {owner} relies on it: what "
                f"{base.__name__} promises would not hold.",
                hint=(
                    f"Remove {name} from {definer.__name__}: {owner} writes what you want to "
                    f"write, and has_access() says who may use what."
                ),
                obj=model,
                id="digitalstore.E014",
            )
    for name in _JOINED:
        definer = _host_definer(model, base, name)
        if definer is not None and not _calls_super(vars(definer)[name]):
            yield Error(
                f"{model._meta.label}.{name}() does not call super().{name}(): the flows of "
                f"{owner} would believe that it was done.",
                hint=f"Write `return super().{name}(…)` in {definer.__name__}.{name}().",
                obj=model,
                id="digitalstore.E015",
            )


def _flow_owned(base: type[models.Model]) -> set[str]:
    """Return the names of the guard, and of properties that exist to refuse (``is_paid``)."""
    names = {
        name
        for name, value in vars(GuardedModel).items()
        if not name.startswith("__") and (inspect.isfunction(value) or hasattr(value, "__func__"))
    }
    refusing = {
        name
        for parent in base.__mro__
        for name, value in vars(parent).items()
        if isinstance(value, property)
        and getattr(value.fget, "__annotations__", {}).get("return") in {NoReturn, "NoReturn"}
    }
    return {"guard", *names, *refusing} - _DJANGOS


def _host_definer(model: type[Any], base: type[Any], name: str) -> type[Any] | None:
    """Return the host's class that defines ``name`` in front of ``base``, if one does."""
    definer = next(parent for parent in model.__mro__ if name in vars(parent))
    return None if issubclass(base, definer) or _is_ours(definer) else definer


def _is_ours(found: type[Any]) -> bool:
    return found.__module__.partition(".")[0] == __name__.partition(".")[0]


def _calls_super(method: Any) -> bool:
    function = inspect.unwrap(getattr(method, "__func__", method))
    code = getattr(function, "__code__", None)
    # `super()` closes over __class__; `Parent.save(self)` names the method of another class.
    return code is None or "__class__" in code.co_freevars or function.__name__ in code.co_names


@register(Tags.models)
def check_databases(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that no router takes a table of the store out of the flows' transactions."""
    slots = {slot.label for slot in registered_slots()}
    return [
        Error(
            f"DATABASE_ROUTERS writes {model._meta.label} to {alias!r}, and the flows' "
            f"transactions are on {DEFAULT_DB_ALIAS!r}: money and access could come apart.",
            hint=(
                f"Let db_for_write() return None or {DEFAULT_DB_ALIAS!r} for the app "
                f"{model._meta.app_label!r}."
            ),
            obj=model,
            id="digitalstore.E018",
        )
        for model in apps.get_models()
        if model._meta.label in slots or _is_ours(model)
        for alias in [router.db_for_write(model)]
        if alias != DEFAULT_DB_ALIAS
    ]


@register()
def check_roles(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that every role's predicate can be imported."""
    messages: list[CheckMessage] = []
    for role, predicate in settings.DIGITALSTORE_ROLES.items():
        if callable(predicate):
            continue
        try:
            found = import_string(predicate)
        except ImportError as error:
            messages.append(
                Error(
                    f"DIGITALSTORE_ROLES[{role!r}] can't be imported: {error}.",
                    hint=_PREDICATE_HINT,
                    id="digitalstore.E007",
                )
            )
            continue
        if not callable(found):
            messages.append(
                Error(
                    f"DIGITALSTORE_ROLES[{role!r}] names {predicate!r}, which can't be called.",
                    hint=_PREDICATE_HINT,
                    id="digitalstore.E007",
                )
            )
    return messages


@register()
def check_site_url(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that absolute URLs can be made."""
    try:
        url = site_url()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="digitalstore.E008")]
    if not url.startswith(("http://", "https://")) or url.count("/") > 2:
        return [
            Error(
                f"DIGITALSTORE_SITE_URL must be scheme and host, not {url!r}.",
                hint="Write DIGITALSTORE_SITE_URL = 'https://shop.example.com'.",
                id="digitalstore.E008",
            )
        ]
    return []


@register(deploy=True)
def check_test_mode(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of test mode, which gives products away, in production."""
    if not settings.DIGITALSTORE_TEST_MODE:
        return []
    return [
        CheckWarning(
            "DIGITALSTORE_TEST_MODE is on: the sandbox sells without money, and test keys count.",
            hint="Write DIGITALSTORE_TEST_MODE = False in the settings of production.",
            id="digitalstore.W001",
        )
    ]


@register(deploy=True)
def check_public_site_url(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of an address that no customer or provider reaches, or that anybody can listen to."""
    try:
        url = site_url()
    except ImproperlyConfigured:
        return []  # E008 has named it
    host = urlsplit(url).hostname or ""
    if host in _LOCAL_HOSTS or host.endswith(".localhost"):
        wrong = "which is this machine: no link in an e-mail and no webhook arrives"
    elif url.startswith("http://"):
        wrong = "without HTTPS: links to what was bought travel in the open"
    else:
        return []
    return [
        CheckWarning(
            f"DIGITALSTORE_SITE_URL is {url!r}, {wrong}.",
            hint="Write DIGITALSTORE_SITE_URL = 'https://shop.example.com'.",
            id="digitalstore.W002",
        )
    ]


@register(Tags.database)
def check_isolation(
    app_configs: Sequence[AppConfig] | None = None,
    databases: Sequence[str] | None = None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """Check the isolation level of MariaDB and MySQL, by the settings. Sends no query."""
    return [
        message
        for alias in databases or ()
        for message in isolation_errors(
            alias,
            connections[alias].vendor,
            # Django's own default is the right one.
            connections[alias].settings_dict["OPTIONS"].get("isolation_level", "read committed"),
        )
    ]


def isolation_errors(alias: str, vendor: str, level: str | None) -> list[CheckMessage]:
    """Return an error where flows could miss what was committed while they waited for a lock.

    ``level`` None leaves it to the server, whose default is REPEATABLE READ.
    """
    if vendor != "mysql" or (level or "").lower() == "read committed":
        return []
    said = "leaves the isolation level to the server" if level is None else f"has {level!r}"
    return [
        Error(
            f"DATABASES[{alias!r}] {said}: behind a lock, old rows would be read as if they were "
            f"still so.",
            hint=f"Write DATABASES[{alias!r}]['OPTIONS']['isolation_level'] = 'read committed'.",
            id="digitalstore.E013",
        )
    ]


@register()
def check_time_zones(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that times have a time zone: providers' facts are put in order by them."""
    if settings.USE_TZ:
        return []
    return [
        Error(
            "USE_TZ is False: local time has an hour twice each autumn, and then the facts about "
            "a payment could not be put in order.",
            hint=(
                "Write USE_TZ = True. On a site with data in local time, first read "
                "'Time zones' of Django's documentation (Migration guide)."
            ),
            id="digitalstore.E016",
        )
    ]


@register()
def check_outbox_tasks(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the queue named by ``DIGITALSTORE_TASKS`` exists."""
    return list(check_tasks("digitalstore.E009"))


@register()
def check_cache(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that the cache named by ``DIGITALSTORE_CACHE`` exists."""
    return check_alias("digitalstore.E020")


@register()
def check_setting_names(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that every ``DIGITALSTORE_*`` setting is one of the installed features.

    An app of the host that has settings of this prefix declares them by an ``AppConf`` of its own.
    """
    known, former = _known_settings(), deprecated_settings()
    written = [name for name in sorted(set(dir(settings))) if name.startswith(_PREFIX)]
    unknown: list[CheckMessage] = [
        Error(
            f"{name} is not a setting of the installed features.",
            hint=_setting_hint(name, known),
            id="digitalstore.E012",
        )
        for name in written
        if name not in known and name not in former
    ]
    deprecated = [
        CheckWarning(
            f"{name} is deprecated since {former[name].since}, and gone in "
            f"{former[name].removed_in}.",
            hint=f"Write {former[name].instead}, with the same value.",
            id="digitalstore.W020",
        )
        for name in written
        if name in former
    ]
    return unknown + deprecated


def _known_settings() -> set[str]:
    known: set[str] = set()
    classes = list(AppConf.__subclasses__())
    while classes:
        conf = classes.pop()
        classes += conf.__subclasses__()
        if apps.get_containing_app_config(conf.__module__) is not None:
            known.update(n for n in conf._meta.names.values() if n.startswith(_PREFIX))
    return known


def _setting_hint(name: str, known: set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.8)
    if close:
        return f"Did you mean {close[0]}?"
    return f"Remove it; the settings are: {', '.join(sorted(known))}."
