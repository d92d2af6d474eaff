"""Fixtures for hosts that test with pytest. Nothing loads them by itself: one line does, ::

    pytest_plugins = ["django_digitalstore.pytest_plugin"]   # in the conftest.py at the top

or ``addopts = ["-p", "django_digitalstore.pytest_plugin"]`` in pytest's settings. pytest-django is
needed as well.

Each fixture is the function of the same name of a ``…testing`` module, with the database switched
on for it: what unittest imports, pytest asks for. A fixture of a feature that is not installed
fails, and says what to install. A fixture of yours with the same name takes the place of ours, and
may ask for it. ::

    def test_an_owner_sees_the_lesson(client, make_product, customer_who_owns):
        course = make_product(title="Course")
        client.force_login(customer_who_owns(course))
        assert client.get("/lesson/").status_code == 200
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps

__all__ = [
    "customer_who_owns",
    "deliver_webhooks",
    "give_allowance",
    "make_category",
    "make_customer",
    "make_product",
    "make_release",
    "make_seller",
    "make_user",
    "offer_support",
    "open_request",
    "paid_order",
    "paid_support",
    "place_order",
    "post_webhook",
    "refunded_order",
    "sold_files",
]


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to run without pytest-django, whose ``db`` and ``client`` the fixtures ask for."""
    loaded = config.pluginmanager.hasplugin
    if not (loaded("django") or loaded("pytest_django.plugin")):
        raise pytest.UsageError(
            "django_digitalstore.pytest_plugin – pytest-django is not there, whose fixtures `db` "
            "and `client` it asks for – install pytest-django."
        )


def _function(feature: str, name: str, *, fixture: str = "") -> Callable[..., Any]:
    app = f"django_digitalstore.{feature}"
    if not apps.is_installed(app):
        pytest.fail(
            f"The fixture {fixture or name!r} – {app} is not installed – add {app!r} to "
            f"INSTALLED_APPS, or leave the test out.",
            pytrace=False,
        )
    function: Callable[..., Any] = getattr(importlib.import_module(f"{app}.testing"), name)
    return function


# --- accounts ---------------------------------------------------------------------------------


@pytest.fixture
def make_user(db: None) -> Callable[..., Any]:
    """``make_user("ada", **fields)`` of ``accounts.testing``: somebody to log in as."""
    return _function("accounts", "make_user")


# --- catalog ----------------------------------------------------------------------------------


@pytest.fixture
def sold_files(tmp_path: Path) -> Iterator[Path]:
    """Keep the sold files of this test in a folder of its own, and give its path."""
    with _function("catalog", "files_in", fixture="sold_files")(tmp_path / "sold") as folder:
        yield folder


@pytest.fixture
def make_seller(db: None) -> Callable[..., Any]:
    """``make_seller(**fields)`` of ``catalog.testing``: somebody who may sell."""
    return _function("catalog", "make_seller")


@pytest.fixture
def make_category(db: None) -> Callable[..., Any]:
    """``make_category("Books", **fields)`` of ``catalog.testing``."""
    return _function("catalog", "make_category")


@pytest.fixture
def make_product(db: None) -> Callable[..., Any]:
    """``make_product("A book", price=1200, **fields)`` of ``catalog.testing``: it is on sale."""
    return _function("catalog", "make_product")


@pytest.fixture
def make_release(db: None, sold_files: Path) -> Callable[..., Any]:
    """``make_release(product, {"book.pdf": b"…"})`` of ``catalog.testing``, in ``sold_files``."""
    return _function("catalog", "make_release")


# --- entitlements -----------------------------------------------------------------------------


@pytest.fixture
def make_customer(db: None) -> Callable[..., Any]:
    """``make_customer(**fields)`` of ``entitlements.testing``: owns nothing yet."""
    return _function("entitlements", "make_customer")


@pytest.fixture
def customer_who_owns(db: None) -> Callable[..., Any]:
    """``customer_who_owns(product, …, **fields)`` of ``entitlements.testing``."""
    return _function("entitlements", "customer_who_owns")


# --- payments ---------------------------------------------------------------------------------


@pytest.fixture
def place_order(db: None) -> Callable[..., Any]:
    """``place_order(customer, product, …)`` of ``payments.testing``: its checkout is open."""
    return _function("payments", "place_order")


@pytest.fixture
def paid_order(db: None) -> Callable[..., Any]:
    """``paid_order(customer, product, …)`` of ``payments.testing``: settled by its webhook."""
    return _function("payments", "paid_order")


@pytest.fixture
def refunded_order(db: None) -> Callable[..., Any]:
    """``refunded_order(customer, product, …)`` of ``payments.testing``: paid, and given back."""
    return _function("payments", "refunded_order")


@pytest.fixture
def post_webhook(db: None, client: Any) -> Callable[..., Any]:
    """``post_webhook(body, alias="default")`` of ``payments.testing``, by the test's ``client``."""
    return partial(_function("payments", "post_webhook"), client)


@pytest.fixture
def deliver_webhooks(db: None, client: Any) -> Callable[..., Any]:
    """``deliver_webhooks()`` of ``payments.testing``, by the test's ``client``."""
    return partial(_function("payments", "deliver_webhooks"), client)


# --- support ----------------------------------------------------------------------------------


@pytest.fixture
def offer_support(db: None) -> Callable[..., Any]:
    """``offer_support(product, included_requests=3)`` of ``support.testing``: its terms."""
    return _function("support", "offer_support")


@pytest.fixture
def give_allowance(db: None) -> Callable[..., Any]:
    """``give_allowance(customer, product, 1)`` of ``support.testing``, to one who owns it."""
    return _function("support", "give_allowance")


@pytest.fixture
def open_request(db: None) -> Callable[..., Any]:
    """``open_request(customer, product, subject="…", body="…")`` of ``support.testing``."""
    return _function("support", "open_request")


@pytest.fixture
def paid_support(db: None) -> Callable[..., Any]:
    """``paid_support(customer, product)`` of ``support.testing``: an order of the pack."""
    return _function("support", "paid_support")
