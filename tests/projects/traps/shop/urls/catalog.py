"""URLs of the shop window and of the seller's panel."""

from django.urls import path

from ..views import catalog as views

urlpatterns = [
    path("", views.ProductListView.as_view(), name="product_list"),
    path("products/<slug:slug>/", views.ProductDetailView.as_view(), name="product_detail"),
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
