"""One's own account, in the customer's and in the seller's panel."""

from django_digitalstore.accounts.views import GenericPasswordChangeView, GenericUserProfileView
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin

from ..forms.accounts import ProfileForm


class ProfileView(IsCustomerMixin, GenericUserProfileView):
    base_template = "shop/base.html"
    active_page = "account"
    form_class = ProfileForm
    success_url = "shop:profile"
    password_url = "shop:password"


class PasswordView(IsCustomerMixin, GenericPasswordChangeView):
    base_template = "shop/base.html"
    active_page = "account"
    success_url = "shop:profile"


class SellerProfileView(IsSellerMixin, GenericUserProfileView):
    base_template = "shop/base.html"
    active_page = "seller"
    form_class = ProfileForm
    success_url = "shop:seller_profile"
    password_url = "shop:seller_password"


class SellerPasswordView(IsSellerMixin, GenericPasswordChangeView):
    base_template = "shop/base.html"
    active_page = "seller"
    success_url = "shop:seller_profile"
