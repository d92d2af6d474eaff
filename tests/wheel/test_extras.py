"""Every extra that is offered, and every package of contrib, is looked at by ``./dev extras``."""

from __future__ import annotations

import re
import tomllib

from tests.projects.made import ROOT
from tests.wheel.one_extra import EXTRAS, WITHOUT_EXTRA

#: For those who work on the suite; no site installs them.
OURS = {"dev", "docs"}
CONTRIB = ROOT / "src" / "django_digitalstore" / "contrib"


def test_every_extra_is_looked_at_in_an_environment_of_its_own():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert set(EXTRAS) - {""} == set(project["optional-dependencies"]) - OURS
    said = re.search(r"^EXTRAS = \((.+)\)$", (ROOT / "dev").read_text("utf-8"), re.MULTILINE)
    assert said
    assert re.findall(r'"(\w*)"', said[1]) == list(EXTRAS)


def test_every_package_of_contrib_says_what_it_needs():
    there = {path.parent.name for path in CONTRIB.glob("*/__init__.py")}
    needed = [package for _, packages in EXTRAS.values() for package in packages]
    assert there <= {*needed, *WITHOUT_EXTRA}
