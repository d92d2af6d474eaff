"""Fixtures of the catalog's tests: its pages under the host project's namespace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse


@pytest.fixture
def url() -> Callable[..., str]:
    """``url("product_detail", "a-book")`` in the store's namespace."""

    def of(name: str, slug: str | None = None) -> str:
        args = [slug] if slug else []
        return reverse(f"{settings.DIGITALSTORE_STORE_APP}:{name}", args=args)

    return of


@pytest.fixture
def as_seller(client_of: Callable[[Any], Client], seller: Any) -> Client:
    return client_of(seller)
