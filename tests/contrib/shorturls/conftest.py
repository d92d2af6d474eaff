"""What the tests of the short links share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import caches

from django_digitalstore.contrib.shorturls import flows
from django_digitalstore.contrib.shorturls.models import ShortLink

LOCAL_MEMORY = {
    "default": {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "LOCATION": "tests of the short links",
    }
}


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    """Give each test an empty cache of its own, and the site of ``urls``."""
    settings.ROOT_URLCONF = "tests.contrib.shorturls.urls"
    settings.CACHES = LOCAL_MEMORY
    caches["default"].clear()


@pytest.fixture
def make_link(
    db: None, django_capture_on_commit_callbacks: Callable[..., Any]
) -> Callable[..., ShortLink]:
    """Give a function that makes a link whose commit has come: ``make_link(path="/a/")``."""

    def make(product: Any = None, **fields: Any) -> ShortLink:
        if product is None and not {"path", "url"} & fields.keys():
            fields["path"] = "/"
        with django_capture_on_commit_callbacks(execute=True):
            return flows.create_link(product=product, **fields)

    return make


@pytest.fixture
def link(make_link: Callable[..., ShortLink], product: Any, seller: Any) -> ShortLink:
    """A link of ``seller`` to ``product``."""
    return make_link(product, owner=seller)


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function that calls a flow, and lets its commit come."""

    def call(flow: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with django_capture_on_commit_callbacks(execute=True):
            return flow(*args, **kwargs)

    return call
