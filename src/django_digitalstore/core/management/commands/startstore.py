"""``manage.py startstore shop``: writes the app of the host that holds its store."""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

import django_digitalstore

__all__ = ["Command", "Feature", "Store", "chosen_features", "plan"]

_SUITE = "django_digitalstore"
_SUFFIX = "-tpl"
_MARK = re.compile(r"^\s*# startstore: (?:(?P<word>needs|without) (?P<features>[a-z_, ]+)|end)$")
# A feature's file of this name becomes a module of the package of this name.
_DOCSTRINGS = {
    "admin": "The store in the admin.",
    "forms": "The store's forms.",
    "models": "The store's models: add the fields and methods that your products need.",
    "tests": "The store's tests.",
    "urls": "The store's URLs.",
    "views": "The store's views: each has its role from a mixin, and its hooks from the suite.",
}


@dataclass(frozen=True, slots=True)
class Feature:
    """An app of the suite that brings files for the host's app."""

    name: str
    app: str
    folder: Path

    @property
    def templates(self) -> Path:
        return self.folder / "storetemplate"


@dataclass(frozen=True, slots=True)
class Store:
    """The app that is written: dotted ``name``, and the features it has."""

    name: str
    features: tuple[Feature, ...]

    @property
    def label(self) -> str:
        return self.name.rpartition(".")[2]

    def fill(self, text: str) -> str:
        """Put the app's name and label in, and leave out what is for features it hasn't."""
        names = {feature.name for feature in self.features}
        lines = []
        keeping = True
        for line in text.splitlines(keepends=True):
            mark = _MARK.match(line.rstrip("\n"))
            if mark is None:
                if keeping:
                    lines.append(line)
            elif mark["word"] is None:
                keeping = True
            else:
                named = re.split(r"[, ]+", mark["features"].strip())
                keeping = (
                    names.issuperset(named) if mark["word"] == "needs" else names.isdisjoint(named)
                )
        return "".join(lines).replace("__store_name__", self.name).replace("__store__", self.label)


def chosen_features() -> tuple[Feature, ...]:
    """Return the installed features that bring files; all of them where only core is installed.

    Sorted by name, which is the order of their layers.
    """
    installed = [
        Feature(config.name.rpartition(".")[2], config.name, Path(config.path))
        for config in apps.get_app_configs()
        if config.name.startswith(f"{_SUITE}.") and config.name != f"{_SUITE}.core"
    ]
    shipped = [
        Feature(folder.name, f"{_SUITE}.{folder.name}", folder)
        for folder in Path(django_digitalstore.__path__[0]).iterdir()
        if folder.name != "core"
    ]
    found = [feature for feature in installed or shipped if feature.templates.is_dir()]
    return tuple(sorted(found, key=lambda feature: feature.name))


def plan(store: Store) -> dict[str, str]:
    """Return the files of ``store``: path inside the app's folder → text. Reads, writes nothing."""
    core = Feature("core", f"{_SUITE}.core", Path(django_digitalstore.__path__[0]) / "core")
    files: dict[str, str] = {}
    packages: dict[str, list[Feature]] = {}
    for feature in (core, *store.features):
        for source in sorted(feature.templates.rglob(f"*{_SUFFIX}")):
            inside = source.relative_to(feature.templates)
            text = store.fill(source.read_text(encoding="utf-8"))
            kind = inside.name.partition(".")[0]
            if feature is not core and len(inside.parts) == 1 and kind in _DOCSTRINGS:
                packages.setdefault(kind, []).append(feature)
                module = f"test_{feature.name}" if kind == "tests" else feature.name
                files[f"{kind}/{module}.py"] = text
            else:
                path = inside.as_posix().removesuffix(_SUFFIX)
                files[path.replace("__store__", store.label)] = text
    for kind, features in packages.items():
        files[f"{kind}/__init__.py"] = _package(store, kind, features, files)
    return dict(sorted(files.items()))


def _package(store: Store, kind: str, features: list[Feature], files: dict[str, str]) -> str:
    """Write the ``__init__`` of one package of the app."""
    head = f'"""{_DOCSTRINGS[kind]}"""\n'
    names = [feature.name for feature in features]
    if kind == "models":
        classes = {name: _classes(files[f"models/{name}.py"]) for name in names}
        imports = "".join(
            f"from .{name} import {_names(found)}\n" for name, found in classes.items() if found
        )
        public = "".join(f'    "{c}",\n' for c in sorted(c for f in classes.values() for c in f))
        return f"{head}\n{imports}\n__all__ = [\n{public}]\n"
    if kind == "admin":
        return f"{head}\nfrom . import {_names(names)}\n\n__all__ = [{_quoted(names)}]\n"
    if kind == "urls":
        parts = "".join(f"    *{name}.urlpatterns,\n" for name in names)
        return (
            f"{head}\nfrom . import {_names(names)}\n\n"
            f'app_name = "{store.label}"\n\nurlpatterns = [\n{parts}]\n'
        )
    return head


def _classes(source: str) -> list[str]:
    return sorted(node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef))


def _names(names: list[str]) -> str:
    line = ", ".join(names)
    if len(line) <= 60:
        return line
    return "(\n" + "".join(f"    {name},\n" for name in names) + ")"


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


class Command(BaseCommand):
    """Writes new files only. Runs before the app and its settings exist, so it checks nothing."""

    help = (
        "Writes your store: an app with models, views, forms, URLs, admin, a base template and "
        "passing tests, for the features of the suite that are in INSTALLED_APPS."
    )
    requires_system_checks: list[Any] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name of the app, and the folder to write it into."""
        parser.add_argument(
            "name", help="Name of the app, as in 'shop', or dotted, as in 'myproject.shop'."
        )
        parser.add_argument(
            "directory",
            nargs="?",
            help="Folder of the app; made where it is missing. Default: the name, from here.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan all files, refuse to overwrite any, write them, print what to paste."""
        name: str = options["name"]
        self._check_name(name)
        folder = self._folder(name, options["directory"])
        store = Store(name, chosen_features())
        files = plan(store)
        for path in files:
            if (folder / path).exists():
                raise CommandError(
                    f"startstore – {folder / path} exists, and nothing is overwritten; no file was "
                    f"written – choose another name or directory, or move that file away."
                )
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        self.stdout.write(self.style.SUCCESS(f"Wrote {len(files)} files into {folder}"))
        self.stdout.write("\n".join(_to_paste(store)))

    def _check_name(self, name: str) -> None:
        label = name.rpartition(".")[2]
        if not all(p.isidentifier() and not keyword.iskeyword(p) for p in name.split(".")):
            raise CommandError(
                f"startstore – {name!r} is not a name that Python can import – use letters, digits "
                f"and underscores, as in 'shop'."
            )
        if label != label.lower():
            raise CommandError(
                f"startstore – {name!r} has capital letters, which names of tables and URLs "
                f"don't – write {name.lower()!r}."
            )
        if any(config.label == label for config in apps.get_app_configs()):
            raise CommandError(
                f"startstore – INSTALLED_APPS has an app with the label {label!r} already – choose "
                f"another name."
            )
        if _importable(name):
            raise CommandError(
                f"startstore – {name!r} is the name of a Python module that exists already – "
                f"choose another name."
            )

    def _folder(self, name: str, directory: str | None) -> Path:
        if directory is not None:
            folder = Path(directory).expanduser().absolute()
        else:
            folder = Path.cwd().joinpath(*name.split("."))
            if not folder.parent.is_dir():
                raise CommandError(
                    f"startstore – there is no folder {folder.parent} for {name!r} – make it, or "
                    f"name the directory: `manage.py startstore {name} path/to/the/app`."
                )
        if folder.exists() and not folder.is_dir():
            raise CommandError(f"startstore – {folder} is a file – name a folder.")
        return folder


def _importable(name: str) -> bool:
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return False  # a parent package that isn't there
    # A folder without __init__.py is importable too, but may well be the one to write into.
    return spec is not None and spec.origin is not None


def _to_paste(store: Store) -> Iterator[str]:
    label, name = store.label, store.name
    written = {feature.name for feature in store.features}
    yield ""
    yield "Add to INSTALLED_APPS in your settings:"
    yield ""
    for app in (f"{_SUITE}.core", *(feature.app for feature in store.features)):
        if not apps.is_installed(app):
            yield f'    "{app}",'
    yield f'    "{name}",'
    yield ""
    yield "Add below, in the same file:"
    yield ""
    yield f'    DIGITALSTORE_STORE_APP = "{label}"'
    yield "    DIGITALSTORE_TEST_MODE = DEBUG  # play money, files in a local folder"
    yield '    DIGITALSTORE_SITE_URL = None if DEBUG else "https://shop.example.com"  # yours'
    if "entitlements" in written:
        yield f'    LOGIN_REDIRECT_URL = "{label}:library"'
    elif "catalog" in written:
        yield f'    LOGIN_REDIRECT_URL = "{label}:product_list"'
    if "catalog" in written:
        yield f'    LOGOUT_REDIRECT_URL = "{label}:product_list"'
    yield ""
    yield "Add to urlpatterns in your urls.py (with `from django.urls import include, path`):"
    yield ""
    yield '    path("accounts/", include("django.contrib.auth.urls")),  # unless you have a log-in'
    yield f'    path("store/", include("{_SUITE}.urls")),'
    yield f'    path("", include("{name}.urls")),'
    yield ""
    yield "Then run:"
    yield ""
    yield f"    python manage.py makemigrations {label}"
    yield "    python manage.py migrate"
    yield f"    python manage.py test {name}"
    yield "    python manage.py createsuperuser"
    if "catalog" in written:
        yield "    python manage.py digitalstore_seller <username>  # who may sell"
    yield "    python manage.py runserver"
    if "catalog" in written:
        yield ""
        yield "Sell at /seller/. Files: in the admin, a release with “Published at” set."
        yield "Customers: in the admin, until your site has a sign-up, as django-allauth has."
