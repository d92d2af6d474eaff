"""Forms of the seller's pages. Seller and status are never fields: the pages decide them."""

from django_digitalstore.catalog.forms import AbstractCategoryForm, AbstractProductForm

from ..models import Category, Product


class ProductForm(AbstractProductForm):
    class Meta(AbstractProductForm.Meta):
        model = Product


class CategoryForm(AbstractCategoryForm):
    class Meta(AbstractCategoryForm.Meta):
        model = Category
