"""``tests/`` belongs to the distribution: it runs with the settings that are named there."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent

collect_ignore = ["src"]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave its tests out of a run of the suite's own."""
    return True if collection_path == HERE / "tests" and config.rootpath != HERE else None
