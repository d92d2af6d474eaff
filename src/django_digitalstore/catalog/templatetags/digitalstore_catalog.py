"""``{% load digitalstore_catalog %}``: what sellers write, as pages show it."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from django_digitalstore.catalog.markdown import render_markdown

__all__ = ["markdown"]

register = template.Library()


@register.filter
def markdown(text: Any, heading: int = 4) -> SafeString:
    """Return Markdown as safe HTML: ``{{ release.notes|markdown }}``.

    Its highest headings are ``h4``; ``|markdown:3`` makes them ``h3``, to follow those of the page.
    """
    return render_markdown(str(text or ""), heading=heading)
