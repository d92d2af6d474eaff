"""What people may change about themselves. Rights are never among it: the page refuses them."""

from django import forms
from django.contrib.auth import get_user_model

from django_digitalstore.accounts.forms import name_fields


class ProfileForm(forms.ModelForm):
    class Meta:
        model = get_user_model()
        fields = name_fields()  # or a list of yours, as in ["first_name", "last_name", "city"]
