"""How Sphinx builds these pages: ``./dev docs``, or ``sphinx-build -n -W docs docs/_build/html``.

Nothing is fetched from a network. Django is set up with a host of the tests, so that the models
can be imported; no database is touched.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.projects.full_store.settings"

import django  # noqa: E402

django.setup()

from django.core.management import BaseCommand, get_commands, load_command_class  # noqa: E402
from django.db.models import Model  # noqa: E402
from docutils import nodes  # noqa: E402
from sphinx.pycode import ModuleAnalyzer  # noqa: E402
from sphinx.util.docutils import SphinxDirective  # noqa: E402

import django_digitalstore  # noqa: E402
from django_digitalstore.core.views import GenericView  # noqa: E402

SUITE = "django_digitalstore."

project = "django-digitalstore"
author = "django-digitalstore contributors"
version = release = django_digitalstore.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "**/_*"]

html_theme = "furo"
html_title = f"django-digitalstore {version}"
html_show_copyright = False

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4

autodoc_default_options = {
    "members": True,
    "undoc-members": True,
    "show-inheritance": True,
    "member-order": "bysource",
}
# What a method inherits from Django is explained by Django.
autodoc_inherit_docstrings = False
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries_show_parents = "hide"

nitpicky = True
nitpick_ignore_regex = [
    # Not ours, and no inventory is fetched.
    (r"py:class", r"babel\..*"),
    (r"py:.*", r"(django|collections|typing|datetime|threading|decimal|enum|logging|pathlib)\..*"),
    # The SDKs of providers.
    (r"py:class", r"(httpx|storages|stripe)\..*|DodoPayments"),
    # Imported for annotations only, so autodoc knows their last name alone.
    (r"py:class", r"(.*\.)?(EllipsisType|File|Model|RelatedManager|SupportsWrite|datetime)"),
    # Type variables.
    (r"py:.*", r"(.*\.)?([A-Z]|BackendT)"),
]


# --- what a class says of itself beside its docstring ---------------------------------------------


def skip_member(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Leave out of a class what it merely overrides: Django's hooks, ``Meta``, model fields."""
    if what == "module" or skip:
        return None
    if name in {"Meta", "roles", "needs", "DoesNotExist", "MultipleObjectsReturned"}:
        return True
    if type(obj).__module__.startswith("django.db.models"):
        return True  # listed as fields
    undocumented = not (getattr(obj, "__doc__", "") or "").strip()
    return True if inspect.isroutine(obj) and undocumented else None


def add_surface(app: Any, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Say a model's fields, a view's roles and needs, and what comes from unnamed bases."""
    if not inspect.isclass(obj) or not obj.__module__.startswith(SUITE):
        return
    if issubclass(obj, Model) and obj._meta.abstract:
        lines += section("Fields", model_fields(obj))
    if issubclass(obj, GenericView) and obj is not GenericView:
        roles = " or ".join(obj.roles) or "everybody; the page is public"
        lines += ["", f"**For:** {roles}.", ""]
        needs = [
            f"``{attribute}``, as in ``{example}``; or ``{method}()``"
            for attribute, (method, example) in obj._all_needs().items()
            if not obj._defines(attribute, method, {})
        ]
        lines += section("Needs", needs)
    lines += section("Also to set", unnamed_attributes(obj))
    lines += section("Also to override", unnamed_methods(obj))


def name_bases(app: Any, name: str, obj: type, options: Any, bases: list[type]) -> None:
    """Name the bases of unnamed bases in their place."""
    while unnamed := [base for base in bases if base.__name__.startswith("_")]:
        at = bases.index(unnamed[0])
        known = [base for base in unnamed[0].__bases__ if base not in bases and base is not object]
        bases[at : at + 1] = known
    bases[:] = bases or [object]


def section(title: str, items: list[str]) -> list[str]:
    return ["", f"**{title}:**", "", *(f"- {item}" for item in items), ""] if items else []


def model_fields(model: type[Model]) -> list[str]:
    found = []
    for field in (*model._meta.fields, *model._meta.many_to_many):
        kind = type(field).__name__
        to = field.remote_field and field.remote_field.model
        label = to if isinstance(to, str) else to and to._meta.label
        # The slots of the host that this build stands on are no part of the model.
        target = f" to {label.rpartition('.')[2]}" if label else ""
        text = f": {field.help_text}" if field.help_text else ""
        empty = ", may be null" if field.null else ""
        found.append(f"``{field.name}`` ({kind}{target}{empty}){text}")
    return found


def unnamed_bases(cls: type) -> Iterator[type]:
    """Yield the bases in the suite that have no entry of their own."""
    for base in cls.__mro__[1:]:
        if base.__module__.startswith(SUITE) and base.__name__.startswith("_"):
            yield base


def unnamed_attributes(cls: type) -> list[str]:
    found: dict[str, str] = {}
    for base in unnamed_bases(cls):
        said = ModuleAnalyzer.for_module(base.__module__).find_attr_docs()
        for name, value in vars(base).items():
            if name.startswith("_") or name in {"roles", "needs", "media"} or name in vars(cls):
                continue
            if callable(value) or hasattr(value, "__get__") or name in found:
                continue
            text = " ".join(said.get((base.__name__, name), ())).strip()
            found[name] = f"``{name} = {value!r}``" + (f": {text}" if text else "")
    return list(found.values())


def unnamed_methods(cls: type) -> list[str]:
    found: dict[str, str] = {}
    for base in unnamed_bases(cls):
        for name, value in vars(base).items():
            text = inspect.cleandoc(getattr(value, "__doc__", "") or "")
            # One that the class overrides without a word is still the hook of its base.
            own = getattr(vars(cls).get(name), "__doc__", None)
            if name.startswith("_") or own or name in found or not text:
                continue
            if inspect.isfunction(value):
                parameters = list(inspect.signature(value).parameters.values())[1:]
                arguments = ", ".join(map(str, (p.replace(annotation=p.empty) for p in parameters)))
                first = " ".join(text.split("\n\n")[0].split())
                found[name] = f"``{name}({arguments})``: {first}"
    return list(found.values())


# --- management commands --------------------------------------------------------------------------


class CommandDirective(SphinxDirective):
    """``{management-command} startstore``: its help text, its usage and its arguments."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Ask the command itself, so that the page cannot say anything else."""
        name = self.arguments[0]
        command = load_command_class(get_commands()[name], name)
        general = {action.dest for action in BaseCommand().create_parser("", "")._actions}
        parser = command.create_parser("manage.py", name)
        actions = [action for action in parser._actions if action.dest not in general]
        usage = ["manage.py", name]
        listed = nodes.definition_list()
        for action in actions:
            shown = ", ".join(action.option_strings) or action.dest
            takes = action.nargs != 0 and action.option_strings
            value = action.metavar or action.dest.upper()
            word = f"{shown} {value}" if takes else shown
            repeated = f"{word} [{word} …]" if action.nargs == "+" else word
            usage.append(repeated if action.required else f"[{repeated}]")
            said = nodes.definition("", nodes.paragraph(text=action.help or ""))
            term = nodes.term("", "", nodes.literal(text=word))
            listed += nodes.definition_list_item("", term, said)
        text = nodes.paragraph(text=command.help)
        block = nodes.literal_block(text=" ".join(usage), language="text")
        return [text, block, *([listed] if actions else [])]


def setup(app: Any) -> dict[str, bool]:
    """Connect to autodoc."""
    app.add_directive("management-command", CommandDirective)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("autodoc-process-bases", name_bases)
    app.connect("autodoc-process-docstring", add_surface)
    return {"parallel_read_safe": True}
