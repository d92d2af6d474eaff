"""What is for sale, in the admin."""

from django.contrib import admin

from django_digitalstore.catalog.admin import (
    AbstractAssetInline,
    AbstractCategoryAdmin,
    AbstractProductAdmin,
    AbstractReleaseAdmin,
)
from django_digitalstore.entitlements.admin import NOTIFY_OWNERS

from ..models import Asset, Category, Product, Release


@admin.register(Category)
class CategoryAdmin(AbstractCategoryAdmin):
    pass


@admin.register(Product)
class ProductAdmin(AbstractProductAdmin):
    pass


class AssetInline(AbstractAssetInline):
    model = Asset


@admin.register(Release)
class ReleaseAdmin(AbstractReleaseAdmin):
    inlines = [AssetInline]
    reasoned_actions = {
        **AbstractReleaseAdmin.reasoned_actions,
        "notify_owners": NOTIFY_OWNERS,
    }
