"""docs/reference names every check and every setting that there is, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.surface import check_ids, conf_files, settings_of
from tests.projects.made import ROOT

REFERENCE = ROOT / "docs" / "reference"
CONFS = conf_files()


def sections(page: str) -> list[tuple[str, str]]:
    """Return the (title, text) of each heading of the third level of a page, in its order."""
    parts = re.split(r"^### (.+)$", (REFERENCE / page).read_text("utf-8"), flags=re.MULTILINE)[1:]
    texts = [text.partition("\n## ")[0] for text in parts[1::2]]
    return list(zip(parts[::2], texts, strict=True))


def test_every_check_is_explained_once_and_no_other():
    titles = [title for title, _ in sections("checks.md")]
    assert len(titles) == len(set(titles))
    assert set(titles) == check_ids()


@pytest.mark.parametrize(
    ("title", "text"), sections("checks.md"), ids=[title for title, _ in sections("checks.md")]
)
def test_a_check_has_its_message_and_what_to_do(title, text):
    said, _, explained = text.strip().rpartition("\n\n")
    assert said.startswith("> "), "The message comes first, as it is printed."
    assert explained
    assert not explained.startswith(">")


def test_every_setting_is_explained_once_and_no_other():
    titles = [title for title, _ in sections("settings.md")]
    assert len(titles) == len(set(titles))
    assert set(titles) == {name for conf in CONFS for name in settings_of(conf)}


@pytest.mark.parametrize("conf", CONFS, ids=[conf.parent.name for conf in CONFS])
def test_the_settings_of_a_feature_have_the_defaults_that_are_written(conf: Path):
    explained = dict(sections("settings.md"))
    assert settings_of(conf)
    for name, default in settings_of(conf).items():
        written = re.match(r"\s*Default: `(.+)`\n\n\S", explained[name])
        assert written, f"{name} – no default – write: Default: `{default}`, and what it means."
        assert ast.unparse(ast.parse(written[1], mode="eval")) == default, name


@pytest.mark.parametrize("path", sorted(REFERENCE.glob("*.md")), ids=lambda path: path.name)
def test_no_page_of_the_reference_names_a_setting_that_is_not(path: Path):
    known = {name for conf in CONFS for name in settings_of(conf)}
    # E012 is about a name that is misspelt.
    named = set(re.findall(r"DIGITALSTORE_[A-Z_]+\b", path.read_text("utf-8")))
    assert named - known <= {"DIGITALSTORE_PRODCUT_MODEL", "DIGITALSTORE_"}
