"""Short links in the admin: everything can be read; what is done to a link goes through a flow."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from django_digitalstore.catalog import get_product_model
from django_digitalstore.core.admin import (
    CountlessAdmin,
    NothingDone,
    Outcome,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonedActionsMixin,
)

from . import addresses, flows
from .choices import TargetKind
from .forms import SavesByFlowMixin
from .models import ShortLink, ShortLinkDay, ShortLinkOrder

__all__ = ["ShortLinkAdmin", "ShortLinkAdminForm", "ShortLinkDayAdmin", "ShortLinkOrderAdmin"]


class ShortLinkAdminForm(SavesByFlowMixin, forms.ModelForm):
    """A link of anybody's, to any product and any address that links may lead to."""

    product: Any = forms.ModelChoiceField(
        queryset=None,
        required=False,
        label=gettext_lazy("Product"),
        widget=forms.TextInput,
        help_text=gettext_lazy("The number of a product, as in its address in the admin."),
    )
    address = forms.CharField(
        required=False,
        max_length=2000,
        label=gettext_lazy("Or an address"),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    code = forms.CharField(
        required=False,
        max_length=64,
        label=pgettext_lazy("of a short link", "Code"),
        help_text=gettext_lazy("Empty: one is made. The code of a link that is there stays."),
    )

    class Meta:
        model = ShortLink
        fields = ["owner", "label", "expires_at"]

    #: Who is saving; set by the admin.
    actor: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        product: Any = self.fields["product"]
        product.queryset = get_product_model()._default_manager.all()
        link = self.instance
        if self.link is not None:
            is_product = link.target_kind == TargetKind.PRODUCT
            self.initial.setdefault("product", link.product_key if is_product else None)
            self.initial.setdefault("address", "" if is_product else link.path or link.url)
            self.fields.pop("code", None)
            self.fields.pop("owner", None)

    @property
    def link(self) -> ShortLink | None:
        """Return the link that is changed; None where one is made."""
        return None if self.instance._state.adding else self.instance

    def _post_clean(self) -> None:
        # The flow is the validation: nothing is decided twice, and nothing in another way. Errors
        # of fields are there by now.
        if not self.errors:
            owner = self.cleaned_data.get("owner")
            self.instance = self.save_by_flow(owner=owner, actor=self.actor) or self.instance


def _disable(link: ShortLink, *, actor: Any, reason: str) -> Outcome:
    if not link.is_active:
        raise NothingDone(_("Switched off already."))
    flows.disable_link(link, actor=actor)
    return Outcome(_("Switched off."))


def _enable(link: ShortLink, *, actor: Any, reason: str) -> Outcome:
    if link.is_active:
        raise NothingDone(_("Switched on already."))
    flows.enable_link(link, actor=actor)
    return Outcome(_("Switched on."))


@admin.register(ShortLink)
class ShortLinkAdmin(ReasonedActionsMixin, CountlessAdmin):
    """All links. Saving one is a flow; so is switching it off and on, for a reason."""

    form = ShortLinkAdminForm
    list_display = ["code", "target", "label", "owner", "is_active", "expires_at", "clicks"]
    list_filter = ["is_active", "target_kind"]
    list_select_related = ["owner"]
    list_per_page = 50
    search_fields = ["code", "label", "path", "url"]
    raw_id_fields = ["owner"]
    readonly_fields = ["short_address", "is_active", "clicks", "created_at"]
    reasoned_actions = {
        "disable": ReasonedAction(
            title=gettext_lazy("Switch off"),
            explanation=gettext_lazy("Who clicks the link finds nothing, at once."),
            run=_disable,
            applies_to=lambda link: link.is_active,
        ),
        "enable": ReasonedAction(
            title=gettext_lazy("Switch on"),
            explanation=gettext_lazy("The link leads to its target again."),
            run=_enable,
            applies_to=lambda link: not link.is_active,
        ),
    }

    @admin.display(description=gettext_lazy("leads to"))
    def target(self, link: ShortLink) -> str:
        """Return where the link leads."""
        return link.path or link.url

    @admin.display(description=gettext_lazy("short address"))
    def short_address(self, link: ShortLink) -> str:
        """Return the address to print."""
        return addresses.short_url(link) if link.code else "–"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields of the page: code and owner stay as they are made."""
        if obj is None:
            return ["product", "address", "code", "owner", "label", "expires_at"]
        return ["product", "address", "label", "expires_at", *self.readonly_fields]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Let the form know who is saving."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"actor": request.user})

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: the flow has saved it."""

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let days and orders go with their link, though by themselves nobody deletes them."""
        *found, lacking, protected = super().get_deleted_objects(objs, request)
        theirs = {model._meta.verbose_name for model in (ShortLinkDay, ShortLinkOrder)}
        return (*found, lacking - theirs, protected)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete by the flow."""
        flows.delete_link(obj, actor=request.user)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete by the flow, one after the other."""
        for link in queryset:
            flows.delete_link(link, actor=request.user)


@admin.register(ShortLinkDay)
class ShortLinkDayAdmin(ReadOnlyAdmin):
    """The clicks of links, day by day."""

    list_display = ["day", "link", "clicks"]
    list_select_related = ["link"]
    search_fields = ["link__code"]
    date_hierarchy = "day"


@admin.register(ShortLinkOrder)
class ShortLinkOrderAdmin(ReadOnlyAdmin):
    """Which link led to which order."""

    list_display = ["order_public_id", "link", "placed_at"]
    list_select_related = ["link"]
    search_fields = ["order_public_id", "link__code"]
