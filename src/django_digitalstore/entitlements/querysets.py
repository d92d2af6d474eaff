"""A queryset mixin that the host's Product manager adds."""

from __future__ import annotations

from typing import Any, Self

from .policies import owned_by_filter, with_ownership

__all__ = ["OwnershipQuerySetMixin"]


class OwnershipQuerySetMixin:
    """Adds ownership to a product queryset.

    ``class BookQuerySet(OwnershipQuerySetMixin, ProductQuerySet): …``
    """

    def owned_by(self, user: Any) -> Self:
        """Keep the products that ``user`` owns now."""
        return self.filter(owned_by_filter(user))  # type: ignore[attr-defined]

    def with_ownership(self, user: Any) -> Self:
        """Annotate each product, so that ``product|owned_by:user`` needs no query."""
        return with_ownership(self, user)  # type: ignore[arg-type, return-value]
