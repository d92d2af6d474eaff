"""What the tests of the payments share."""

from __future__ import annotations

import pytest
from django.core.cache import cache


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    """The return page remembers for a second that it asked the provider."""
    cache.clear()
