"""What the pages of the catalog share: whose template is taken, and pages of a list."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.views.generic.base import TemplateResponseMixin

__all__ = ["HostTemplateMixin", "PagedMixin"]


class HostTemplateMixin(TemplateResponseMixin):
    """Takes the host's template where there is one: ``shop/product_list.html``, then ours."""

    #: Name of our template in ``digitalstore/catalog/``; the host's ends alike.
    page_template: ClassVar[str]

    def get_page_model(self) -> type[Model]:
        """Return the model that the page is about. Hook: no I/O."""
        raise NotImplementedError(f"{type(self).__name__} must implement get_page_model().")

    def get_template_names(self) -> list[str]:
        """Return ``template_name`` alone where it is set, else the host's name, then ours. Hook."""
        if self.template_name:
            return [self.template_name]
        options = self.get_page_model()._meta
        suffix = self.page_template.partition("_")[2]
        return [
            f"{options.app_label}/{options.model_name}_{suffix}",
            f"digitalstore/catalog/{self.page_template}",
        ]


class PagedMixin:
    """Pages by ``DIGITALSTORE_PRODUCTS_PER_PAGE``; a page that doesn't exist shows a near one."""

    def get_paginate_by(self, queryset: Any) -> int:
        """Return how many rows a page has. Hook."""
        return settings.DIGITALSTORE_PRODUCTS_PER_PAGE

    def paginate_queryset(
        self, queryset: Any, page_size: int
    ) -> tuple[Paginator, Page, QuerySet, bool]:
        """Return the page that was asked for, the first for nonsense, the last beyond the end."""
        paginator = self.get_paginator(queryset, page_size)  # type: ignore[attr-defined]
        page = paginator.get_page(self.request.GET.get(self.page_kwarg))  # type: ignore[attr-defined]
        return paginator, page, page.object_list, page.has_other_pages()
