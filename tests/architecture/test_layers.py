"""The layers hold, and each contract notices a line that breaks it."""

from __future__ import annotations

import ast
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.projects.made import run_python

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "django_digitalstore"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CONTRACTS = {c["id"]: c["name"] for c in CONFIG["tool"]["importlinter"]["contracts"]}

pytest.importorskip("importlinter", reason="could not import import-linter: ./dev test")

#: Contract → the module that gets a line, and the line.
PLANTED = {
    "layers": ("entitlements/flows/access.py", "import django_digitalstore.payments.flows"),
    "contrib-siblings": ("contrib/one/__init__.py", "import django_digitalstore.contrib.two"),
    "rules-know-no-pages": (
        "catalog/flows/products.py",
        "import django_digitalstore.catalog.forms",
    ),
    "sdks-in-contrib": ("payments/flows/checkout.py", "import stripe"),
    "sandbox-is-a-provider": (
        "payments/flows/checkout.py",
        "from django_digitalstore.payments.backends.sandbox.models import SandboxCheckout",
    ),
}


def lint(folder: Path, *, config: Path = ROOT / "pyproject.toml") -> subprocess.CompletedProcess:
    """Run import-linter over the package in ``folder``."""
    return run_python(
        "-c",
        "import sys; from importlinter.cli import lint_imports_command as main; "
        "main(['--config', sys.argv[1], '--no-cache'])",
        str(config),
        cwd=folder,
        COLUMNS="200",  # or a long name is wrapped
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, with two packages in contrib that know nothing."""
    package = tmp_path / "django_digitalstore"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("one", "two"):
        (package / "contrib" / name).mkdir()
        (package / "contrib" / name / "__init__.py").write_text("")
    return package


def test_every_contract_is_kept(copy):
    done = lint(copy.parent)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_is_a_planted_line_for_every_contract():
    assert PLANTED.keys() == CONTRACTS.keys()


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_import_breaks_its_contract(copy, contract):
    module, line = PLANTED[contract]
    target = copy / module
    target.write_text(f"{target.read_text('utf-8')}\n{line}\n", encoding="utf-8")

    done = lint(copy.parent)

    assert done.returncode == 1
    assert f"{CONTRACTS[contract]} BROKEN" in done.stdout


# --- the guard is opened by flows only --------------------------------------------------------

OPENERS = {"insert", "update", "delete"}
GUARD = "django_digitalstore.core.guard"


def modules() -> list[Path]:
    return sorted(p for p in SOURCE.rglob("*.py") if "migrations" not in p.parts)


def guard_openings(source: str) -> Iterator[str]:
    """Yield what in ``source`` could open the guard: its functions, however they are imported."""
    tree = ast.parse(source)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = ("." * node.level) + (node.module or "")
            for alias in node.names:
                if module.endswith("guard") and alias.name in OPENERS:
                    yield f"from {module} import {alias.name}"
                if alias.name == "guard" and (module in {".", ".core"} or module.endswith("core")):
                    names.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            names.update(a.asname or a.name for a in node.names if a.name == GUARD)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in OPENERS
            and ast.unparse(node.value) in names
        ):
            yield ast.unparse(node)


def is_flows(path: Path) -> bool:
    return path.name == "flows.py" or path.parent.name == "flows"


def test_only_flows_open_the_guard():
    found = {
        str(path.relative_to(SOURCE)): openings
        for path in modules()
        if not is_flows(path) and (openings := list(guard_openings(path.read_text("utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize(
    ("line", "opening"),
    [
        ("from django_digitalstore.core import guard\nguard.insert(order)", "guard.insert"),
        ("from django_digitalstore.core import guard as g\ng.update(order)", "g.update"),
        (f"import {GUARD}\n{GUARD}.delete(order)", f"{GUARD}.delete"),
        (f"from {GUARD} import update", f"from {GUARD} import update"),
        ("from .guard import insert", "from .guard import insert"),
    ],
)
def test_an_opening_elsewhere_would_be_found(line, opening):
    assert list(guard_openings(line)) == [opening]


def test_the_flows_are_seen_to_open_it():
    for module in ("entitlements/flows/access.py", "payments/flows/reports.py"):
        source = (SOURCE / module).read_text("utf-8")
        assert set(guard_openings(source)) & {"guard.insert", "guard.update"}


# --- what importing the suite brings ----------------------------------------------------------


def test_importing_every_module_imports_no_sdk(tmp_path):
    sdks = next(
        c["forbidden_modules"]
        for c in CONFIG["tool"]["importlinter"]["contracts"]
        if c["id"] == "sdks-in-contrib"
    )
    (tmp_path / "run.py").write_text(
        "import importlib.util, pkgutil, sys\n"
        "import django\n"
        "django.setup()\n"
        "import django_digitalstore\n"
        "for module in pkgutil.walk_packages(django_digitalstore.__path__, "
        "'django_digitalstore.'):\n"
        # Django's tasks came with 6.0; before, the module asks for their backport.
        "    if '.contrib.' in module.name or "
        "(django.VERSION < (6,) and module.name.endswith('.outbox_tasks')):\n"
        "        continue\n"
        # Loaded by mypy alone.
        "    if module.name.endswith('.mypy_plugin') and not importlib.util.find_spec('mypy'):\n"
        "        continue\n"
        "    else:\n"
        "        importlib.import_module(module.name)\n"
        "        print(module.name)\n"
        f"print('SDKs:', sorted(set({sdks!r}) & set(sys.modules)))\n"
    )
    done = run_python(
        "run.py",
        cwd=tmp_path,
        path=(ROOT,),
        DJANGO_SETTINGS_MODULE="tests.projects.full_store.settings",
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) > 50
    assert lines[-1] == "SDKs: []"
