"""What the tests of the figures share: each answer is asked twice, with and without a rollup."""

from __future__ import annotations

from typing import Any

import pytest

from django_digitalstore.contrib.analytics import flows
from tests.contrib.analytics import sales


@pytest.fixture(params=["from the facts", "from the rollup"])
def counted(request: pytest.FixtureRequest) -> Any:
    """Give a function to call before a question: it rolls up, or leaves the facts alone."""

    def count() -> None:
        if request.param == "from the rollup":
            flows.roll_up()
            sales.let_time_pass()

    return count
