"""A site around the entitlements' views: what a host writes, as short as it gets."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import include, path
from django.views.generic import View

from django_digitalstore.catalog import get_product_model, get_release_model
from django_digitalstore.catalog.admin import AbstractReleaseAdmin
from django_digitalstore.catalog.views import (
    GenericAssetListView,
    GenericProductDetailView,
    GenericProductListView,
)
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.entitlements import (
    get_download_model,
    get_grant_model,
    get_purchased_product_model,
)
from django_digitalstore.entitlements.admin import (
    NOTIFY_OWNERS,
    AbstractDownloadAdmin,
    AbstractGrantAdmin,
    AbstractPurchasedProductAdmin,
    ReleaseNoticeOptOutAdmin,
)
from django_digitalstore.entitlements.decorators import requires_product
from django_digitalstore.entitlements.mixins import OwnershipMixin, RequiresProductMixin
from django_digitalstore.entitlements.models import ReleaseNoticeOptOut
from django_digitalstore.entitlements.views import (
    GenericAssetPreviewLinkView,
    GenericAssetPreviewView,
    GenericDownloadLinkView,
    GenericDownloadResetView,
    GenericDownloadView,
    GenericMyProductListView,
    GenericMyReleaseListView,
    GenericReleaseNotifyView,
    GenericSampleView,
    GenericSellerDownloadListView,
    GenericUnsubscribeView,
)

STORE = settings.DIGITALSTORE_STORE_APP


class Library(IsCustomerMixin, GenericMyProductListView):
    base_template = "base.html"
    active_page = "library"
    download_url = f"{STORE}:download_link"
    releases_url = f"{STORE}:library_releases"


class LibraryReleases(IsCustomerMixin, GenericMyReleaseListView):
    base_template = "base.html"
    active_page = "library"
    download_url = f"{STORE}:download_link"
    library_url = f"{STORE}:library"


class DownloadLink(IsCustomerMixin, GenericDownloadLinkView):
    base_template = "base.html"
    active_page = "library"
    redeem_url = f"{STORE}:download"
    library_url = f"{STORE}:library"


class Download(IsCustomerMixin, GenericDownloadView):
    base_template = "base.html"
    active_page = "library"
    download_url = f"{STORE}:download_link"
    library_url = f"{STORE}:library"


class ReleaseNotify(IsSellerMixin, GenericReleaseNotifyView):
    releases_url = f"{STORE}:seller_releases"


class Unsubscribe(GenericUnsubscribeView):
    base_template = "base.html"
    active_page = "library"


class PreviewLink(IsSellerMixin, GenericAssetPreviewLinkView):
    base_template = "base.html"
    active_page = "seller"
    redeem_url = f"{STORE}:asset_preview"
    back_url = f"{STORE}:product_list"


class ReleaseFiles(IsSellerMixin, GenericAssetListView):
    base_template = "base.html"
    active_page = "seller"
    # None of these pages is asked for here: any name that takes a key does.
    create_url = update_url = replace_url = delete_url = f"{STORE}:sample"
    preview_url = f"{STORE}:asset_preview_link"


class Preview(IsSellerMixin, GenericAssetPreviewView):
    base_template = "base.html"
    active_page = "seller"
    preview_url = f"{STORE}:asset_preview_link"
    back_url = f"{STORE}:product_list"


class Sample(GenericSampleView):
    pass


class SellerDownloads(IsSellerMixin, GenericSellerDownloadListView):
    base_template = "base.html"
    active_page = "seller"
    reset_url = f"{STORE}:seller_download_reset"


class DownloadReset(IsSellerMixin, GenericDownloadResetView):
    base_template = "base.html"
    active_page = "seller"
    success_url = f"{STORE}:seller_downloads"


class Products(OwnershipMixin, GenericProductListView):
    base_template = "base.html"
    active_page = "shop"


class ProductDetail(OwnershipMixin, GenericProductDetailView):
    base_template = "base.html"
    active_page = "shop"
    checkout_url = "/buy/"
    extra_context = {"library_url": "/library/"}
    sample_url = f"{STORE}:sample"


def page(request, slug=""):
    return HttpResponse(f"page {slug}")


@requires_product()
def lesson(request, slug):
    return HttpResponse("the lesson")


@transaction.non_atomic_requests  # Django has no transactions for async views
@requires_product()
async def async_lesson(request, slug):
    return HttpResponse("the async lesson")


@requires_product(
    lambda request, title: get_product_model().objects.get(title=title),
    on_not_entitled=lambda request, product: redirect(f"/products/{product.slug}/"),
)
def chapter(request, title):
    return HttpResponse("the chapter")


class Lesson(RequiresProductMixin, View):
    def get(self, request, slug):
        return HttpResponse(f"lesson of {self.required_product}")


class ShyLesson(Lesson):
    def handle_not_entitled(self, product):
        return redirect(f"/products/{product.slug}/")


# @requires_product without parentheses: the mistake that a test makes.
bare = requires_product(page)


class ReleaseAdmin(AbstractReleaseAdmin):
    reasoned_actions: ClassVar[Any] = {
        **AbstractReleaseAdmin.reasoned_actions,
        "notify_owners": NOTIFY_OWNERS,
    }


site = admin.AdminSite(name="admin")
site.register(get_user_model(), admin.ModelAdmin)
site.register(get_product_model(), admin.ModelAdmin)
site.register(get_release_model(), ReleaseAdmin)
site.register(get_purchased_product_model(), AbstractPurchasedProductAdmin)
site.register(get_grant_model(), AbstractGrantAdmin)
site.register(get_download_model(), AbstractDownloadAdmin)
site.register(ReleaseNoticeOptOut, ReleaseNoticeOptOutAdmin)

store = [
    path("", Products.as_view(), name="product_list"),
    path("products/<slug:slug>/", ProductDetail.as_view(), name="product_detail"),
    path("library/", Library.as_view(), name="library"),
    path("library/<slug:slug>/", LibraryReleases.as_view(), name="library_releases"),
    path("samples/<pk>/", Sample.as_view(), name="sample"),
    path("seller/assets/<pk>/preview/", PreviewLink.as_view(), name="asset_preview_link"),
    path("seller/releases/<pk>/files/", ReleaseFiles.as_view(), name="seller_assets"),
    path("previews/<str:token>/", Preview.as_view(), name="asset_preview"),
    path("seller/downloads/", SellerDownloads.as_view(), name="seller_downloads"),
    path("seller/downloads/<pk>/reset/", DownloadReset.as_view(), name="seller_download_reset"),
    path("downloads/assets/<pk>/", DownloadLink.as_view(), name="download_link"),
    path("downloads/<str:token>/", Download.as_view(), name="download"),
    path("seller/<slug:slug>/", page, name="seller_releases"),
    path("seller/<slug:slug>/<pk>/notify/", ReleaseNotify.as_view(), name="seller_release_notify"),
    path("unsubscribe/<str:token>/", Unsubscribe.as_view(), name="unsubscribe"),
]

urlpatterns = [
    path("admin/", site.urls),
    path("lessons/<slug:slug>/", lesson),
    path("async-lessons/<slug:slug>/", async_lesson),
    path("chapters/<str:title>/", chapter),
    path("class-lessons/<slug:slug>/", Lesson.as_view()),
    path("shy-lessons/<slug:slug>/", ShyLesson.as_view()),
    path("bare/<slug:slug>/", bare),
    path("", include((store, STORE))),
]
