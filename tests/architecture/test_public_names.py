"""Hosts, the example shop among them, live on public names; and these stay."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture import surface
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


# --- they stay --------------------------------------------------------------------------------

LINES = "\n".join
WRITE = "python -m tests.architecture.surface"


def test_no_public_name_disappears():
    gone = sorted(set(surface.recorded()) - set(surface.surface()))
    assert not gone, (
        "tests/architecture/public_names.txt – these public names are gone, or are called in "
        f"another way – give them back as deprecated names (docs/reference/deprecation.md); where "
        f"they were in no release, or their time is over, write `{WRITE}`, and a line in "
        f"CHANGELOG.md:\n{LINES(gone)}"
    )


def test_every_public_name_is_recorded():
    new = sorted(set(surface.surface()) - set(surface.recorded()))
    assert not new, (
        "tests/architecture/public_names.txt – these names are new, and will have to stay – give "
        f"one that no host needs an underscore; for the others write `{WRITE}`:\n{LINES(new)}"
    )


def test_the_record_is_as_it_is_written():
    assert surface.recorded() == sorted(set(surface.recorded())), f"Write `{WRITE}`."


@pytest.mark.parametrize(
    "line",
    [
        "app django_digitalstore.catalog digitalstore_catalog",
        "check digitalstore.E001",
        "command startstore --add",
        "python django_digitalstore.catalog.get_product_model()",
        "python django_digitalstore.payments.choices.OrderStatus.PAID",
        "python django_digitalstore.payments.abstract_models.AbstractOrder.lines",
        "python django_digitalstore.core.outbox_tasks.get_task(alias)",
        # Of a private base, and so of the class that a host derives from.
        "python django_digitalstore.catalog.views.panel.GoesToSuccess.get_back_url()",
        "setting DIGITALSTORE_PRODUCT_MODEL",
        "signal order_status_changed(new, old, order)",
        "tag digitalstore_money.money",
        "template digitalstore/catalog/product_list.html content",
        "url digitalstore_payments:webhook <slug:alias>/webhook/",
    ],
)
def test_each_kind_of_name_is_found(line: str):
    assert line in surface.surface()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(self, a, b=1): ...", "(a, b=)"),
        ("def f(a, /, b, *, c, d=2): ...", "(a, /, b, *, c, d=)"),
        ("async def f(cls, *args, c=1, **kwargs): ...", "(*args, c=, **kwargs)"),
        ("def f(): ...", "()"),
    ],
)
def test_how_a_function_is_called_belongs_to_its_name(source: str, said: str):
    (function,) = ast.parse(source).body
    assert isinstance(function, surface.Definition)
    assert surface.signature(function) == said
