"""``{% load digitalstore_support %}``: what support a product comes with."""

from __future__ import annotations

from typing import Any

from django import template

from django_digitalstore.support import policies
from django_digitalstore.support.abstract_models import AbstractSupportTerms
from django_digitalstore.support.choices import Included

__all__ = ["support_terms"]

register = template.Library()


@register.simple_tag
def support_terms(product: Any) -> AbstractSupportTerms | None:
    """``{% support_terms product as terms %}``: what a buyer gets now; None for no support.

    One query.
    """
    terms = policies.terms_in_force(product)
    if terms is None or (terms.included == Included.NONE and not terms.sells_packs):
        return None
    return terms
