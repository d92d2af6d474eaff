"""Honest ways to set a scene in tests: what these make went through the flows.

Fields that the host's own models require are given as keywords; where one is missing,
``FieldsMissing`` (django_digitalstore.core.testing) names it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.test import override_settings

from django_digitalstore.accounts.testing import make_user
from django_digitalstore.core.roles import seller_permission
from django_digitalstore.core.testing import naming_missing_fields

from . import flows, get_category_model, get_product_model, get_release_model
from .abstract_models import AbstractCategory, AbstractProduct, AbstractRelease

__all__ = ["files_in", "make_category", "make_product", "make_release", "make_seller"]

_numbers = count(1)


@contextmanager
def files_in(folder: str | Path | None = None) -> Iterator[Path]:
    """Keep the sold files of the block in ``folder``, whatever the settings say; yield its path.

    None is a temporary folder that goes afterwards. In a TestCase:
    ``self.enterContext(files_in())``; under pytest the fixture ``sold_files`` does it.
    """
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(folder or scratch)
        storage = {
            "BACKEND": "django_digitalstore.catalog.storage.PrivateFileSystemStorage",
            "OPTIONS": {"location": path},
        }
        alias = settings.DIGITALSTORE_STORAGE
        with override_settings(STORAGES={**settings.STORAGES, alias: storage}):
            yield path


def make_seller(user: Any = None, **fields: Any) -> Any:
    """Give ``user``, or a new one, the permission of sellers; return them as freshly loaded.

    ``fields`` are those of the new user, as for ``make_user``.
    """
    user = user or make_user(**fields)
    app_label, codename = seller_permission().split(".")
    permission = Permission.objects.get(
        content_type__app_label=app_label,
        codename=codename,
        content_type__model=get_product_model()._meta.model_name,
    )
    user.user_permissions.add(permission)
    return type(user)._default_manager.get(pk=user.pk)


def make_category(name: str = "Books", **fields: Any) -> Any:
    """Return a saved category of the site, or of ``seller=``."""
    fields.setdefault("slug", f"category-{next(_numbers)}")
    category: AbstractCategory = get_category_model()(name=name, **fields)
    with naming_missing_fields("make_category", type(category), {"name": name, **fields}):
        return flows.save_category(category)


def make_product(
    title: str = "A book",
    *,
    published: bool = True,
    categories: Iterable[AbstractCategory] = (),
    **fields: Any,
) -> Any:
    """Return a saved product, published unless told otherwise. ``price`` is in minor units."""
    fields.setdefault("slug", f"product-{next(_numbers)}")
    fields.setdefault("price", 1200)
    product: AbstractProduct = get_product_model()(title=title, **fields)
    with naming_missing_fields("make_product", type(product), {"title": title, **fields}):
        flows.save_product(product, categories=categories)
    return flows.publish_product(product) if published else product


def make_release(
    product: AbstractProduct,
    files: Mapping[str, bytes] | None = None,
    *,
    version: str | None = None,
    published: bool = True,
    published_at: datetime | None = None,
    **fields: Any,
) -> Any:
    """Return a release of ``product`` with ``files`` (name → content), published now.

    ``published_at`` is an aware time: before now, or later for one that is scheduled.
    """
    fields.update(product=product, version=version or f"1.{next(_numbers)}")
    release: AbstractRelease = get_release_model()(**fields)
    with naming_missing_fields("make_release", type(release), fields):
        flows.save_release(release)
    contents = {"book.txt": b"Once upon a time"} if files is None else files
    for position, (name, content) in enumerate(contents.items()):
        flows.attach_file(release, ContentFile(content, name=name), name=name, position=position)
    return flows.publish_release(release, at=published_at) if published else release
