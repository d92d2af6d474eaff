"""The site that short links are tested on: subclasses of the generic views, routed."""

from django.contrib.admin import AdminSite
from django.http import HttpResponse
from django.urls import include, path

from django_digitalstore.contrib.shorturls import admin, views
from django_digitalstore.contrib.shorturls.models import ShortLink, ShortLinkDay, ShortLinkOrder
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin
from django_digitalstore.payments.views import GenericCheckoutView

site = AdminSite()
site.register(ShortLink, admin.ShortLinkAdmin)
site.register(ShortLinkDay, admin.ShortLinkDayAdmin)
site.register(ShortLinkOrder, admin.ShortLinkOrderAdmin)


class ListView(IsSellerMixin, views.GenericShortLinkListView):
    base_template = "base.html"
    active_page = "seller"
    create_url = "shop:seller_link_create"
    detail_url = "shop:seller_link"


class DetailView(IsSellerMixin, views.GenericShortLinkDetailView):
    base_template = "base.html"
    active_page = "seller"
    list_url = "shop:seller_links"
    update_url = "shop:seller_link_update"
    switch_url = "shop:seller_link_switch"
    order_url = "shop:order_detail"


class CreateView(IsSellerMixin, views.GenericShortLinkCreateView):
    base_template = "base.html"
    active_page = "seller"
    detail_url = "shop:seller_link"
    list_url = "shop:seller_links"


class UpdateView(IsSellerMixin, views.GenericShortLinkUpdateView):
    base_template = "base.html"
    active_page = "seller"
    detail_url = "shop:seller_link"
    list_url = "shop:seller_links"


class SwitchView(IsSellerMixin, views.GenericShortLinkSwitchView):
    detail_url = "shop:seller_link"
    list_url = "shop:seller_links"


class CheckoutView(views.AttributesLinksMixin, IsCustomerMixin, GenericCheckoutView):
    base_template = "base.html"
    active_page = "shop"
    return_url = "shop:order_return"
    cancel_url = "shop:order_detail"
    owned_url = "shop:library"


def page(request, *args, **kwargs):
    return HttpResponse(request.get_full_path())


shop = [
    path("", page, name="product_list"),
    path("library/", page, name="library"),
    path("products/<slug:slug>/", page, name="product_detail"),
    path("checkout/", CheckoutView.as_view(), name="checkout"),
    path("orders/<str:public_id>/", page, name="order_detail"),
    path("orders/<str:public_id>/return/", page, name="order_return"),
    path("seller/links/", ListView.as_view(), name="seller_links"),
    path("seller/links/new/", CreateView.as_view(), name="seller_link_create"),
    path("seller/links/at/<slug:code>/", DetailView.as_view(), name="seller_link"),
    path("seller/links/at/<slug:code>/edit/", UpdateView.as_view(), name="seller_link_update"),
    path("seller/links/at/<slug:code>/switch/", SwitchView.as_view(), name="seller_link_switch"),
]

urlpatterns = [
    path("admin/", site.urls),
    path("accounts/", include("django.contrib.auth.urls")),
    path("store/", include("django_digitalstore.urls")),
    path("", include((shop, "shop"))),
]
