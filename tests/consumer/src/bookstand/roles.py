"""The role of those who send buyers."""

from typing import Any

from django_digitalstore.core.views import RoleRequiredMixin

__all__ = ["AFFILIATE", "IsAffiliateMixin", "is_affiliate"]

AFFILIATE = "affiliate"


def is_affiliate(user: Any) -> bool:
    """Say yes to an active member of the group “affiliates”."""
    return bool(
        user.is_authenticated and user.is_active and user.groups.filter(name="affiliates").exists()
    )


class IsAffiliateMixin(RoleRequiredMixin):
    """Gives a view the role affiliate."""

    role = AFFILIATE
