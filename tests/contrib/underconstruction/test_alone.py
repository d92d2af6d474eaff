"""The switch needs the core and nothing else of the suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects.made import MadeProject

from .conftest import MIDDLEWARE

pytestmark = pytest.mark.slow  # it makes a site of its own


def test_a_site_without_a_store_is_closed(tmp_path: Path) -> None:
    site = MadeProject(tmp_path, "contrib.underconstruction")
    site.add_settings(f'MIDDLEWARE.insert(4, "{MIDDLEWARE}")')
    site.add_settings("DIGITALSTORE_TEST_MODE = True")
    site.must("check")
    site.must("makemigrations", "--check", "--dry-run")
    site.must("migrate", "-v0")
    said = site.must("digitalstore_underconstruction", "on", "--message", "We move.")
    assert said == "The site is closed, until somebody opens it.\n"
    ask = "from django.test import Client; print(Client().get('/').status_code)"
    assert site.must("shell", "-v0", "-c", ask).splitlines()[-1] == "503"
