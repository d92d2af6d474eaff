"""What tests of a host's project need: owners, products with files, and whole assertions.

Everything here goes the public way, by flows and policies, so a test that passes with it means
what it says: no guarded table is written past its guard. ::

    from django_digitalstore.entitlements.testing import customer_who_owns, make_product

    def test_an_owner_sees_the_lesson(client):
        course = make_product(title="Course")
        client.force_login(customer_who_owns(course))
        assert client.get("/lesson/").status_code == 200

Fields that the host's own models require are given as keywords; where one is missing,
``FieldsMissing`` (django_digitalstore.core.testing) names it.
"""

from __future__ import annotations

import hashlib
import itertools
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.text import slugify

from django_digitalstore.catalog import get_asset_model, get_product_model, get_release_model
from django_digitalstore.core.testing import naming_missing_fields

from . import flows, policies
from .sources import Source

__all__ = [
    "assert_access",
    "assert_no_access",
    "customer_who_owns",
    "grant",
    "make_customer",
    "make_product",
    "make_release_with_file",
    "revoke",
]

_numbers = itertools.count(1)


def make_customer(username: str | None = None, *, password: str = "secret", **fields: Any) -> Any:  # noqa: S107
    """Create an active user of the host's user model, with a password to log in with.

    ``username`` fills the model's USERNAME_FIELD; give other required fields as ``fields``.
    """
    model = get_user_model()
    number = next(_numbers)
    username = username or f"customer-{number}"
    email = f"{slugify(username) or number}@example.com"
    if model.USERNAME_FIELD == "email":
        fields.setdefault("email", username if "@" in username else email)
    else:
        fields.setdefault(model.USERNAME_FIELD, username)
        if any(field.name == "email" for field in model._meta.concrete_fields):
            fields.setdefault("email", email)
    fields["password"] = password
    with naming_missing_fields("make_customer", model, fields):
        return model._default_manager.create_user(**fields)


def make_product(**fields: Any) -> Any:
    """Create a product that is for sale: published, 12.00 in the default currency.

    ``fields`` say otherwise, and fill what the host's own model requires.
    """
    number = next(_numbers)
    fields.setdefault("title", f"Product {number}")
    fields.setdefault("slug", f"{slugify(fields['title'])}-{number}")
    fields.setdefault("price", 1200)
    fields.setdefault("status", "published")
    if fields["status"] == "published":
        fields.setdefault("published_at", timezone.now())
    model = get_product_model()
    with naming_missing_fields("make_product", model, fields):
        return model._default_manager.create(**fields)


def make_release_with_file(
    product: Any,
    content: bytes = b"content",
    name: str = "file.txt",
    *,
    version: str | None = None,
    published: bool = True,
    **fields: Any,
) -> Any:
    """Create a release of ``product`` with one file in the private storage; return the asset.

    ``fields`` are further fields of the release. The file is really written: give the tests a
    ``STORAGES`` alias of their own, or ``files_in()`` of ``django_digitalstore.catalog.testing``.
    """
    fields.setdefault("published_at", timezone.now() if published else None)
    fields.update(product=product, version=version or f"1.{next(_numbers)}")
    model = get_release_model()
    with naming_missing_fields("make_release_with_file", model, fields):
        release: Any = model._default_manager.create(**fields)
    asset = get_asset_model()(
        release=release,
        name=name,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
    asset.file.save(name, ContentFile(content), save=True)
    return asset


def grant(
    user: Any,
    product: Any,
    *,
    source: Source | None = None,
    expires_at: datetime | None = None,
) -> Any:
    """Give ``user`` access to ``product`` by the flow; return the ``PurchasedProduct`` row."""
    return flows.grant_product(
        user, product, source=source or Source("test"), expires_at=expires_at, reason="test"
    )


def revoke(user: Any, product: Any, *, reason: str = "test") -> int:
    """Take access away as a person does, by the flow; return the number of grants that ended."""
    return flows.revoke_product(user, product, reason=reason)


def customer_who_owns(*products: Any, **fields: Any) -> Any:
    """Create a customer who owns ``products``; ``fields`` as for ``make_customer``."""
    customer = make_customer(**fields)
    for product in products:
        grant(customer, product)
    return customer


def assert_access(user: Any, product: Any) -> None:
    """Assert that ``user`` may use ``product`` now."""
    assert policies.has_access(user, product), f"{user} has no access to “{product}”."


def assert_no_access(user: Any, product: Any) -> None:
    """Assert that ``user`` may not use ``product`` now."""
    assert not policies.has_access(user, product), f"{user} has access to “{product}”."
