"""No page, mail or log line of the whole shop tells where a sold file lies, or how to get at it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.example.test_example_project import EXAMPLE, FOREIGN, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.needs("accounts", "payments")]


def walk(folder: Path) -> dict[str, Any]:
    """Walk through the shop as everybody; return what was seen."""
    planted = folder / "planted"
    planted.mkdir(exist_ok=True)
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    suite = [path for path in sys.path if path.endswith("/src")]
    done = subprocess.run(
        [sys.executable, "-m", "tests.example.walk"],
        env={
            **env,
            "PYTHONPATH": os.pathsep.join([*suite, str(EXAMPLE), str(ROOT)]),
            "DJANGO_SETTINGS_MODULE": "tests.example.walk_settings",
            "DATA_DIR": str(folder / "data"),
            "PLANTED_TEMPLATES": str(planted),
            "DEBUG": "0",
            "TEST_MODE": "1",
            "SECRET_KEY": "only-for-this-walk-0123456789-0123456789-0123456789",
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_that_anybody_sees_leads_to_a_file(tmp_path: Path) -> None:
    seen = walk(tmp_path)
    assert seen["leaks"] == []
    assert seen["pages"] > 150
    assert seen["downloads"] > 3
    assert seen["tokens"] == seen["downloads"]
    assert seen["mails"] > 5
    assert seen["log_lines"] > 10


def test_a_template_that_shows_the_name_of_an_object_is_found(tmp_path: Path) -> None:
    """The walk can fail: without this it might look for the wrong things."""
    place = tmp_path / "planted/digitalstore/catalog"
    place.mkdir(parents=True)
    (place / "_files.html").write_text(
        "{% for asset in release.assets.all %}{{ asset.file.name }}{% endfor %}"
    )
    assert any("/products/" in leak and "assets/" in leak for leak in walk(tmp_path)["leaks"])
