"""Forms of the seller's pages. Seller and status are never fields: the pages decide them."""

from django_digitalstore.catalog.forms import (
    AbstractAssetForm,
    AbstractCategoryForm,
    AbstractProductForm,
    AbstractReleaseForm,
)

from tests.projects.existing_model.library.models import Ebook

from ..models import Asset, Category, Release


class ProductForm(AbstractProductForm):
    class Meta(AbstractProductForm.Meta):
        model = Ebook


class CategoryForm(AbstractCategoryForm):
    class Meta(AbstractCategoryForm.Meta):
        model = Category


class ReleaseForm(AbstractReleaseForm):
    class Meta(AbstractReleaseForm.Meta):
        model = Release


class AssetForm(AbstractAssetForm):
    class Meta(AbstractAssetForm.Meta):
        model = Asset
