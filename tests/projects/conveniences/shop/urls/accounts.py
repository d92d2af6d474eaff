"""URLs of one's own account."""

from django.urls import path

from ..views import accounts as views

urlpatterns = [
    path("account/", views.ProfileView.as_view(), name="profile"),
    path("account/password/", views.PasswordView.as_view(), name="password"),
    path("seller/account/", views.SellerProfileView.as_view(), name="seller_profile"),
    path("seller/account/password/", views.SellerPasswordView.as_view(), name="seller_password"),
]
