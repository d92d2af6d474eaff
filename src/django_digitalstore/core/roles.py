"""Roles: questions about a user, named in ``DIGITALSTORE_ROLES``. One user model, the host's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string

from .exceptions import InvalidRole

__all__ = ["CUSTOMER", "SELLER", "has_role", "is_customer", "is_seller", "seller_permission"]

CUSTOMER = "customer"
SELLER = "seller"


def is_customer(user: Any) -> bool:
    """Say yes to every active user who is logged in."""
    return bool(user.is_authenticated and user.is_active)


def seller_permission() -> str:
    """Return the permission that makes a seller: ``DIGITALSTORE_SELLER_PERMISSION``.

    Where that is None: ``sell_product`` of the app of the product model, and of the store's app
    where no catalog is installed.
    """
    written: str | None = settings.DIGITALSTORE_SELLER_PERMISSION
    if written:
        return written
    product = getattr(settings, "DIGITALSTORE_PRODUCT_MODEL", None)  # the catalog's setting
    if not (isinstance(product, str) and "." in product):
        return f"{settings.DIGITALSTORE_STORE_APP}.sell_product"
    return f"{product.partition('.')[0]}.sell_product"


def is_seller(user: Any) -> bool:
    """Say yes to an active user who holds the permission of ``seller_permission()``."""
    return bool(user.is_authenticated and user.is_active and user.has_perm(seller_permission()))


def has_role(user: Any, role: str) -> bool:
    """Ask the predicate of ``role``. Raises ``InvalidRole`` where there is none."""
    roles: dict[str, str | Callable[[Any], bool]] = settings.DIGITALSTORE_ROLES
    predicate = roles.get(role)
    if predicate is None:
        known = ", ".join(repr(name) for name in roles)
        raise InvalidRole(
            f"DIGITALSTORE_ROLES has no role {role!r}; it knows {known}. "
            f"Write DIGITALSTORE_ROLES = {{{role!r}: 'dotted.path.to.predicate'}}."
        )
    if isinstance(predicate, str):
        try:
            predicate = import_string(predicate)
        except ImportError as error:
            raise InvalidRole(
                f"DIGITALSTORE_ROLES[{role!r}] cannot be imported: {error}."
            ) from error
    return bool(predicate(user))
