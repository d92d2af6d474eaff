"""``bookstand``, a distribution of another author, lives on public names only."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from django.conf import settings

from tests.architecture import surface
from tests.architecture.public_names import private_imports
from tests.projects.made import ROOT, run_python

#: What is made here has settings of its own: once is enough, whatever host the tests run under.
once = pytest.mark.skipif(
    settings.ROOT_URLCONF != "tests.projects.full_store.urls",
    reason="said by the run under the full store",
)

HERE = Path(__file__).parent
HOST = ROOT / "tests" / "projects" / "consumer"


def test_it_imports_public_names_only():
    files = [*HERE.glob("src/**/*.py"), *HERE.glob("tests/*.py"), *HOST.glob("shop/**/*.py")]
    found = {
        str(path.relative_to(ROOT)): private
        for path in files
        if "migrations" not in path.parts
        and (private := list(private_imports(path.read_text("utf-8"))))
    }
    assert len(files) > 20
    assert found == {}


def test_it_reaches_into_nothing_by_an_underscore():
    texts = {path: path.read_text("utf-8") for path in HERE.glob("src/**/*.py")}
    private = re.compile(r"\b(super\(\)|self|cls)\._(?!_)")
    assert [path for path, text in texts.items() if private.search(text)] == []


def test_it_depends_on_the_suite_and_nothing_else():
    project = tomllib.loads((HERE / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["dependencies"] == ["django-digitalstore"]


@once
def test_its_own_tests_pass_under_a_host_that_installs_it():
    done = run_python(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        cwd=HERE,
        path=(ROOT,),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def run_mypy(
    *arguments: str | Path, cache: Path, config: Path = HERE / "mypy.ini"
) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("mypy", reason="mypy is no part of this environment: ./dev test")
    source = str(HERE / "src")
    return run_python(
        "-m",
        "mypy",
        f"--config-file={config}",
        f"--cache-dir={cache}",
        *map(str, arguments),
        cwd=ROOT,
        path=(ROOT, Path(source)),
        MYPYPATH=os.pathsep.join([str(ROOT / "src"), source, str(ROOT)]),
    )


@once
def test_mypy_finds_the_types_of_the_host(tmp_path):
    done = run_mypy(HERE / "src" / "bookstand", HERE / "types_seen.py", cache=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


@once
def test_the_types_are_those_of_the_settings_whatever_mypy_remembers(tmp_path):
    asked = tmp_path / "asked.py"
    asked.write_text(
        "from django_digitalstore.catalog import get_product_model\n"
        "reveal_type(get_product_model())\n"
    )
    other = tmp_path / "mypy.ini"
    text = (HERE / "mypy.ini").read_text("utf-8")
    other.write_text(text.replace("tests.consumer.mypy_settings", "tests.mypy_settings"))
    stores = {"consumer": HERE / "mypy.ini", "full_store": other}
    for name, config in [*stores.items(), *stores.items()]:
        done = run_mypy(asked, cache=tmp_path / "cache", config=config)
        model = f"tests.projects.{name}.shop.models.catalog.Product"
        assert done.stdout.splitlines() == [
            f'{asked}:2: note: Revealed type is "type[{model}]"',
            "Success: no issues found in 1 source file",
        ], done.stderr


@once
def test_pyright_finds_no_error_in_what_a_host_imports(tmp_path):
    """In what bookstand and its host write, and in an import of every public name."""
    pytest.importorskip(
        "basedpyright", reason="basedpyright is no part of this environment: ./dev test"
    )
    imports = tmp_path / "imports.py"
    imports.write_text(
        "".join(
            f"from {module} import {name} as {module.replace('.', '_')}_{name}\n"
            for module, file in surface.modules().items()
            for name in surface.all_of(file)
        )
    )
    config = tmp_path / "pyrightconfig.json"
    config.write_text(
        json.dumps(
            {
                "include": [str(HERE / "src"), str(HOST / "shop"), str(imports)],
                "extraPaths": [str(ROOT / "src"), str(HERE / "src"), str(ROOT)],
                # What pyright does where nobody says more.
                "typeCheckingMode": "standard",
                "failOnWarnings": False,
            }
        )
    )
    done = run_python(
        "-m", "basedpyright", f"--project={config}", f"--pythonpath={sys.executable}", cwd=ROOT
    )
    assert done.stdout.splitlines()[-1:] == ["0 errors, 0 warnings, 0 notes"], (
        done.stdout + done.stderr
    )


@once
def test_the_plugin_says_where_it_stands_before_the_one_it_needs(tmp_path):
    text = (HERE / "mypy.ini").read_text("utf-8")
    ours, theirs = "django_digitalstore.mypy_plugin", "mypy_django_plugin.main"
    assert f"plugins = {theirs}, {ours}\n" in text
    config = tmp_path / "mypy.ini"
    config.write_text(text.replace(f"{theirs}, {ours}", f"{ours}, {theirs}"))
    done = run_mypy(HERE / "types_seen.py", cache=tmp_path / "cache", config=config)
    assert done.stderr.strip() == (
        f"{ours} – Django's apps are not loaded – write plugins = "
        f'["{theirs}", "{ours}"], in this order.'
    )
