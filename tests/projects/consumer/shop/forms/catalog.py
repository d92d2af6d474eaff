"""Forms of the seller's pages. Seller and status are never fields: the pages decide them."""

from bookstand.forms import AbstractBookForm

from django_digitalstore.catalog.forms import AbstractCategoryForm

from ..models import Category, Product


class ProductForm(AbstractBookForm):
    class Meta(AbstractBookForm.Meta):
        model = Product


class CategoryForm(AbstractCategoryForm):
    class Meta(AbstractCategoryForm.Meta):
        model = Category
