"""docs/reference names everything that is public: nothing appears or goes without its page."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.views.generic import View

from django_digitalstore.core.signals import StoreSignal
from tests.architecture.surface import SOURCE, SUITE, sent_signals, templates
from tests.projects.made import ROOT

# The reference is of the whole suite, so it is compared under a host that has the whole of it.
pytestmark = pytest.mark.needs("accounts", "catalog", "entitlements", "payments")

REFERENCE = ROOT / "docs" / "reference"
TEXT = {path.name: path.read_text("utf-8") for path in sorted(REFERENCE.rglob("*.md"))}

#: Contract elsewhere: settings and command lines have pages of their own, Django finds the rest.
NOT_BY_NAME = re.compile(
    r"\.(conf|apps|urls|migrations|management|mypy_plugin|storetemplate|locale)(\.|$)"
)
#: Can't be imported on every Django, so its names are written by hand.
BY_HAND = {f"{SUITE}.core.outbox_tasks": "core.md"}

AUTODOC = re.compile(r"^\.\. auto(\w+):: (\S+)\n((?:   :.*\n)*)", re.MULTILINE)


def public_modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(SOURCE)], f"{SUITE}.", lambda name: None):
        name = found.name
        private = any(part.startswith("_") for part in name.split("."))
        if private or NOT_BY_NAME.search(name) or name in BY_HAND:
            continue
        app = next((a for a in apps.get_app_configs() if f"{name}.".startswith(f"{a.name}.")), None)
        if app is None and name.count(".") > 1:
            continue  # a feature that this host doesn't have can't be imported
        yield importlib.import_module(name)


def directives() -> list[tuple[str, str, str]]:
    """Return (kind, name, options) of each autodoc directive of the reference."""
    return [found for text in TEXT.values() for found in AUTODOC.findall(text)]


@cache
def documented() -> dict[str, Any]:
    """Return dotted name → object of all that the directives show."""
    shown: dict[str, Any] = {}
    for kind, name, options in directives():
        if kind == "module":
            module = importlib.import_module(name)
            if ":no-members:" in options:
                continue
            only = re.search(r":members: (.+)", options)
            names = re.split(r",\s*", only[1]) if only else getattr(module, "__all__", ())
            shown |= {f"{name}.{each}": getattr(module, each) for each in names}
        else:
            module_name, _, each = name.rpartition(".")
            shown[name] = getattr(importlib.import_module(module_name), each)
    return shown


MODULES = list(public_modules())


def test_there_are_modules_and_pages_to_compare() -> None:
    names = {module.__name__ for module in MODULES}
    assert {f"{SUITE}.core.views", f"{SUITE}.payments.backends.base"} <= names
    assert len(documented()) > 200


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(module: ModuleType) -> None:
    shown = documented()
    objects = {id(value) for value in shown.values() if callable(value)}
    missing = [
        f"{module.__name__}.{name}"
        for name in getattr(module, "__all__", ())
        if f"{module.__name__}.{name}" not in shown
        # Shown where it comes from, or where it is to be imported from.
        and id(getattr(module, name)) not in objects
        # A signal has a line of its own, with its arguments.
        and not isinstance(getattr(module, name), StoreSignal)
    ]
    assert not missing, (
        f"docs/reference – {', '.join(missing)} is on no page – write `.. automodule:: "
        f"{module.__name__}` on the page of its feature."
    )


@pytest.mark.parametrize(("name", "page"), BY_HAND.items())
def test_what_is_written_by_hand_names_what_is_public(name: str, page: str) -> None:
    path = SOURCE.joinpath(*name.split(".")[1:]).with_suffix(".py")
    public = re.search(r"^__all__ = \[(.*?)\]", path.read_text("utf-8"), re.M | re.S)
    assert public
    for each in re.findall(r'"(\w+)"', public[1]):
        assert f"- `{each}(" in TEXT[page]


@pytest.mark.parametrize(
    "module",
    [m for m in MODULES if not hasattr(m, "__path__")],
    ids=lambda module: module.__name__,
)
def test_a_public_module_says_what_is_public(module: ModuleType) -> None:
    defined = [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__module__", None) == module.__name__
    ]
    shown = {name.rpartition(".")[0] for name in documented()}
    assert not defined or hasattr(module, "__all__") or module.__name__ in shown


def test_no_module_is_on_two_pages() -> None:
    names = [name for _, name, _ in directives()]
    assert sorted(names) == sorted(set(names))


#: Raised and caught within one module, so nobody else ever meets it.
CAUGHT_INSIDE = {"django_digitalstore.payments.inbox.Unreadable"}


def exceptions() -> set[type[Exception]]:
    return {
        value
        for module in MODULES
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__.startswith(SUITE)
        and not name.startswith("_")
        and f"{value.__module__}.{name}" not in CAUGHT_INSIDE
    }


def test_every_exception_is_in_the_reference() -> None:
    shown = {value for value in documented().values() if isinstance(value, type)}
    assert exceptions()
    assert exceptions() - shown == set()


# --- hooks ------------------------------------------------------------------------------------


def test_every_method_of_a_public_class_says_what_it_is_for() -> None:
    """In its docstring, or in that of a base; what Django has is explained by Django."""
    classes = {value for value in documented().values() if isinstance(value, type)}
    silent = [
        f"{cls.__module__}.{cls.__qualname__}.{name}"
        for cls in sorted(classes, key=lambda cls: cls.__qualname__)
        for name, value in vars(cls).items()
        if inspect.isfunction(value) and name[0] != "_" and cls.__module__.startswith(SUITE)
        if name not in View.http_method_names
        if not name.startswith("test_")  # a test's name is its sentence
        if not any(
            not base.__module__.startswith(SUITE) or (vars(base)[name].__doc__ or "").strip()
            for base in cls.__mro__
            if name in vars(base)
        )
    ]
    assert silent == []


# --- commands ---------------------------------------------------------------------------------


def test_every_command_is_in_the_reference_once_and_no_other() -> None:
    ours = {name for name, app in get_commands().items() if str(app).startswith(f"{SUITE}.")}
    shown = re.findall(r"^```{management-command} (\S+)$", TEXT["commands.md"], re.MULTILINE)
    assert len(shown) == len(set(shown))
    assert set(shown) == ours


def test_a_command_is_under_its_own_title() -> None:
    titles = re.findall(r"^## (\S+)\n\n```{management-command} (\S+)$", TEXT["commands.md"], re.M)
    assert titles
    assert all(title == command for title, command in titles)


# --- signals ----------------------------------------------------------------------------------


def test_every_signal_is_in_the_reference_with_its_arguments() -> None:
    rows = re.findall(r"^\| `(\w+)` \|[^|]*\|[^|]*\| (.+) \|$", TEXT["signals.md"], re.MULTILINE)
    signals = {
        value.name for m in MODULES for value in vars(m).values() if isinstance(value, StoreSignal)
    }
    assert {name for name, _ in rows} == signals
    assert {name: set(re.findall(r"`(\w+)`", said)) for name, said in rows} == sent_signals()


# --- templates --------------------------------------------------------------------------------


def test_every_template_is_in_the_reference_with_its_blocks() -> None:
    rows = re.findall(r"^\| `(digitalstore/[^`]+)` \| (.+) \|$", TEXT["templates.md"], re.MULTILINE)
    shown = dict(rows)
    assert len(rows) == len(shown)
    assert set(shown) == set(templates())
    for name, blocks in templates().items():
        if not name.rpartition("/")[2].startswith("_"):
            said = ", ".join(f"`{block}`" for block in blocks) or "none"
            assert shown[name] == said, name
