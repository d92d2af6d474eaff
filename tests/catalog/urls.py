"""The catalog's pages, routed as startstore routes them, and an admin of their own."""

from django.contrib.admin import AdminSite
from django.urls import include, path

from django_digitalstore.catalog import admin as catalog_admin
from django_digitalstore.catalog import (
    get_asset_model,
    get_category_model,
    get_product_model,
    get_release_model,
)
from tests.catalog import shop
from tests.catalog.direct_storage import receive

site = AdminSite(name="catalog_admin")


class AssetInline(catalog_admin.AbstractAssetInline):
    model = get_asset_model()


class ReleaseAdmin(catalog_admin.AbstractReleaseAdmin):
    inlines = [AssetInline]


site.register(get_category_model(), catalog_admin.AbstractCategoryAdmin)
site.register(get_product_model(), catalog_admin.AbstractProductAdmin)
site.register(get_release_model(), ReleaseAdmin)

RELEASES = "seller/products/<slug:slug>/releases/"

pages = [
    path("", shop.ProductList.as_view(), name="product_list"),
    path("products/<slug:slug>/", shop.ProductDetail.as_view(), name="product_detail"),
    path("free/<slug:slug>/", shop.ProductDetailWithoutCheckout.as_view(), name="without_checkout"),
    path(
        "products/<slug:slug>/changelog/", shop.ProductChangelog.as_view(), name="product_changelog"
    ),
    path("open/<slug:slug>/changelog/", shop.OpenChangelog.as_view(), name="open_changelog"),
    path("seller/", shop.SellerProducts.as_view(), name="seller_products"),
    path("seller/products/new/", shop.ProductCreate.as_view(), name="seller_product_create"),
    path(
        "seller/products/<slug:slug>/", shop.ProductUpdate.as_view(), name="seller_product_update"
    ),
    path(
        "seller/products/<slug:slug>/publish/",
        shop.ProductPublish.as_view(),
        name="seller_product_publish",
    ),
    path(
        "seller/products/<slug:slug>/archive/",
        shop.ProductArchive.as_view(),
        name="seller_product_archive",
    ),
    path(f"{RELEASES}", shop.SellerReleases.as_view(), name="seller_releases"),
    path(f"{RELEASES}new/", shop.ReleaseCreate.as_view(), name="seller_release_create"),
    path(f"{RELEASES}<pk>/", shop.ReleaseUpdate.as_view(), name="seller_release_update"),
    path(f"{RELEASES}<pk>/publish/", shop.ReleasePublish.as_view(), name="seller_release_publish"),
    path(
        f"{RELEASES}<pk>/unschedule/",
        shop.ReleaseUnschedule.as_view(),
        name="seller_release_unschedule",
    ),
    path(f"{RELEASES}<pk>/yank/", shop.ReleaseYank.as_view(), name="seller_release_yank"),
    path(f"{RELEASES}<pk>/unyank/", shop.ReleaseUnyank.as_view(), name="seller_release_unyank"),
    path(f"{RELEASES}<pk>/delete/", shop.ReleaseDelete.as_view(), name="seller_release_delete"),
    path("seller/categories/", shop.SellerCategories.as_view(), name="seller_categories"),
    path("seller/categories/new/", shop.CategoryCreate.as_view(), name="seller_category_create"),
    path(
        "seller/categories/<slug:slug>/",
        shop.CategoryUpdate.as_view(),
        name="seller_category_update",
    ),
    path(
        "seller/categories/<slug:slug>/delete/",
        shop.CategoryDelete.as_view(),
        name="seller_category_delete",
    ),
    path("seller/releases/<pk>/files/", shop.SellerAssets.as_view(), name="seller_assets"),
    path("seller/releases/<pk>/files/new/", shop.AssetCreate.as_view(), name="seller_asset_create"),
    path("seller/files/<pk>/", shop.AssetUpdate.as_view(), name="seller_asset_update"),
    path("seller/files/<pk>/replace/", shop.AssetReplace.as_view(), name="seller_asset_replace"),
    path("seller/files/<pk>/delete/", shop.AssetDelete.as_view(), name="seller_asset_delete"),
]

urlpatterns = [
    path("admin/", site.urls),
    path("bucket/", receive),
    path("accounts/", include("django.contrib.auth.urls")),
    path("", include((pages, shop.STORE))),
]
