"""Forms of the seller's pages. The host subclasses them and names its model.

``class ProductForm(AbstractProductForm): class Meta(AbstractProductForm.Meta): model = Product``
"""

from __future__ import annotations

from typing import Any

from babel.numbers import get_currency_name
from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ImproperlyConfigured, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError
from django.utils import timezone
from django.utils.text import capfirst, slugify
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.forms import PriceField
from django_digitalstore.core.money import CURRENCIES

from . import flows, get_category_model
from .choices import update_terms
from .exceptions import ProductNotReady
from .flows.rules import update_days_problem
from .upload_limits import extension_of, validate_extension, validate_size
from .uploads import UploadTicket
from .validators import clean_file_name

__all__ = [
    "AbstractAssetForm",
    "AbstractCategoryForm",
    "AbstractProductForm",
    "AbstractReleaseForm",
    "AssetForm",
    "AssetReplaceForm",
    "PricedForm",
    "ReleasePublishForm",
    "ReleaseYankForm",
    "currencies",
]


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
        fields = [
            "title",
            "slug",
            "summary",
            "description",
            "price",
            "currency",
            "categories",
            "updates",
            "update_days",
            "download_limit",
        ]
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
        updates = self.fields.get("updates")
        if isinstance(updates, forms.ChoiceField):
            updates.choices = [("", _("As the site says")), *update_terms()]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "update_days" in self.fields and not {"updates", "update_days"} & self.errors.keys():
            updates = cleaned.get("updates", self.instance.updates)
            problem = update_days_problem(updates, cleaned.get("update_days"))
            if problem:
                self.add_error("update_days", problem)
        return cleaned

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


class AbstractReleaseForm(_FlowForm):
    """A release as its seller edits it. ``product`` is what a new one is a version of.

    Its dates are no fields, and a subclass that adds them is refused.
    """

    decided = frozenset({"product", "published_at", "yanked_at", "yanked_reason", "notified_at"})

    class Meta:
        fields = ["version", "notes"]
        widgets = {"notes": forms.Textarea(attrs={"rows": 12})}
        help_texts = {
            "version": _("As owners see it, like 1.2. Each version of a product is another one."),
            "notes": _(
                "What is new, in Markdown: *emphasis*, **bold**, lists with -, "
                "[a link](https://…). Shown in the changelog. No images and no HTML."
            ),
        }

    def __init__(self, *args: Any, product: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.product = product

    def run_flow(self) -> None:
        """Save the release by ``flows.save_release``, in the seller's name."""
        flows.save_release(self.instance, actor=self.seller)


class ReleasePublishForm(forms.Form):
    """Asks when a release comes out."""

    at = forms.DateTimeField(
        label=_("When"),
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        text = _("Empty: now. Times are those of %(zone)s.")
        self.fields["at"].help_text = text % {"zone": timezone.get_current_timezone_name()}

    def clean_at(self) -> Any:
        """Refuse a time that has passed: it would be another date than owners remember."""
        at = self.cleaned_data["at"]
        if at is not None and at <= timezone.now():
            raise ValidationError(_("That time has passed. Leave it empty to publish now."))
        return at


class ReleaseYankForm(forms.Form):
    """Asks why a release is withdrawn."""

    reason = forms.CharField(
        label=_("Why"),
        help_text=_("Owners who ask for one of its files read it."),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


def _check_limits(form: forms.BaseForm) -> None:
    """Say in the form what the flow would refuse by the settings for uploads."""
    name, upload = form.cleaned_data.get("name"), form.cleaned_data.get("file")
    try:
        if name:
            validate_extension(name)
        if isinstance(upload, UploadedFile):
            validate_extension(str(upload.name))
            validate_size(str(upload.name), upload.size or 0)
    except ValidationError as error:
        form.add_error("file" if upload else "name", error)


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
        _check_limits(self)
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Save; a new file goes through ``flows.store_file``."""
        if not commit or self.errors or "file" not in self.changed_data:
            return super().save(commit)
        flows.store_file(self.instance, self.cleaned_data["file"])
        self._save_m2m()  # type: ignore[attr-defined]  # Django's own half of save()
        return self.instance


class DirectUploadFields(forms.Form):
    """What a browser says of the file that it is about to send straight to the storage."""

    upload_name = forms.CharField(max_length=1000)
    upload_size = forms.IntegerField(min_value=1)
    upload_sha256 = forms.RegexField(r"^[0-9a-f]{64}\Z")


class _TakesUpload(forms.BaseForm):
    """A form with a file that comes with the form, or, as ``direct``, is only announced by it.

    ``refusal`` is why the upload handler threw the file away: then the form has that error.
    """

    def __init__(
        self,
        *args: Any,
        seller: Any,
        direct: bool = False,
        refusal: ValidationError | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        self.seller = seller
        self.refusal = refusal
        self.is_direct = direct and "file" in self.fields
        if self.is_direct:
            del self.fields["file"]
            self.fields.update(DirectUploadFields().fields)

    @property
    def upload_name(self) -> str:
        """The name of the seller's file, as the browser tells it; "" where there is none."""
        data = self.cleaned_data
        return str(data.get("upload_name") or getattr(data.get("file"), "name", None) or "")

    def take_refusal(self) -> None:
        """Say why the file was refused, and nothing else: the rest may not have been read."""
        if self.refusal is not None:
            self.errors.clear()
            self.add_error("file", self.refusal)

    def take_errors(self, error: ValidationError) -> None:
        """Turn what a flow refused into errors of the form."""
        for field, errors in error.update_error_dict({}).items():
            self.add_error(field if field in self.fields else None, errors)


class AbstractAssetForm(_TakesUpload, forms.ModelForm):
    """A file of a release as its seller adds it, and as its seller edits it: then without upload.

    Release, state, size and hash are no fields. ``save()`` is ``flows.store_file`` or
    ``flows.save_file``; a direct upload is begun by ``start()``.
    """

    class Meta:
        fields = ["file", "name", "platform", "visibility", "position"]
        widgets = {"file": forms.FileInput}
        labels = {"file": _("File"), "name": _("Name")}
        help_texts = {
            "name": _("As owners see it. Empty: the name of your file."),
            "platform": _("Where it runs, like “Windows” or “macOS”. Empty: everywhere."),
            "position": _("Files with lower numbers come first."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            # New bytes for an old file are a step of their own, with its own page.
            self.fields.pop("file", None)
        for name in {"name", "position"} & set(self.fields):
            self.fields[name].required = False

    def clean_position(self) -> int:
        """Take an empty position as the first one."""
        return self.cleaned_data["position"] or 0

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "name" in self.fields and "name" not in self.errors:
            cleaned["name"] = clean_file_name(
                cleaned.get("name") or self.upload_name or self.instance.name
            )
            if not cleaned["name"] and "file" not in self.errors:
                self.add_error("name", _("Nothing is left of this name. Write a plain file name."))
        _check_limits(self)
        self.take_refusal()
        return cleaned

    def save(self, commit: bool = True) -> Any:
        """Save by the flow. Raises ``ProductNotReady``."""
        if not commit or self.errors:
            return super().save(commit)
        if "file" in self.fields:
            flows.store_file(self.instance, self.cleaned_data["file"], actor=self.seller)
        else:
            flows.save_file(self.instance, actor=self.seller)
        self._save_m2m()  # type: ignore[attr-defined]  # Django's own half of save()
        return self.instance

    def start(self) -> UploadTicket:
        """Save the asset as processing, and return the ticket for its bytes."""
        ticket = flows.start_upload(
            self.instance,
            size=self.cleaned_data["upload_size"],
            sha256=self.cleaned_data["upload_sha256"],
            actor=self.seller,
        )
        self._save_m2m()  # type: ignore[attr-defined]
        return ticket


class AssetReplaceForm(_TakesUpload, forms.Form):
    """New bytes for a file: name, platform and everything else stay."""

    file = forms.FileField(label=_("New file"))

    def __init__(self, *args: Any, instance: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance = instance
        extension = extension_of(instance.name)
        if extension and "file" in self.fields:
            self.fields["file"].widget.attrs["accept"] = f".{extension}"

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        _check_limits(self)
        name = self.upload_name
        if name and not self.errors and extension_of(name) != extension_of(self.instance.name):
            self.add_error(
                "file" if "file" in self.fields else None,
                _("“%(new)s” is of another kind than “%(old)s”. Add it as a file of its own.")
                % {"new": name, "old": self.instance.name},
            )
        self.take_refusal()
        return cleaned

    def save(self) -> Any:
        """Replace by ``flows.store_file``. Raises ``ProductNotReady``."""
        return flows.store_file(
            self.instance, self.cleaned_data["file"], actor=self.seller, keeps_rest=True
        )

    def start(self) -> tuple[str, UploadTicket]:
        """Return the new object's name, and the ticket for it."""
        return flows.start_replacement(
            self.instance,
            size=self.cleaned_data["upload_size"],
            sha256=self.cleaned_data["upload_sha256"],
            actor=self.seller,
        )
