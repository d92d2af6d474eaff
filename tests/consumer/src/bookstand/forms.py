"""Forms of bookstand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from django_digitalstore.catalog.forms import AbstractProductForm
from django_digitalstore.payments.forms import CheckoutForm

__all__ = ["AbstractBookForm", "BookCheckoutForm"]


class BookCheckoutForm(CheckoutForm):
    """Asks also for a dedication, which is printed into the book."""

    dedication = forms.CharField(max_length=200, required=False)


class AbstractBookForm(AbstractProductForm):
    """A book as its seller edits it."""

    isbn = forms.CharField(label="ISBN", max_length=20, required=False)

    class Meta(AbstractProductForm.Meta):
        fields = [*AbstractProductForm.Meta.fields, "isbn"]

    def clean_isbn(self) -> Any:
        """Take hyphens out; refuse what is no ISBN-13."""
        isbn = self.cleaned_data["isbn"].replace("-", "")
        if isbn and not (isbn.isdigit() and len(isbn) == 13):
            raise ValidationError("An ISBN has 13 digits.")
        return isbn
