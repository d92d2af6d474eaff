"""A host's pages of the catalog, each a subclass of a generic view."""

from __future__ import annotations

from django.conf import settings

from django_digitalstore.catalog import (
    get_asset_model,
    get_category_model,
    get_product_model,
    get_release_model,
    views,
)
from django_digitalstore.catalog.forms import (
    AbstractAssetForm,
    AbstractCategoryForm,
    AbstractProductForm,
    AbstractReleaseForm,
)
from django_digitalstore.core.views import IsSellerMixin

#: Namespace of the URLs: the label of the host's app.
STORE = settings.DIGITALSTORE_STORE_APP


class ProductForm(AbstractProductForm):
    class Meta(AbstractProductForm.Meta):
        model = get_product_model()


class CategoryForm(AbstractCategoryForm):
    class Meta(AbstractCategoryForm.Meta):
        model = get_category_model()


class AssetForm(AbstractAssetForm):
    class Meta(AbstractAssetForm.Meta):
        model = get_asset_model()


class ReleaseForm(AbstractReleaseForm):
    class Meta(AbstractReleaseForm.Meta):
        model = get_release_model()


class ShopPage:
    base_template = "base.html"
    active_page = "shop"


class ProductList(ShopPage, views.GenericProductListView):
    pass


class ProductDetail(ShopPage, views.GenericProductDetailView):
    checkout_url = "/checkout/"
    list_url = f"{STORE}:product_list"
    changelog_url = f"{STORE}:product_changelog"


class ProductDetailWithoutCheckout(ProductDetail):
    checkout_url = ""
    changelog_url = None


class ProductChangelog(ShopPage, views.GenericProductChangelogView):
    pass


class OpenChangelog(ProductChangelog):
    """One that lets the visitors named here see what is not for sale."""

    def may_see(self, product):
        return self.request.user.get_username().startswith("customer")


class SellerPage(IsSellerMixin):
    base_template = "base.html"
    active_page = "seller"


class SellerProducts(SellerPage, views.GenericSellerProductListView):
    create_url = f"{STORE}:seller_product_create"
    update_url = f"{STORE}:seller_product_update"
    publish_url = f"{STORE}:seller_product_publish"
    archive_url = f"{STORE}:seller_product_archive"
    releases_url = f"{STORE}:seller_releases"


class ProductCreate(SellerPage, views.GenericProductCreateView):
    form_class = ProductForm
    success_url = f"{STORE}:seller_products"


class ProductUpdate(SellerPage, views.GenericProductUpdateView):
    form_class = ProductForm
    success_url = f"{STORE}:seller_products"
    releases_url = f"{STORE}:seller_releases"


class ProductPublish(IsSellerMixin, views.GenericProductPublishView):
    success_url = f"{STORE}:seller_products"


class ProductArchive(IsSellerMixin, views.GenericProductArchiveView):
    success_url = f"{STORE}:seller_products"


class SellerCategories(SellerPage, views.GenericCategoryListView):
    create_url = f"{STORE}:seller_category_create"
    update_url = f"{STORE}:seller_category_update"
    delete_url = f"{STORE}:seller_category_delete"


class CategoryCreate(SellerPage, views.GenericCategoryCreateView):
    form_class = CategoryForm
    success_url = f"{STORE}:seller_categories"


class CategoryUpdate(SellerPage, views.GenericCategoryUpdateView):
    form_class = CategoryForm
    success_url = f"{STORE}:seller_categories"


class CategoryDelete(SellerPage, views.GenericCategoryDeleteView):
    success_url = f"{STORE}:seller_categories"


class SellerAssets(SellerPage, views.GenericAssetListView):
    create_url = f"{STORE}:seller_asset_create"
    update_url = f"{STORE}:seller_asset_update"
    replace_url = f"{STORE}:seller_asset_replace"
    delete_url = f"{STORE}:seller_asset_delete"
    release_url = f"{STORE}:seller_release_update"


class AssetCreate(SellerPage, views.GenericAssetCreateView):
    form_class = AssetForm
    list_url = f"{STORE}:seller_assets"


class AssetUpdate(SellerPage, views.GenericAssetUpdateView):
    form_class = AssetForm
    list_url = f"{STORE}:seller_assets"


class AssetReplace(SellerPage, views.GenericAssetReplaceView):
    list_url = f"{STORE}:seller_assets"


class AssetDelete(SellerPage, views.GenericAssetDeleteView):
    list_url = f"{STORE}:seller_assets"


class ReleaseUrls:
    products_url = f"{STORE}:seller_products"
    releases_url = f"{STORE}:seller_releases"
    create_url = f"{STORE}:seller_release_create"
    update_url = f"{STORE}:seller_release_update"
    publish_url = f"{STORE}:seller_release_publish"
    unschedule_url = f"{STORE}:seller_release_unschedule"
    yank_url = f"{STORE}:seller_release_yank"
    unyank_url = f"{STORE}:seller_release_unyank"
    delete_url = f"{STORE}:seller_release_delete"
    files_url = f"{STORE}:seller_assets"


class SellerReleases(ReleaseUrls, SellerPage, views.GenericSellerReleaseListView):
    pass


class ReleaseCreate(ReleaseUrls, SellerPage, views.GenericReleaseCreateView):
    form_class = ReleaseForm


class ReleaseUpdate(ReleaseUrls, SellerPage, views.GenericReleaseUpdateView):
    form_class = ReleaseForm
    more_urls = {"elsewhere": f"{STORE}:seller_release_yank"}


class ReleasePublish(ReleaseUrls, SellerPage, views.GenericReleasePublishView):
    pass


class ReleaseUnschedule(ReleaseUrls, IsSellerMixin, views.GenericReleaseUnscheduleView):
    pass


class ReleaseYank(ReleaseUrls, SellerPage, views.GenericReleaseYankView):
    pass


class ReleaseUnyank(ReleaseUrls, IsSellerMixin, views.GenericReleaseUnyankView):
    pass


class ReleaseDelete(ReleaseUrls, SellerPage, views.GenericReleaseDeleteView):
    pass
