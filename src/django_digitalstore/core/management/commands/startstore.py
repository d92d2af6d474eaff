"""``manage.py startstore shop``: writes the app of the host that holds its store."""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.utils.module_loading import import_string

import django_digitalstore

__all__ = ["Command", "Feature", "Product", "Store", "chosen_features", "plan", "shipped_features"]

_SUITE = "django_digitalstore"
_SUFFIX = "-tpl"
_LOGIN = "registration/login.html"
_IMPORTED = re.compile(rf"^\s*(?:from|import) {_SUITE}\.(\w+)", re.MULTILINE)
_BASE_TEMPLATE = re.compile(r"""^\s+base_template = ["'](.+)["']$""", re.MULTILINE)
_PRODUCT_SETTING = "DIGITALSTORE_PRODUCT_MODEL"
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

    @property
    def needs(self) -> set[str]:
        """The features below it: what its own modules import, those for tests left out."""
        modules = (path for path in self.folder.rglob("*.py") if path.name != "testing.py")
        found = {
            name for path in modules for name in _IMPORTED.findall(path.read_text(encoding="utf-8"))
        }
        return found - {self.name, "core", "contrib", "urls"}


@dataclass(frozen=True, slots=True)
class Product:
    """A model of the host that becomes the product: ``library.Ebook``."""

    label: str
    model: type[models.Model]

    @property
    def app_label(self) -> str:
        return self.model._meta.app_label

    @property
    def name(self) -> str:
        return str(self.model._meta.model_name)

    @property
    def required_fields(self) -> list[str]:
        """Its own fields that nothing fills: without them no product can be saved.

        Those that lead to a user are left out: nobody may choose one among all.
        """
        theirs = {field.name for field in _base_of_products()._meta.local_fields}
        return [
            field.name
            for field in self.model._meta.concrete_fields
            if field.name not in theirs
            and field.editable
            and not (field.primary_key or field.blank or field.has_default())
            and not field.has_db_default()
            and field.related_model is not get_user_model()
        ]

    @property
    def own_pages(self) -> list[str]:
        """The pages that the site has a template for, by the names that generic views look for."""
        pages = ("list", "detail", "form")
        return [
            page for page in pages if _has_template(f"{self.app_label}/{self.name}_{page}.html")
        ]


@dataclass(frozen=True, slots=True)
class Store:
    """The app that is written: dotted ``name``, and the features it has.

    ``product`` is the host's own model that becomes the product; None writes one.
    ``base_template`` is the host's own; None writes one. ``has_login`` leaves the log-in page out.
    """

    name: str
    features: tuple[Feature, ...]
    product: Product | None = None
    base_template: str | None = None
    has_login: bool = False

    @property
    def label(self) -> str:
        return self.name.rpartition(".")[2]

    def fill(self, text: str) -> str:
        """Put the app's name and label in, and leave out what is for features it hasn't."""
        names = {feature.name for feature in self.features}
        if self.product is None:
            names.add("product")
        else:
            names.update(f"own_{page}_page" for page in self.product.own_pages)
            if self.product.required_fields:
                names.add("required_fields")
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
        filled = "".join(lines)
        for placeholder, value in self._values():
            filled = filled.replace(placeholder, value)
        return filled

    def _values(self) -> list[tuple[str, str]]:
        model = self.product.model if self.product else None
        return [
            ("__base_template__", self.base_template or f"{self.label}/base.html"),
            ("__product_app__", self.product.app_label if self.product else self.label),
            ("__product_name__", self.product.name if self.product else "product"),
            ("__required_fields__", _quoted(self.product.required_fields if self.product else ())),
            ("__product_module__", model.__module__ if model else f"{self.name}.models"),
            ("__Product__", model.__name__ if model else "Product"),
            ("__store_name__", self.name),
            ("__store__", self.label),
        ]

    def writes(self, path: str) -> bool:
        """Tell whether a file of the core is wanted: not what the host has already."""
        if self.base_template is None:
            return True
        if path.startswith("templates/registration/"):
            return not self.has_login
        return not path.startswith(("templates/", "static/"))


def shipped_features() -> dict[str, Feature]:
    """Return name → feature of all that bring files, sorted by name."""
    suite = Path(django_digitalstore.__path__[0])
    features = [
        Feature(folder.name, ".".join([_SUITE, *folder.relative_to(suite).parts]), folder)
        for folder in (*suite.iterdir(), *(suite / "contrib").iterdir())
        if folder.name != "core"
    ]
    found = (feature for feature in features if feature.templates.is_dir())
    return {feature.name: feature for feature in sorted(found, key=lambda f: f.name)}


def chosen_features() -> tuple[Feature, ...]:
    """Return the installed features that bring files; all of them where only core is installed.

    Sorted by name. A convenience of ``contrib``, and support, which not every shop gives, come only
    where they are installed.
    """
    shipped = shipped_features().values()
    installed = tuple(feature for feature in shipped if apps.is_installed(feature.app))
    return installed or tuple(
        feature
        for feature in shipped
        if not (feature.app.startswith(f"{_SUITE}.contrib.") or feature.name == "support")
    )


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
                if feature is core and not store.writes(path):
                    continue
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


def _said(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


class Command(BaseCommand):
    """Writes new files only. Runs before the app and its settings exist, so it checks nothing."""

    help = (
        "Writes your store: an app with models, views, forms, URLs, admin, a base template and "
        "passing tests, for the features of the suite that are in INSTALLED_APPS."
    )
    requires_system_checks: list[Any] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the name of the app, the folder to write it into, and what the site has already."""
        parser.add_argument(
            "name", help="Name of the app, as in 'shop', or dotted, as in 'myproject.shop'."
        )
        parser.add_argument(
            "directory",
            nargs="?",
            help="Folder of the app; made where it is missing. Default: the name, from here.",
        )
        parser.add_argument(
            "--features",
            metavar="NAMES",
            help="Only these, as in 'catalog,entitlements'. Default: what is in INSTALLED_APPS.",
        )
        parser.add_argument(
            "--product",
            metavar="APP.MODEL",
            help="A model of yours that becomes the product, as in 'library.Ebook'.",
        )
        parser.add_argument(
            "--base-template",
            metavar="TEMPLATE",
            help="The template of yours that all pages extend, as in 'base.html'.",
        )
        parser.add_argument(
            "--add",
            metavar="FEATURE",
            help="Add a feature to a store that exists: new files only; shows what to paste.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Plan all files, refuse to overwrite any, write them, print what to paste."""
        name: str = options["name"]
        if options["add"]:
            self._add(name, options)
            return
        self._check_name(name)
        folder = self._folder(name, options["directory"])
        features = chosen_features()
        if options["features"] is not None:
            features = self._named_features(options["features"])
        product = self._product(options["product"], features) if options["product"] else None
        base_template: str | None = options["base_template"]
        if base_template is not None:
            self._check_base_template(base_template)
        store = Store(name, features, product, base_template, _has_template(_LOGIN))
        files = plan(store)
        self._write(folder, files)
        self.stdout.write("\n".join(_to_paste(store)))

    def _write(self, folder: Path, files: dict[str, str]) -> None:
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

    def _add(self, name: str, options: dict[str, Any]) -> None:
        """Write the files of one more feature, and say what to change in those that are there."""
        if options["features"] is not None or options["product"] is not None:
            raise CommandError(
                "startstore – --add takes one feature, and neither --features nor --product – "
                f"write `manage.py startstore {name} --add {options['add']}`."
            )
        folder = self._existing(name, options["directory"])
        added = self._feature(options["add"])
        there = tuple(f for f in shipped_features().values() if _has_feature(folder, f))
        if added in there:
            raise CommandError(
                f"startstore – {folder} has the feature {added.name!r} already – change its files "
                f"as you like; nothing writes them again."
            )
        lacking = sorted(added.needs - {feature.name for feature in there})
        if lacking:
            raise CommandError(
                f"startstore – {added.name!r} needs {_said(lacking)}, which {folder} hasn't – "
                f"run `manage.py startstore {name} --add {lacking[0]}` first."
            )
        base_template = options["base_template"] or _base_template_of(folder)
        before = Store(name, there, self._product_of_settings(name), base_template)
        after = replace(
            before, features=tuple(sorted((*there, added), key=lambda feature: feature.name))
        )
        old, new = plan(before), plan(after)
        self._write(folder, {path: text for path, text in new.items() if path not in old})
        self.stdout.write("\n".join(_to_add(after, added, old, new)))

    def _existing(self, name: str, directory: str | None) -> Path:
        label = name.rpartition(".")[2]
        if directory is not None:
            folder = Path(directory).expanduser().absolute()
        elif apps.is_installed(name):
            folder = Path(next(c.path for c in apps.get_app_configs() if c.name == name))
        else:
            folder = Path.cwd().joinpath(*name.split("."))
        if not (folder / "apps.py").is_file():
            raise CommandError(
                f"startstore – there is no store in {folder} – write one by `manage.py startstore "
                f"{name}`, or name its directory: `manage.py startstore {name} path/to/{label} "
                f"--add …`."
            )
        return folder

    def _feature(self, name: str) -> Feature:
        shipped = shipped_features()
        if name not in shipped:
            close = difflib.get_close_matches(name, shipped, n=1)
            instead = f"did you mean {close[0]!r}?" if close else f"write {_said(shipped)}."
            raise CommandError(f"startstore – there is no feature {name!r} – {instead}")
        return shipped[name]

    def _named_features(self, text: str) -> tuple[Feature, ...]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        features = {name: self._feature(name) for name in sorted(set(names))}
        needed = {need for feature in features.values() for need in feature.needs}
        if not needed.issubset(features):
            for feature in features.values():
                lacking = sorted(feature.needs - set(features))
                if lacking:
                    together = ",".join(sorted(needed | set(features)))
                    raise CommandError(
                        f"startstore – {feature.name!r} needs {_said(lacking)} – write "
                        f"--features {together}."
                    )
        if not features:
            raise CommandError(
                f"startstore – --features names none – write some of "
                f"{','.join(shipped_features())}."
            )
        return tuple(features.values())

    def _product(self, label: str, features: tuple[Feature, ...]) -> Product:
        if "catalog" not in {feature.name for feature in features}:
            raise CommandError(
                "startstore – --product is about the catalog, which is not among the features – "
                "write --features catalog,…, or leave --product out."
            )
        if label.count(".") != 1:
            raise CommandError(
                f"startstore – --product must be of the form 'app_label.ModelName', not {label!r} "
                f"– write --product library.Ebook for a model Ebook in the app library."
            )
        try:
            return Product(label, apps.get_model(label))
        except LookupError:
            close = difflib.get_close_matches(
                label, [m._meta.label for m in apps.get_models()], n=1, cutoff=0.8
            )
            instead = (
                f"did you mean --product {close[0]}?"
                if close
                else "write the label of a model of an app in INSTALLED_APPS, or leave --product "
                "out, and a model is written."
            )
            raise CommandError(f"startstore – there is no model {label!r} – {instead}") from None

    def _product_of_settings(self, name: str) -> Product | None:
        label: Any = getattr(settings, _PRODUCT_SETTING, None)
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError, AttributeError, TypeError):
            return None
        if model._meta.app_label == name.rpartition(".")[2]:
            return None
        return Product(label, model)

    def _check_base_template(self, name: str) -> None:
        try:
            template: Any = get_template(name)
        except TemplateDoesNotExist:
            raise CommandError(
                f"startstore – there is no template {name!r} – write the name by which your own "
                f"templates extend it, as in --base-template base.html."
            ) from None
        source = getattr(getattr(template, "template", None), "source", "")
        if "{% extends" in source:
            return  # its blocks may be its parent's
        lacking = [
            b for b in ("title", "content") if not re.search(rf"{{%-?\s*block {b}\b", source)
        ]
        if lacking:
            blocks = " ".join(f"{{% block {b} %}}{{% endblock %}}" for b in lacking)
            raise CommandError(
                f"startstore – the template {name!r} lacks the block {_said(lacking)}, in which "
                f"the store's pages stand – add {blocks} to it."
            )

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


def _base_of_products() -> Any:
    import_module(f"{_SUITE}.catalog.conf")  # where it isn't installed yet, nobody has read it
    return import_string(f"{_SUITE}.catalog.abstract_models.AbstractProduct")


def _has_template(name: str) -> bool:
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return False
    return True


def _has_feature(folder: Path, feature: Feature) -> bool:
    return any(
        (folder / source.name.partition(".")[0] / f"{feature.name}.py").is_file()
        for source in feature.templates.glob(f"*{_SUFFIX}")
    )


def _base_template_of(folder: Path) -> str | None:
    """Return the base template that the views of a store name, where it is not of its own."""
    if (folder / "templates" / folder.name / "base.html").is_file():
        return None
    for path in sorted((folder / "views").glob("*.py")):
        found = _BASE_TEMPLATE.search(path.read_text(encoding="utf-8"))
        if found:
            return found[1]
    return None


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
    if store.product:
        yield f'    {_PRODUCT_SETTING} = "{store.product.label}"'
    yield "    DIGITALSTORE_TEST_MODE = DEBUG  # play money, files in a local folder"
    yield '    DIGITALSTORE_SITE_URL = None if DEBUG else "https://shop.example.com"  # yours'
    if "support" in written:
        yield from _fulfilments()
    if store.base_template is None or not store.has_login:
        if "entitlements" in written:
            yield f'    LOGIN_REDIRECT_URL = "{label}:library"'
        elif "catalog" in written:
            yield f'    LOGIN_REDIRECT_URL = "{label}:product_list"'
        if "catalog" in written:
            yield f'    LOGOUT_REDIRECT_URL = "{label}:product_list"'
    yield ""
    if store.product:
        yield from _to_adopt(store, store.product)
    yield "Add to urlpatterns in your urls.py (with `from django.urls import include, path`):"
    yield ""
    yield '    path("accounts/", include("django.contrib.auth.urls")),  # unless you have a log-in'
    yield f'    path("store/", include("{_SUITE}.urls")),'
    at = "shop/" if store.base_template or store.product else ""
    yield f'    path("{at}", include("{name}.urls")),'
    yield ""
    yield "Then run:"
    yield ""
    of_product = f" {store.product.app_label}" if store.product else ""
    yield f"    python manage.py makemigrations {label}{of_product}"
    yield "    python manage.py migrate"
    yield f"    python manage.py test {name}"
    yield "    python manage.py createsuperuser"
    if "catalog" in written:
        yield "    python manage.py digitalstore_seller <username>  # who may sell"
    yield "    python manage.py runserver"
    if "catalog" in written:
        yield ""
        yield (
            "Sell at seller/ of the store. Files: in the admin, a release with “Published at” set."
        )
        yield "Customers: in the admin, until your site has a sign-up, as django-allauth has."


def _fulfilments() -> Iterator[str]:
    yield "    DIGITALSTORE_FULFILMENTS = {"
    yield f'        "support": "{_SUITE}.support.fulfilments.SupportFulfilment",'
    yield "    }"


def _to_adopt(store: Store, product: Product) -> Iterator[str]:
    """Say how a model of the host becomes the product, and what its migration will ask."""
    model = product.model
    base = _base_of_products()
    if issubclass(model, base):
        return
    module, name = model.__module__, model.__name__
    parents = ", ".join(parent.__name__ for parent in model.__bases__ if parent is not models.Model)
    yield f"Change the base and the Meta of {name} in {module}; its own fields stay as they are:"
    yield ""
    yield "    from django.urls import reverse"
    yield ""
    yield f"    from {_SUITE}.catalog.abstract_models import AbstractProduct"
    yield ""
    yield f"    class {name}({', '.join(filter(None, [parents, 'AbstractProduct']))}):"
    yield "        class Meta(AbstractProduct.Meta):"
    yield "            pass  # and what your Meta has; the plural is “products” else"
    slug = '{"slug": self.slug}'
    to_product = [
        "        def get_absolute_url(self):",
        f'            return reverse("{store.label}:product_detail", kwargs={slug})',
    ]
    has_address = "get_absolute_url" in dir(model)
    if not has_address:
        yield ""
        yield from to_product
    yield ""
    if has_address:
        yield f"The store links to get_absolute_url() of {name}, which is a page of yours."
        yield "Name the one with the button to buy:"
        yield ""
        yield from to_product
        yield ""
        yield "Or keep yours, and put this on its page:"
        yield ""
        found = f"slug={product.name}.slug"
        yield f"    <a href=\"{{% url '{store.label}:product_detail' {found} %}}\">Buy</a>"
        yield ""
    yield f"Register {name} in the admin of its app, where its status and its seller have rules:"
    yield ""
    yield "    from django.contrib import admin"
    yield ""
    yield f"    from {_SUITE}.catalog.admin import AbstractProductAdmin"
    yield ""
    yield f"    from {module} import {name}"
    yield ""
    yield f"    @admin.register({name})"
    yield f"    class {name}Admin(AbstractProductAdmin):"
    yield "        pass"
    yield ""
    if product.required_fields or product.own_pages:
        yield f"What {name} has already:"
        yield ""
        for field in product.required_fields:
            yield (
                f"    {field} – required: {store.label}/forms/catalog.py has it; give it to "
                f"make_product() in {store.label}/tests."
            )
        for page in product.own_pages:
            yield (
                f"    {product.app_label}/{product.name}_{page}.html – yours stays: "
                f"{store.label}/views/catalog.py names the store's own."
            )
        yield ""
    yield "What to expect of the migration:"
    yield ""
    for line in _questions(model, base):
        yield f"    {line}"
    yield ""


def _questions(model: type[models.Model], base: Any) -> Iterator[str]:
    """Say, field by field, what ``makemigrations`` will ask, and what becomes of the rows."""
    own = {field.name: field for field in model._meta.get_fields()}
    for field in base._meta.local_fields:
        there: Any = own.get(field.name)
        if there is not None:
            yield f"{field.name} – yours stays."
            if field.unique and not getattr(there, "unique", False):
                yield f"{field.name} – write unique=True: pages are found by it."
            if field.null and not there.null:
                yield f"{field.name} – yours may not be null, so every product needs one."
        elif field.unique:
            yield (
                f"{field.name} – is unique, so no one default fits your rows: write it into "
                f"{model.__name__} with null=True, migrate, fill it, then take null=True away."
            )
        elif getattr(field, "auto_now_add", False):
            yield f"{field.name} – asked: choose 1 and press Enter (timezone.now)."
        elif not (field.null or field.has_default() or field.blank):
            yield f"{field.name} – asked: choose 1 and give your rows a value, as in ''."
    yield "status – your rows become drafts of the site, and free: in the admin, write their"
    yield "prices, then publish them."
    if not model._default_manager.auto_created:
        yield (
            f"{model._default_manager.name} – make {type(model._default_manager).__name__} from a "
            f"queryset that derives from ProductQuerySet ({_SUITE}.catalog.abstract_models)."
        )


def _to_add(
    store: Store, added: Feature, old: dict[str, str], new: dict[str, str]
) -> Iterator[str]:
    """Say what to paste into the files of a store that gets one more feature."""
    yield ""
    if not apps.is_installed(added.app):
        yield "Add to INSTALLED_APPS in your settings:"
        yield ""
        yield f'    "{added.app}",'
        yield ""
    if added.name == "support":
        yield "Add below, in the same file; where it is there already, add its entry:"
        yield ""
        yield from _fulfilments()
        yield ""
    for path, before in old.items():
        if new[path] == before:
            continue
        yield f"Change in {store.label}/{path} (+ is what comes, - what goes):"
        yield ""
        was, now = before.rstrip().split("\n"), new[path].rstrip().split("\n")
        for line in list(difflib.unified_diff(was, now, lineterm="", n=1))[2:]:
            yield f"    {line}".rstrip()
        yield ""
    yield "Then run:"
    yield ""
    if "models/__init__.py" in new and new["models/__init__.py"] != old.get("models/__init__.py"):
        yield f"    python manage.py makemigrations {store.label}"
    yield "    python manage.py migrate"
    yield f"    python manage.py test {store.name}"
