"""Forms of the seller's pages. Seller and status are never fields: the pages decide them."""

from django_digitalstore.catalog.forms import (
    AbstractAssetForm,
    AbstractCategoryForm,
    AbstractProductForm,
    AbstractReleaseForm,
)

from ..models import Asset, Category, Product, Release


class ProductForm(AbstractProductForm):
    class Meta(AbstractProductForm.Meta):
        model = Product


class CategoryForm(AbstractCategoryForm):
    class Meta(AbstractCategoryForm.Meta):
        model = Category


class ReleaseForm(AbstractReleaseForm):
    class Meta(AbstractReleaseForm.Meta):
        model = Release


class AssetForm(AbstractAssetForm):
    class Meta(AbstractAssetForm.Meta):
        model = Asset
