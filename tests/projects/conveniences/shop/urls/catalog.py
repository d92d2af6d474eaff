"""URLs of the shop window and of the seller's panel."""

from django.urls import path

from ..views import catalog as views

urlpatterns = [
    path("", views.ProductListView.as_view(), name="product_list"),
    path("products/<slug:slug>/", views.ProductDetailView.as_view(), name="product_detail"),
    path(
        "products/<slug:slug>/changelog/",
        views.ProductChangelogView.as_view(),
        name="product_changelog",
    ),
    path("seller/", views.SellerProductListView.as_view(), name="seller_products"),
    path(
        "seller/products/new/",
        views.SellerProductCreateView.as_view(),
        name="seller_product_create",
    ),
    path(
        "seller/products/<slug:slug>/",
        views.SellerProductUpdateView.as_view(),
        name="seller_product_update",
    ),
    path(
        "seller/products/<slug:slug>/publish/",
        views.SellerProductPublishView.as_view(),
        name="seller_product_publish",
    ),
    path(
        "seller/products/<slug:slug>/archive/",
        views.SellerProductArchiveView.as_view(),
        name="seller_product_archive",
    ),
    path(
        "seller/products/<slug:slug>/releases/",
        views.SellerReleaseListView.as_view(),
        name="seller_releases",
    ),
    path(
        "seller/products/<slug:slug>/releases/new/",
        views.SellerReleaseCreateView.as_view(),
        name="seller_release_create",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/",
        views.SellerReleaseUpdateView.as_view(),
        name="seller_release_update",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/publish/",
        views.SellerReleasePublishView.as_view(),
        name="seller_release_publish",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/unschedule/",
        views.SellerReleaseUnscheduleView.as_view(),
        name="seller_release_unschedule",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/yank/",
        views.SellerReleaseYankView.as_view(),
        name="seller_release_yank",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/unyank/",
        views.SellerReleaseUnyankView.as_view(),
        name="seller_release_unyank",
    ),
    path(
        "seller/products/<slug:slug>/releases/<pk>/delete/",
        views.SellerReleaseDeleteView.as_view(),
        name="seller_release_delete",
    ),
    path(
        "seller/releases/<pk>/files/", views.SellerAssetListView.as_view(), name="seller_assets"
    ),
    path(
        "seller/releases/<pk>/files/new/",
        views.SellerAssetCreateView.as_view(),
        name="seller_asset_create",
    ),
    path("seller/files/<pk>/", views.SellerAssetUpdateView.as_view(), name="seller_asset_update"),
    path(
        "seller/files/<pk>/replace/",
        views.SellerAssetReplaceView.as_view(),
        name="seller_asset_replace",
    ),
    path(
        "seller/files/<pk>/delete/",
        views.SellerAssetDeleteView.as_view(),
        name="seller_asset_delete",
    ),
    path("seller/categories/", views.SellerCategoryListView.as_view(), name="seller_categories"),
    path(
        "seller/categories/new/",
        views.SellerCategoryCreateView.as_view(),
        name="seller_category_create",
    ),
    path(
        "seller/categories/<slug:slug>/",
        views.SellerCategoryUpdateView.as_view(),
        name="seller_category_update",
    ),
    path(
        "seller/categories/<slug:slug>/delete/",
        views.SellerCategoryDeleteView.as_view(),
        name="seller_category_delete",
    ),
]
