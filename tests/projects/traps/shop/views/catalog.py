"""The shop window, and the seller's products and categories."""

from django.urls import reverse_lazy

from django_digitalstore.catalog.views import (
    GenericCategoryCreateView,
    GenericCategoryDeleteView,
    GenericCategoryListView,
    GenericCategoryUpdateView,
    GenericProductArchiveView,
    GenericProductCreateView,
    GenericProductDetailView,
    GenericProductListView,
    GenericProductPublishView,
    GenericProductUpdateView,
    GenericSellerProductListView,
)
from django_digitalstore.core.views import IsSellerMixin
from django_digitalstore.entitlements.policies import with_ownership

from ..forms.catalog import CategoryForm, ProductForm


class ProductListView(GenericProductListView):
    base_template = "shop/base.html"
    active_page = "shop"

    def annotate_products(self, queryset):
        return with_ownership(queryset, self.request.user)


class ProductDetailView(GenericProductDetailView):
    base_template = "shop/base.html"
    active_page = "shop"
    list_url = "shop:product_list"
    checkout_url = "shop:checkout"
    extra_context = {"library_url": reverse_lazy("shop:library")}

    def annotate_products(self, queryset):
        return with_ownership(queryset, self.request.user)


class SellerProductListView(IsSellerMixin, GenericSellerProductListView):
    base_template = "shop/base.html"
    active_page = "seller"
    create_url = "shop:seller_product_create"
    update_url = "shop:seller_product_update"
    publish_url = "shop:seller_product_publish"
    archive_url = "shop:seller_product_archive"


class SellerProductCreateView(IsSellerMixin, GenericProductCreateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = ProductForm
    success_url = "shop:seller_products"


class SellerProductUpdateView(IsSellerMixin, GenericProductUpdateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = ProductForm
    success_url = "shop:seller_products"


class SellerProductPublishView(IsSellerMixin, GenericProductPublishView):
    success_url = "shop:seller_products"


class SellerProductArchiveView(IsSellerMixin, GenericProductArchiveView):
    success_url = "shop:seller_products"


class SellerCategoryListView(IsSellerMixin, GenericCategoryListView):
    base_template = "shop/base.html"
    active_page = "seller"
    create_url = "shop:seller_category_create"
    update_url = "shop:seller_category_update"
    delete_url = "shop:seller_category_delete"


class SellerCategoryCreateView(IsSellerMixin, GenericCategoryCreateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = CategoryForm
    success_url = "shop:seller_categories"


class SellerCategoryUpdateView(IsSellerMixin, GenericCategoryUpdateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = CategoryForm
    success_url = "shop:seller_categories"


class SellerCategoryDeleteView(IsSellerMixin, GenericCategoryDeleteView):
    base_template = "shop/base.html"
    active_page = "seller"
    success_url = "shop:seller_categories"
