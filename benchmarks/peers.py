"""Other packages that do one of the jobs: ways beside ours, where they are installed.

``./dev bench --peers`` installs them. None is imported by anything but the way that measures it.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseBase

from .requests import request
from .runner import Way

__all__ = [
    "MAINTENANCE",
    "closed_site",
    "guardian",
    "is_installed",
    "link_shortener",
    "private_storage_view",
    "why_not",
]

MAINTENANCE = "maintenance_mode.middleware.MaintenanceModeMiddleware"


def is_installed(module: str) -> bool:
    """Tell whether a peer can be measured."""
    return importlib.util.find_spec(module) is not None


def why_not(name: str) -> str:
    """Return what the table says where a peer is missing."""
    return f"{name} is not installed here: `./dev bench --peers`."


def guardian(user: Any, product: Any) -> list[Way]:
    """Return how django-guardian answers whether a user may use an object."""
    if not is_installed("guardian"):
        return []
    from guardian.shortcuts import assign_perm

    permission = f"{product._meta.app_label}.view_product"
    assign_perm(permission, user, product)
    model = get_user_model()

    def has_perm() -> None:
        # A fresh user, as each request has: what was found is kept on the user.
        assert model(pk=user.pk, is_active=True).has_perm(permission, product)

    return [Way("django-guardian has_perm", has_perm)]


def link_shortener(user: Any, headers: dict[str, str]) -> list[Way]:
    """Return how django-link-shortener follows a link."""
    if not is_installed("shortener"):
        return []
    from shortener import shortener

    code = shortener.create(user, "/library/")
    path = f"/peers/shortener/{code}/"
    return [Way("django-link-shortener", request(path, headers=headers, expected=302))]


@contextmanager
def closed_site() -> Iterator[None]:
    """Close the site by django-maintenance-mode too, where it is installed."""
    if not is_installed("maintenance_mode"):
        yield
        return
    from maintenance_mode.core import set_maintenance_mode

    set_maintenance_mode(True)
    try:
        yield
    finally:
        set_maintenance_mode(False)


def private_storage_view() -> Callable[..., HttpResponseBase] | None:
    """Return a view of django-private-storage that asks for ownership as a site would write it."""
    if not is_installed("private_storage"):
        return None
    from private_storage.views import PrivateStorageView

    from django_digitalstore.catalog import get_asset_model
    from django_digitalstore.entitlements import get_purchased_product_model

    class OwnedFileView(PrivateStorageView):
        def get_path(self) -> str:
            self.asset = (
                get_asset_model()
                ._default_manager.select_related("release")
                .get(pk=self.kwargs["asset"])
            )
            return str(self.asset.file.name)

        def can_access_file(self, private_file: Any) -> bool:
            owned: HttpRequest = self.request
            return bool(
                get_purchased_product_model()
                .objects.live()
                .filter(user=owned.user, product_id=self.asset.release.product_id)
                .exists()
            )

    view: Callable[..., HttpResponseBase] = OwnedFileView.as_view()
    return view
