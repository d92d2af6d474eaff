"""Admin classes for the catalog's models, to be registered by the host with its own models.

What flows decide is read-only: a product is published and archived by actions, a file's size and
hash are computed. Lists never count a large table.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from django_digitalstore.core.paginator import CountlessPaginator

from . import flows
from .exceptions import NotYourProduct, ProductNotReady
from .fields import PrivateFileField
from .forms import AssetForm, PricedForm

__all__ = [
    "AbstractAssetInline",
    "AbstractCategoryAdmin",
    "AbstractProductAdmin",
    "AbstractReleaseAdmin",
]


class AbstractCategoryAdmin(admin.ModelAdmin):
    """Categories of the site and of sellers."""

    list_display = ["name", "slug", "position", "seller"]
    list_select_related = ["seller"]
    search_fields = ["name", "slug"]
    raw_id_fields = ["seller"]
    prepopulated_fields = {"slug": ["name"]}
    paginator = CountlessPaginator
    show_full_result_count = False


class AbstractProductAdmin(admin.ModelAdmin):
    """Products. Their status is changed by actions, which call the flows and are logged."""

    form = PricedForm
    list_display = [
        "title",
        "status",
        "price_as_people_write_it",
        "featured",
        "seller",
        "published_at",
    ]
    list_filter = ["status", "featured"]
    list_select_related = ["seller"]
    search_fields = ["title", "slug"]
    raw_id_fields = ["seller"]
    filter_horizontal = ["categories"]
    prepopulated_fields = {"slug": ["title"]}
    readonly_fields = ["status", "published_at", "created_at", "updated_at"]
    actions = ["publish_products", "unpublish_products", "archive_products"]
    paginator = CountlessPaginator
    show_full_result_count = False

    @admin.display(description=gettext_lazy("price"), ordering="price")
    def price_as_people_write_it(self, product: Any) -> str:
        """Show the price with its currency, in the reader's language."""
        return product.display_price

    @admin.action(description=gettext_lazy("Publish the selected products"), permissions=["change"])
    def publish_products(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Put products on sale."""
        self._each(request, queryset, flows.publish_product, "Published.")

    @admin.action(
        description=gettext_lazy("Make the selected products drafts again"), permissions=["change"]
    )
    def unpublish_products(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Take products off the shop, to work on them."""
        self._each(request, queryset, flows.unpublish_product, "Made a draft again.")

    @admin.action(description=gettext_lazy("Archive the selected products"), permissions=["change"])
    def archive_products(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Take products off the shop for good. Who owns one keeps it."""
        self._each(request, queryset, flows.archive_product, "Archived.")

    def _each(
        self, request: HttpRequest, queryset: QuerySet, flow: Callable[..., Any], logged: str
    ) -> None:
        """Run ``flow`` for each product; log what it changed and count it, or say why not."""
        done = 0
        for product in queryset:
            before = product.status
            try:
                flow(product, actor=request.user)
            except (ProductNotReady, NotYourProduct) as error:
                reason = " ".join(getattr(error, "messages", [str(error)]))
                text = _("“%(product)s”: %(reason)s") % {"product": product, "reason": reason}
                self.message_user(request, text, messages.ERROR)
                continue
            if product.status != before:
                self.log_change(request, product, logged)
                done += 1
        text = ngettext("%(count)d product was changed.", "%(count)d products were changed.", done)
        self.message_user(
            request, text % {"count": done}, messages.SUCCESS if done else messages.INFO
        )


class AbstractAssetInline(admin.TabularInline):
    """The files of a release. The host's subclass names its model: ``model = Asset``.

    Only who may change files sees the upload: a sold file has no URL that could be shown instead.
    """

    form = AssetForm
    fields = ["name", "platform", "file", "position", "size", "sha256"]
    readonly_fields = ["size", "sha256"]
    extra = 1
    # Django's own widget links to the file.
    formfield_overrides = {PrivateFileField: {"widget": forms.FileInput}}

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let those add files who may change them."""
        return super().has_add_permission(request, obj) and self.has_change_permission(request, obj)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Leave the upload out for those who only look."""
        fields = list(super().get_fields(request, obj))
        if not self.has_change_permission(request, obj):
            fields = [name for name in fields if name != "file"]
        return fields


class AbstractReleaseAdmin(admin.ModelAdmin):
    """Releases. The host's subclass adds its files: ``inlines = [AssetInline]``."""

    list_display = ["version", "product", "published_at", "yanked_at"]
    list_select_related = ["product"]
    search_fields = ["version", "product__title", "product__slug"]
    raw_id_fields = ["product"]
    paginator = CountlessPaginator
    show_full_result_count = False
