"""What is for sale, in the admin."""

from django.contrib import admin

from django_digitalstore.catalog.admin import (
    AbstractAssetInline,
    AbstractCategoryAdmin,
    AbstractReleaseAdmin,
)

from ..models import Asset, Category, Release


@admin.register(Category)
class CategoryAdmin(AbstractCategoryAdmin):
    pass


class AssetInline(AbstractAssetInline):
    model = Asset


@admin.register(Release)
class ReleaseAdmin(AbstractReleaseAdmin):
    inlines = [AssetInline]
