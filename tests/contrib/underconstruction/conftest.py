"""A site with the middleware in its place, and a switch that this process believes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from django_digitalstore.contrib.underconstruction import flows
from django_digitalstore.contrib.underconstruction.flag import flag
from django_digitalstore.contrib.underconstruction.models import SiteStatus

MIDDLEWARE = "django_digitalstore.contrib.underconstruction.middleware.UnderConstructionMiddleware"


@pytest.fixture(autouse=True)
def open_site() -> None:
    """Here the switch is what the database says."""


@pytest.fixture(autouse=True)
def site(settings: Any) -> Iterator[None]:
    # A host that has it itself doesn't get it twice.
    settings.MIDDLEWARE = [*(m for m in settings.MIDDLEWARE if m != MIDDLEWARE), MIDDLEWARE]
    settings.ROOT_URLCONF = "tests.contrib.underconstruction.urls"
    flag.forget()
    yield
    flag.forget()


@pytest.fixture
def close(db: None) -> Callable[..., SiteStatus]:
    """Give a function that closes the site. A test's transaction never commits: so it forgets."""

    def switch_on(**given: Any) -> SiteStatus:
        row = flows.switch_on(**{"reason": "We move.", **given})
        flag.forget()
        return row

    return switch_on
