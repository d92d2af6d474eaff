"""The form of a short link: a product or an address, as the seller chooses."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_digitalstore.catalog import get_product_model

from . import flows, policies, targets
from .choices import TargetKind
from .exceptions import LinkRefused
from .models import ShortLink

__all__ = ["SavesByFlowMixin", "ShortLinkForm"]

#: Column of the table → field of the form that it comes from.
_FIELD_OF = {"product_key": "product", "path": "address", "url": "address", "target_kind": None}


class SavesByFlowMixin(forms.BaseForm):
    """What the form of sellers and that of staff share: a flow validates and saves."""

    #: The link that the form is about; None makes a new one.
    link: Any

    def clean_code(self) -> str:
        """Say what is wrong with a code before anything is tried."""
        code: str = self.cleaned_data["code"]
        problem = policies.problem_of_code(code) if code else ""
        if problem:
            raise forms.ValidationError(problem)
        return code

    def clean_address(self) -> str:
        """Take an address of this site, which people copy whole, as its path."""
        return targets.without_site(self.cleaned_data["address"])

    def get_target(self) -> dict[str, Any]:
        """Return what the link leads to, as the flows take it."""
        address = self.cleaned_data["address"]
        kind = "path" if address.startswith("/") else "url"
        return {"product": self.cleaned_data["product"], kind: address}

    def save_by_flow(self, *, owner: Any, actor: Any) -> Any:
        """Return the link as it is saved; what the flow refuses becomes errors of the form."""
        fields = {
            **self.get_target(),
            "label": self.cleaned_data["label"],
            "actor": actor,
        }
        # A time that was left as it is has seconds, which the form does not show.
        if self.link is None or "expires_at" in self.changed_data:
            fields["expires_at"] = self.cleaned_data["expires_at"]
        try:
            if self.link is not None:
                return flows.change_link(self.link, **fields)
            return flows.create_link(owner=owner, code=self.cleaned_data["code"], **fields)
        except LinkRefused as error:
            for field, errors in error.update_error_dict({}).items():
                name = _FIELD_OF.get(field, field)
                self.add_error(name if name in self.fields else None, errors)
            return self.link


class ShortLinkForm(SavesByFlowMixin, forms.Form):
    """A short link as its seller edits it; ``try_to_save()`` is a flow in the seller's name.

    The code of a link that is there stays: it is printed somewhere. ``link`` None makes a new one.
    """

    product: Any = forms.ModelChoiceField(
        queryset=None, required=False, label=_("Product"), empty_label=_("None of them")
    )
    address = forms.CharField(required=False, max_length=2000, label=_("Or an address"))
    code = forms.CharField(
        required=False,
        max_length=64,
        label=pgettext_lazy("of a short link", "Code"),
        help_text=_("What the link ends with, as in summer-sale. Empty: one is made."),
    )
    label = forms.CharField(
        required=False, max_length=100, label=_("Label"), help_text=_("Only you read it.")
    )
    expires_at = forms.DateTimeField(
        required=False,
        label=_("Expires"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def __init__(
        self, *args: Any, seller: Any, link: ShortLink | None = None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("label_suffix", "")
        if link is not None:
            kwargs["initial"] = {**self._initial_of(link), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.seller = seller
        self.link = link
        product: Any = self.fields["product"]
        product.queryset = get_product_model()._default_manager.filter(seller=seller)
        hosts = ", ".join(settings.DIGITALSTORE_SHORTURLS_HOSTS)
        self.fields["address"].help_text = (
            _("A page of this site, as in /products/, or one of %(hosts)s.") % {"hosts": hosts}
            if hosts
            else _("A page of this site, as in /products/.")
        )
        self.fields["expires_at"].help_text = _("Empty: never. Times are those of %(zone)s.") % {
            "zone": timezone.get_current_timezone_name()
        }
        if link is not None:
            del self.fields["code"]

    @staticmethod
    def _initial_of(link: ShortLink) -> dict[str, Any]:
        is_product = link.target_kind == TargetKind.PRODUCT
        return {
            "product": link.product_key if is_product else None,
            "address": "" if is_product else link.path or link.url,
            "label": link.label,
            # As its field shows it.
            "expires_at": link.expires_at and link.expires_at.replace(second=0, microsecond=0),
        }

    def try_to_save(self) -> bool:
        """Save by the flow; what that refuses becomes errors of the form."""
        self.link = self.save_by_flow(owner=self.seller, actor=self.seller)
        return not self.errors
