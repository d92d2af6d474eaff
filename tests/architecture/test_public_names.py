"""Hosts, the example shop among them, live on public names."""

from __future__ import annotations

from pathlib import Path

from tests.architecture.public_names import private_imports
from tests.projects.made import ROOT


def host_files() -> list[Path]:
    folders = [ROOT / "example_project", *(ROOT / "tests" / "projects").glob("*/shop")]
    return sorted(p for folder in folders for p in folder.rglob("*.py"))


def test_hosts_import_public_names_only():
    found = {
        str(path.relative_to(ROOT)): private
        for path in host_files()
        if "migrations" not in path.parts
        and (private := list(private_imports(path.read_text("utf-8"))))
    }
    assert found == {}


def test_a_private_import_would_be_found():
    assert list(private_imports("from django_digitalstore.core.views import _is_ours")) == [
        "from django_digitalstore.core.views import _is_ours"
    ]
