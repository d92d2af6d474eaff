"""``{% load digitalstore_entitlements %}``: ownership in templates."""

from __future__ import annotations

from typing import Any

from django import template

from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.policies import owner_annotation

__all__ = ["owned_by"]

register = template.Library()

_CACHE = "_digitalstore_owned_product_ids"


@register.filter
def owned_by(product: Any, user: Any) -> bool:
    """Tell whether ``user`` owns ``product``: ``{% if product|owned_by:user %}``.

    Reads the annotation of ``policies.with_ownership`` where the product carries one for this very
    user. Else the first use loads the keys of all products that the user owns, in one query, and
    keeps them on the user object: there is one such object per request, so a page costs one query
    and the next request asks again. It is for showing; what protects a file or a page asks
    ``policies.has_access``. Nobody, and an anonymous visitor, own nothing, without a query.
    """
    key = getattr(user, "pk", None)
    product_key = getattr(product, "pk", None)
    if key is None or product_key is None:
        return False
    annotated = getattr(product, owner_annotation(user), None)
    if annotated is not None:
        return bool(annotated)
    owned = getattr(user, _CACHE, None)
    if owned is None:
        purchases = get_purchased_product_model().objects.of_customer(user)
        owned = frozenset(purchases.order_by().values_list("product_id", flat=True))
        setattr(user, _CACHE, owned)
    return product_key in owned
