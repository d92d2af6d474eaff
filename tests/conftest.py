"""Fixtures for every host project of ``tests/projects``, and what a test may need.

``pytest.mark.needs("payments")`` leaves a test out under a host project without that feature;
tests in ``tests/<feature>/`` need their feature by themselves. A skip whose reason says that
something is *absent* fails where ``DIGITALSTORE_REQUIRE_ALL`` is set. The host project is the
one of ``--ds``: ``pytest --ds=tests.projects.custom_user.settings``.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.test import Client, override_settings
from django.utils import translation

from tests.redis_server import any_cache, redis_server
from tests.threads import at_once, shared_database

__all__ = ["any_cache", "at_once", "redis_server", "shared_database"]

TESTS = Path(__file__).parent
SUITE = "django_digitalstore"
FEATURES = {"accounts", "catalog", "entitlements", "payments", "support"}
#: The app without which a package of contrib isn't tested: what it extends, or its own.
EXTENDED = {
    "analytics": "contrib.analytics",
    "dodopayments": "payments",
    "s3": "entitlements",
    "shorturls": "contrib.shorturls",
    "stripe": "payments",
    "underconstruction": "contrib.underconstruction",
}
#: What a package of contrib needs, where that is not called the same.
SDKS: dict[str, tuple[str, ...]] = {
    "analytics": (),
    "s3": ("boto3", "storages"),
    "shorturls": (),
    "underconstruction": (),
}

REQUIRE_ALL = os.environ.get("DIGITALSTORE_REQUIRE_ALL", "") not in {"", "0"}


# --- which tests run --------------------------------------------------------------------------


def has_feature(name: str) -> bool:
    """Tell whether the host project that the tests run under has installed a feature."""
    return apps.is_installed(f"{SUITE}.{name}")


def has_sdk(package: str) -> bool:
    """Tell whether what a package of contrib needs is installed."""
    return package not in EXTENDED or all(map(find_spec, SDKS.get(package, (package,))))


def project() -> str:
    """Return the name of the host project that the tests run under."""
    return str(settings.ROOT_URLCONF).split(".")[-2]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "needs(*features): runs only under host projects that have these features"
    )


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what cannot even be imported under this host project."""
    try:
        parts = collection_path.relative_to(TESTS).parts
    except ValueError:
        return None
    if not parts or not settings.configured:
        return None
    if parts[0] in FEATURES:
        return True if not has_feature(parts[0]) else None
    if parts[0] == "contrib" and len(parts) > 1:
        # Without the package that the extra brings, there is nothing to test.
        runs = has_feature(EXTENDED.get(parts[1], "core")) and (REQUIRE_ALL or has_sdk(parts[1]))
        return None if runs else True
    if parts[0] == "projects" and len(parts) > 1 and collection_path.is_dir():
        return True if parts[1] not in {project(), "templates"} else None
    if collection_path.name.startswith("test_") and collection_path.suffix == ".py":
        # Such a module may import, at its top, models that are not installed here.
        return None if all(map(has_feature, FEATURES & needed_by_all(collection_path))) else True
    return None


def needed_by_all(path: Path) -> set[str]:
    """Return the features that all tests of a module need, by its ``pytestmark``."""
    source = path.read_text("utf-8")
    if "pytestmark" not in source or all(map(has_feature, FEATURES)):
        return set()
    marks = [
        statement.value
        for statement in ast.parse(source).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
    ]
    return {
        name.value
        for mark in marks
        for call in ast.walk(mark)
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "pytest.mark.needs"
        for name in call.args
        if isinstance(name, ast.Constant) and isinstance(name.value, str)
    }


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out the tests whose features the host project doesn't have."""
    kept, left_out = [], []
    for item in items:
        needed = {name for mark in item.iter_markers("needs") for name in mark.args}
        unknown = needed - FEATURES - {"core"}
        if unknown:
            raise pytest.UsageError(f"{item.nodeid} needs {unknown}, which is no feature.")
        (kept if all(map(has_feature, needed)) else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a server that this run doesn't have."""
    from django.db import connection

    if item.get_closest_marker("postgres") and connection.vendor != "postgresql":
        if connection.vendor != "sqlite":  # a run on another server was never meant to have it
            pytest.skip("This is about PostgreSQL: ./dev servers")
        pytest.skip("PostgreSQL is absent: ./dev servers")
    if item.get_closest_marker("mariadb") and connection.vendor != "mysql":
        pytest.skip("This is about MariaDB: ./dev mariadb")
    if item.get_closest_marker("redis") and "CACHE_URL" not in os.environ:
        pytest.skip("Redis is absent: ./dev servers")
    if item.get_closest_marker("s3") and "S3_URL" not in os.environ:
        pytest.skip("An S3 server is absent: ./dev servers")


def _fail_where_all_is_required(report: Any) -> Any:
    if REQUIRE_ALL and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        # Others are skipped because they say nothing here: an older Django, another database.
        if "absent" in reason or "could not import" in reason:
            report.outcome = "failed"
            report.longrepr = f"DIGITALSTORE_REQUIRE_ALL is set: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Where everything is required, a test that lacks something fails."""
    return _fail_where_all_is_required((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """The same for a whole module that skips itself."""
    return _fail_where_all_is_required((yield))


# --- the site ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Begin without the products that a host's own migrations write."""
    if has_feature("catalog"):
        from django_digitalstore.catalog import get_product_model

        with django_db_blocker.unblock():
            get_product_model()._default_manager.all().delete()


@pytest.fixture(scope="session", autouse=True)
def private_files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the sold files of a run, and of each worker, in a folder of its own."""
    folder = tmp_path_factory.mktemp("store")
    with override_settings(BASE_DIR=folder, MEDIA_ROOT=folder / "media"):
        yield folder / "digitalstore-files"


@pytest.fixture(autouse=True)
def open_site() -> Iterator[None]:
    """Have a host that can be closed be open, and not ask each second: tests count queries."""
    if not apps.is_installed(f"{SUITE}.contrib.underconstruction"):
        yield
        return
    from django_digitalstore.contrib.underconstruction.testing import site_open

    with site_open():
        yield


@pytest.fixture(autouse=True)
def no_language_is_left() -> Iterator[None]:
    """Forget the language that ``LocaleMiddleware`` leaves on the thread: the next test had it."""
    yield
    translation.deactivate()


@pytest.fixture
def client_of() -> Callable[[Any], Client]:
    """Give a test client in which ``user`` is logged in: ``client_of(customer).get(…)``."""

    def log_in(user: Any) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return log_in


# --- people -----------------------------------------------------------------------------------

MakeUser = Callable[..., Any]


@pytest.fixture
def make_user(db: None) -> MakeUser:
    """Give a function that makes a user of the host's model: ``make_user("ada", seller=True)``."""
    from django.contrib.auth import get_user_model
    from django.contrib.auth.models import Permission

    from django_digitalstore.core.roles import seller_permission

    def make(
        name: str, *, seller: bool = False, password: str = "pass-word-1", **extra: Any
    ) -> Any:
        model = get_user_model()
        email = f"{name}@example.com"
        names = (
            {"email": email}
            if model.USERNAME_FIELD == "email"
            else {
                model.USERNAME_FIELD: name,
                "email": email,
            }
        )
        user = model._default_manager.create_user(**names, password=password, **extra)
        if seller:
            app_label, _, codename = seller_permission().partition(".")
            user.user_permissions.add(
                Permission.objects.get(content_type__app_label=app_label, codename=codename)
            )
        return user

    return make


@pytest.fixture
def customer(make_user: MakeUser) -> Any:
    return make_user("customer")


@pytest.fixture
def other_customer(make_user: MakeUser) -> Any:
    return make_user("other-customer")


@pytest.fixture
def seller(make_user: MakeUser) -> Any:
    return make_user("seller", seller=True)


@pytest.fixture
def other_seller(make_user: MakeUser) -> Any:
    return make_user("other-seller", seller=True)


@pytest.fixture
def staff(make_user: MakeUser) -> Any:
    """Staff without a single permission."""
    return make_user("staff", is_staff=True)


@pytest.fixture
def superuser(make_user: MakeUser) -> Any:
    return make_user("superuser", is_staff=True, is_superuser=True)


# --- what is for sale -------------------------------------------------------------------------

#: The bytes of the one file of every product that ``make_product`` makes.
FILE = b"%PDF-1.7 a very small book\n"


@pytest.fixture
def make_category(db: None) -> Callable[..., Any]:
    """Give a function that makes a category: ``make_category("Books", seller=seller)``."""
    from django.utils.text import slugify

    from django_digitalstore.catalog import get_category_model

    def make(name: str = "Books", **extra: Any) -> Any:
        extra.setdefault("slug", slugify(name))
        return get_category_model()._default_manager.create(name=name, **extra)

    return make


@pytest.fixture
def make_product(db: None) -> Callable[..., Any]:
    """Give a function that makes a published product of 19.99 euros with a release and a file.

    ``make_product("A book", price=0, seller=seller, released=False)``
    """
    import hashlib

    from django.core.files.base import ContentFile
    from django.utils import timezone
    from django.utils.text import slugify

    from django_digitalstore.catalog import (
        get_asset_model,
        get_product_model,
        get_release_model,
    )

    def make(title: str = "A book", *, released: bool = True, **extra: Any) -> Any:
        now = timezone.now()
        extra = {
            "slug": slugify(title),
            "summary": f"{title}, in short.",
            "price": 1999,
            "currency": "EUR",
            "status": "published",
            "published_at": now if extra.get("status", "published") == "published" else None,
            **extra,
        }
        product = get_product_model()._default_manager.create(title=title, **extra)
        if released:
            release = get_release_model()._default_manager.create(
                product=product, version="1.0", published_at=now
            )
            get_asset_model()._default_manager.create(
                release=release,
                name=f"{product.slug}.pdf",
                file=ContentFile(FILE, name="book.pdf"),
                size=len(FILE),
                sha256=hashlib.sha256(FILE).hexdigest(),
            )
        return product

    return make


@pytest.fixture
def category(make_category: Callable[..., Any]) -> Any:
    return make_category()


@pytest.fixture
def product(make_product: Callable[..., Any], seller: Any) -> Any:
    """A published product of ``seller``: 1999 EUR, one release, one small file."""
    return make_product("A book", seller=seller)


@pytest.fixture
def free_product(make_product: Callable[..., Any], seller: Any) -> Any:
    return make_product("A leaflet", price=0, seller=seller)


@pytest.fixture
def draft_product(make_product: Callable[..., Any], seller: Any) -> Any:
    return make_product("A draft", status="draft", seller=seller)


@pytest.fixture
def asset(product: Any) -> Any:
    """The one file of ``product``; its bytes are ``tests.conftest.FILE``."""
    return product.releases.get().assets.get()
