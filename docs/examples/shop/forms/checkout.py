"""What a buyer tells us."""

from django import forms

from django_digitalstore.payments.forms import CheckoutForm as BaseCheckoutForm


class CheckoutForm(BaseCheckoutForm):
    dedication = forms.CharField(max_length=200, required=False)
