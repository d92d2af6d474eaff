"""A host's pages of one's own account."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model

from django_digitalstore.accounts import views
from django_digitalstore.core.views import IsCustomerMixin, IsSellerMixin

STORE = settings.DIGITALSTORE_STORE_APP


class ProfileForm(forms.ModelForm):
    class Meta:
        model = get_user_model()
        fields = ["email"]


class TooMuchForm(forms.ModelForm):
    class Meta:
        model = get_user_model()
        fields = ["email", "is_staff", "is_superuser"]


class Profile(IsCustomerMixin, views.GenericUserProfileView):
    base_template = "base.html"
    active_page = "account"
    form_class = ProfileForm
    success_url = f"{STORE}:profile"
    password_url = f"{STORE}:password"


class SellerProfile(IsSellerMixin, views.GenericUserProfileView):
    base_template = "base.html"
    active_page = "seller"
    form_class = ProfileForm
    success_url = f"{STORE}:seller_profile"


class TooMuchProfile(Profile):
    form_class = TooMuchForm


class Password(IsCustomerMixin, views.GenericPasswordChangeView):
    base_template = "base.html"
    active_page = "account"
    success_url = f"{STORE}:profile"
