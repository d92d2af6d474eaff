"""Forms of the support. What they say is checked by the flows, whose errors they show."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from django_digitalstore.core.forms import PriceField
from django_digitalstore.payments.abstract_models import new_payment_key

from .choices import Included, included_supports

__all__ = ["FilesField", "FilesInput", "SupportReplyForm", "SupportRequestForm", "SupportTermsForm"]


class FilesInput(forms.FileInput):
    """Lets a browser choose several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files: cleans to a list. How many and which is for the flow to say."""

    widget = FilesInput

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Return the files that came."""
        files = data if isinstance(data, (list, tuple)) else [data]
        # An empty file is the flow's to refuse, in the same words as elsewhere.
        return [file for file in files if file]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Tell whether any file came."""
        return bool(data)


class _FlowForm(forms.Form):
    """A form whose values a flow checks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})

    def take_errors(self, error: ValidationError) -> None:
        """Show what the flow refused at its field; above the form, what has none."""
        for field, errors in error.update_error_dict({}).items():
            known = field in self.fields and not self.fields[field].widget.is_hidden
            self.add_error(field if known else None, errors)


class SupportReplyForm(_FlowForm):
    """What somebody writes to a request. ``key`` is the form's own: a second click is the same."""

    body = forms.CharField(label=_("Message"), widget=forms.Textarea(attrs={"rows": 8}))
    files = FilesField(label=_("Files"), required=False)  # type: ignore[assignment]
    key = forms.CharField(widget=forms.HiddenInput, required=False, initial=new_payment_key)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        files: Any = self.fields["files"]
        most = settings.DIGITALSTORE_SUPPORT_ATTACHMENTS
        if not most:
            del self.fields["files"]
            return
        size = filesizeformat(settings.DIGITALSTORE_SUPPORT_ATTACHMENT_MAX_BYTES)
        files.help_text = ngettext(
            "At most %(most)d file, of %(size)s.", "At most %(most)d files, of %(size)s each.", most
        ) % {"most": most, "size": size}
        extensions = settings.DIGITALSTORE_SUPPORT_ATTACHMENT_EXTENSIONS
        if extensions is not None:
            files.widget.attrs["accept"] = ",".join(f".{extension}" for extension in extensions)

    def get_message(self) -> dict[str, Any]:
        """Return what the flows take: ``body``, ``files`` and ``key``."""
        return {
            "body": self.cleaned_data["body"],
            "files": self.cleaned_data.get("files", []),
            "key": self.cleaned_data["key"],
        }


class SupportRequestForm(SupportReplyForm):
    """What somebody asks."""

    subject = forms.CharField(label=_("What is it about?"), max_length=200)
    field_order = ["subject", "body", "files", "key"]


class SupportTermsForm(_FlowForm):
    """What support a product comes with, and what more of it costs, as its seller says.

    ``terms`` are those in force, or None. Amounts are in the product's currency.
    """

    included = forms.ChoiceField(
        label=_("Included support"),
        choices=included_supports,
        widget=forms.RadioSelect,
        help_text=_("What comes with the product. Who has bought keeps what they were promised."),
    )
    included_requests = forms.IntegerField(
        label=_("Requests"),
        min_value=1,
        required=False,
        help_text=_("Where a number of requests is included."),
    )
    included_days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        required=False,
        help_text=_("Where support is included for some days after the purchase."),
    )
    most_open = forms.IntegerField(
        label=_("Most open requests"),
        min_value=1,
        required=False,
        help_text=_("Of one customer at once. Empty: no limit."),
    )
    pack_price = PriceField(
        label=_("Price of a pack"), required=False, help_text=_("Empty: no packs are sold.")
    )
    pack_size = forms.IntegerField(label=_("Requests of a pack"), min_value=1, required=False)
    response_hours = forms.IntegerField(
        label=_("Answer within hours"),
        min_value=1,
        required=False,
        help_text=_("What you promise: buyers read it on the product’s page. Empty: nothing."),
    )

    def __init__(self, *args: Any, product: Any, terms: Any = None, **kwargs: Any) -> None:
        kwargs.setdefault("initial", self._initial(terms))
        super().__init__(*args, **kwargs)
        price: Any = self.fields["pack_price"]
        price.currency = product.currency
        price.label = _("Price of a pack in %(currency)s") % {"currency": product.currency}

    def _initial(self, terms: Any) -> dict[str, Any]:
        if terms is None:
            return {"included": Included.NONE, "most_open": 3}
        return {name: getattr(terms, name) for name in self.base_fields}
