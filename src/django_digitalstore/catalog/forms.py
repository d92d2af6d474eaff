"""Forms of the seller's pages. The host subclasses them and names its model.

``class ProductForm(AbstractProductForm): class Meta(AbstractProductForm.Meta): model = Product``
"""

from __future__ import annotations

from typing import Any

from babel.numbers import get_currency_name
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ImproperlyConfigured, ValidationError
from django.db import IntegrityError
from django.utils.text import capfirst, slugify
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.forms import PriceField
from django_digitalstore.core.money import CURRENCIES

from . import flows, get_category_model
from .exceptions import ProductNotReady
from .validators import clean_file_name

__all__ = ["AbstractCategoryForm", "AbstractProductForm", "AssetForm", "PricedForm", "currencies"]


def currencies() -> list[tuple[str, str]]:
    """Return the choices of a currency in the active language, as in ("EUR", "EUR – Euro")."""
    language = (get_language() or "en").partition("-")[0]
    return [(code, f"{code} – {_currency_name(code, language)}") for code in sorted(CURRENCIES)]


def _currency_name(code: str, language: str) -> str:
    try:
        return get_currency_name(code, locale=language)
    except (LookupError, ValueError):
        return code


class PricedForm(forms.ModelForm):
    """Reads the price in the major units of the currency that the form chooses.

    ``currency = None`` in a subclass takes the choice away: the product keeps its currency.
    """

    price = PriceField(label=_("Price"), help_text=_("As people write it, like 19.99. 0 is free."))
    currency = forms.ChoiceField(label=_("Currency"), choices=currencies)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        price = self.fields.get("price")
        if not isinstance(price, PriceField):
            return
        chosen = self.instance.currency
        # A field that a form declares itself does not take the default of its model's column.
        self.initial.setdefault("currency", chosen)
        if self.is_bound and "currency" in self.fields:
            # An unknown one is refused by its own field; the price then waits for the next try.
            chosen = self.data.get(self.add_prefix("currency"), "")
        price.currency = chosen if chosen in CURRENCIES else None
        # The browser must not refuse the decimals of a currency that is chosen after loading.
        price.widget.attrs["step"] = "any"


class _FlowForm(forms.ModelForm):
    """A form of the seller's pages, whose ``save()`` is a flow in the seller's name."""

    #: Fields that the page or a flow decides: a form never has them.
    decided: frozenset[str] = frozenset({"seller"})

    def __init__(self, *args: Any, seller: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        wrong = sorted(self.decided & set(self.fields))
        if wrong:
            name = type(self).__name__
            raise ImproperlyConfigured(
                f"{name} has the field {wrong[0]!r}, which never comes from a request. Remove "
                f"{wrong[0]!r} from {name}.Meta.fields."
            )
        self.seller = seller

    def run_flow(self) -> None:
        """Call the flow that saves the instance. Hook."""
        raise NotImplementedError(f"{type(self).__name__} must implement run_flow().")

    def save(self, commit: bool = True) -> Any:
        """Save by the flow. Raises ``ProductNotReady``, and ``IntegrityError`` in a race."""
        if not commit:
            return super().save(commit=False)
        if self.errors:
            return super().save()  # Django's own error, which names what is wrong
        self.run_flow()
        self._save_m2m()  # type: ignore[attr-defined]  # Django's own half of save()
        return self.instance

    def try_to_save(self) -> bool:
        """Save; turn what the flow or a race for the same slug refuses into errors of the form."""
        try:
            self.save()
        except ProductNotReady as error:
            self._take_errors(error)
        except IntegrityError:
            try:
                self.instance.validate_unique()
            except ValidationError as error:
                self._take_errors(error)
            else:
                raise
        return not self.errors

    def _take_errors(self, error: ValidationError) -> None:
        columns = {field.name: field for field in self.instance._meta.fields}
        for field, errors in error.update_error_dict({}).items():
            if field in self.fields or field == NON_FIELD_ERRORS:
                self.add_error(field, errors)
                continue
            # Above the form nothing else says what the error is about.
            name = capfirst(columns[field].verbose_name) if field in columns else field
            for message in ValidationError(errors).messages:
                self.add_error(None, f"{name}: {message}")


class _SellersForm(_FlowForm):
    """What the forms of products and categories share: a seller, and a slug made of the name."""

    #: The field that the slug is made of where it is left empty.
    slug_source = "title"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.seller = self.seller
        if "slug" in self.fields:
            self.fields["slug"].required = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "slug" in self.fields and "slug" not in self.errors and not cleaned.get("slug"):
            length = self._meta.model._meta.get_field("slug").max_length
            slug = slugify(cleaned.get(self.slug_source, ""))[:length].strip("-")
            if slug:
                cleaned["slug"] = slug
            elif self.slug_source not in self.errors:
                self.add_error(
                    "slug", _("Nothing could be made of the title. Write letters, digits, hyphens.")
                )
        return cleaned


class AbstractProductForm(_SellersForm, PricedForm):
    """A product as its seller edits it. ``seller`` is whom a new one belongs to.

    Seller, status and publication date are no fields, and a subclass that adds them is refused.
    Only the site's categories and the seller's own can be chosen.
    """

    decided = frozenset({"seller", "status", "published_at"})

    class Meta:
        fields = ["title", "slug", "summary", "description", "price", "currency", "categories"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 10}),
            "categories": forms.CheckboxSelectMultiple,
        }
        help_texts = {"slug": _("The last part of the page's address. Empty: made of the title.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        categories = self.fields.get("categories")
        if isinstance(categories, forms.ModelMultipleChoiceField):
            categories.queryset = get_category_model().objects.usable_by(self.seller)

    def run_flow(self) -> None:
        """Save the product by ``flows.save_product``, in the seller's name."""
        flows.save_product(
            self.instance, categories=self.cleaned_data.get("categories"), actor=self.seller
        )


class AbstractCategoryForm(_SellersForm):
    """A category as its seller edits it."""

    slug_source = "name"

    class Meta:
        fields = ["name", "slug", "description", "position"]
        help_texts = {
            "slug": _("The category's name in addresses. Empty: made of the name."),
            "position": _("Categories with lower numbers come first."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "position" in self.fields:
            self.fields["position"].required = False

    def clean_position(self) -> int:
        """Take an empty position as the first one."""
        return self.cleaned_data["position"] or 0

    def run_flow(self) -> None:
        """Save the category by ``flows.save_category``, in the seller's name."""
        flows.save_category(self.instance, actor=self.seller)


class AssetForm(forms.ModelForm):
    """A file of a release in the admin: size and hash are computed, the name is cleaned."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "name" in self.fields:
            self.fields["name"].required = False
            self.fields["name"].help_text = _("As owners see it. Empty: the name of the upload.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "name" in self.fields and "name" not in self.errors:
            upload = cleaned.get("file")
            name = cleaned.get("name") or getattr(upload, "name", "") or ""
            cleaned["name"] = clean_file_name(name)
            if upload and not cleaned["name"]:
                self.add_error("name", _("Nothing is left of this name. Write a plain file name."))
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Save; a new file goes through ``flows.store_file``."""
        if not commit or self.errors or "file" not in self.changed_data:
            return super().save(commit)
        flows.store_file(self.instance, self.cleaned_data["file"])
        self._save_m2m()  # type: ignore[attr-defined]  # Django's own half of save()
        return self.instance
