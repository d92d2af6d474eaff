"""Forms of the seller's pages. Seller and status are never fields: the pages decide them."""

from django import forms

from django_digitalstore.catalog.forms import (
    AbstractAssetForm,
    AbstractCategoryForm,
    AbstractProductForm,
    AbstractReleaseForm,
)

from ..models import Asset, Category, Product, Release

MOST_BYTES = 5 * 1024 * 1024


class ProductForm(AbstractProductForm):
    class Meta(AbstractProductForm.Meta):
        model = Product
        fields = [*AbstractProductForm.Meta.fields, "cover"]
        help_texts = {
            **AbstractProductForm.Meta.help_texts,
            "cover": "A picture in portrait, as in 800 × 1000 pixels. At most 5 MB.",
        }

    def clean_cover(self):
        """Refuse a picture that every visitor would have to wait for."""
        cover = self.cleaned_data["cover"]
        if "cover" in self.changed_data and cover and cover.size > MOST_BYTES:
            raise forms.ValidationError("This picture has more than 5 MB. Choose a smaller one.")
        return cover


class CategoryForm(AbstractCategoryForm):
    class Meta(AbstractCategoryForm.Meta):
        model = Category


class ReleaseForm(AbstractReleaseForm):
    class Meta(AbstractReleaseForm.Meta):
        model = Release


class AssetForm(AbstractAssetForm):
    class Meta(AbstractAssetForm.Meta):
        model = Asset
