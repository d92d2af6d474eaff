"""The shop window, and the seller's products, releases and categories."""

from django.urls import reverse_lazy

from django_digitalstore.catalog.views import (
    GenericAssetCreateView,
    GenericAssetDeleteView,
    GenericAssetListView,
    GenericAssetReplaceView,
    GenericAssetUpdateView,
    GenericCategoryCreateView,
    GenericCategoryDeleteView,
    GenericCategoryListView,
    GenericCategoryUpdateView,
    GenericProductArchiveView,
    GenericProductChangelogView,
    GenericProductCreateView,
    GenericProductDetailView,
    GenericProductListView,
    GenericProductPublishView,
    GenericProductUpdateView,
    GenericReleaseCreateView,
    GenericReleaseDeleteView,
    GenericReleasePublishView,
    GenericReleaseUnscheduleView,
    GenericReleaseUnyankView,
    GenericReleaseUpdateView,
    GenericReleaseYankView,
    GenericSellerProductListView,
    GenericSellerReleaseListView,
)
from django_digitalstore.core.views import IsSellerMixin
from django_digitalstore.entitlements.policies import has_access, with_ownership

from ..forms.catalog import AssetForm, CategoryForm, ProductForm, ReleaseForm


class ProductListView(GenericProductListView):
    base_template = "shop/base.html"
    active_page = "shop"

    def annotate_products(self, queryset):
        return with_ownership(queryset, self.request.user)


class ProductDetailView(GenericProductDetailView):
    base_template = "shop/base.html"
    active_page = "shop"
    list_url = "shop:product_list"
    changelog_url = "shop:product_changelog"
    checkout_url = "shop:checkout"
    extra_context = {"library_url": reverse_lazy("shop:library")}
    sample_url = "shop:sample"

    def annotate_products(self, queryset):
        return with_ownership(queryset, self.request.user)


class ProductChangelogView(GenericProductChangelogView):
    base_template = "shop/base.html"
    active_page = "shop"

    def may_see(self, product):
        return has_access(self.request.user, product)


class SellerProductListView(IsSellerMixin, GenericSellerProductListView):
    base_template = "shop/base.html"
    active_page = "seller"
    create_url = "shop:seller_product_create"
    update_url = "shop:seller_product_update"
    publish_url = "shop:seller_product_publish"
    archive_url = "shop:seller_product_archive"
    releases_url = "shop:seller_releases"


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
    releases_url = "shop:seller_releases"


class SellerProductPublishView(IsSellerMixin, GenericProductPublishView):
    success_url = "shop:seller_products"


class SellerProductArchiveView(IsSellerMixin, GenericProductArchiveView):
    success_url = "shop:seller_products"


class ReleaseUrls:
    """Where the pages of a product's releases lead."""

    products_url = "shop:seller_products"
    releases_url = "shop:seller_releases"
    create_url = "shop:seller_release_create"
    update_url = "shop:seller_release_update"
    publish_url = "shop:seller_release_publish"
    unschedule_url = "shop:seller_release_unschedule"
    yank_url = "shop:seller_release_yank"
    unyank_url = "shop:seller_release_unyank"
    delete_url = "shop:seller_release_delete"
    files_url = "shop:seller_assets"


class SellerReleaseListView(ReleaseUrls, IsSellerMixin, GenericSellerReleaseListView):
    base_template = "shop/base.html"
    active_page = "seller"


class SellerReleaseCreateView(ReleaseUrls, IsSellerMixin, GenericReleaseCreateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = ReleaseForm


class SellerReleaseUpdateView(ReleaseUrls, IsSellerMixin, GenericReleaseUpdateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = ReleaseForm
    more_urls = {"notify": "shop:seller_release_notify"}


class SellerReleasePublishView(ReleaseUrls, IsSellerMixin, GenericReleasePublishView):
    base_template = "shop/base.html"
    active_page = "seller"


class SellerReleaseUnscheduleView(ReleaseUrls, IsSellerMixin, GenericReleaseUnscheduleView):
    pass


class SellerReleaseYankView(ReleaseUrls, IsSellerMixin, GenericReleaseYankView):
    base_template = "shop/base.html"
    active_page = "seller"


class SellerReleaseUnyankView(ReleaseUrls, IsSellerMixin, GenericReleaseUnyankView):
    pass


class SellerReleaseDeleteView(ReleaseUrls, IsSellerMixin, GenericReleaseDeleteView):
    base_template = "shop/base.html"
    active_page = "seller"


class SellerAssetListView(IsSellerMixin, GenericAssetListView):
    base_template = "shop/base.html"
    active_page = "seller"
    create_url = "shop:seller_asset_create"
    update_url = "shop:seller_asset_update"
    replace_url = "shop:seller_asset_replace"
    delete_url = "shop:seller_asset_delete"
    release_url = "shop:seller_release_update"
    preview_url = "shop:asset_preview_link"


class SellerAssetCreateView(IsSellerMixin, GenericAssetCreateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = AssetForm
    list_url = "shop:seller_assets"


class SellerAssetUpdateView(IsSellerMixin, GenericAssetUpdateView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = AssetForm
    list_url = "shop:seller_assets"


class SellerAssetReplaceView(IsSellerMixin, GenericAssetReplaceView):
    base_template = "shop/base.html"
    active_page = "seller"
    list_url = "shop:seller_assets"


class SellerAssetDeleteView(IsSellerMixin, GenericAssetDeleteView):
    base_template = "shop/base.html"
    active_page = "seller"
    list_url = "shop:seller_assets"


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
