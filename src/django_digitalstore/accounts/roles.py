"""Predicates for a user model with ``RoleFlagsMixin``.

Write them into the settings::

    DIGITALSTORE_ROLES = {
        "customer": "django_digitalstore.accounts.roles.has_customer_flag",
        "seller": "django_digitalstore.accounts.roles.has_seller_flag",
    }
"""

from __future__ import annotations

from typing import Any

__all__ = ["has_customer_flag", "has_seller_flag"]


def has_customer_flag(user: Any) -> bool:
    """Say yes to an active user whose ``is_customer`` is set."""
    return _has(user, "is_customer")


def has_seller_flag(user: Any) -> bool:
    """Say yes to an active user whose ``is_seller`` is set."""
    return _has(user, "is_seller")


def _has(user: Any, flag: str) -> bool:
    # AnonymousUser has no flags; a model without the mixin fails loudly instead of saying no.
    return bool(user.is_authenticated and user.is_active and getattr(user, flag))
