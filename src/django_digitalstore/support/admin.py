"""Admin of the support: everything to read; what staff do goes by the flows, with a reason.

Nothing is edited in a form. The thread stands on a request's page, internal notes included; who
answers does so in the seller's queue, where the files are too, or by an action here.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from django_digitalstore.core.admin import (
    DateAndTime,
    NothingDone,
    Outcome,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonedActionsMixin,
    ReasonForm,
)
from django_digitalstore.entitlements.admin import Access, AccessForm

from . import (
    flows,
    get_support_message_model,
    get_support_request_model,
    get_support_terms_model,
    policies,
)
from .choices import RequestState
from .forms import SupportTermsForm

__all__ = [
    "AbstractSupportAllowanceAdmin",
    "AbstractSupportAttachmentAdmin",
    "AbstractSupportMessageAdmin",
    "AbstractSupportRequestAdmin",
    "AbstractSupportTermsAdmin",
]


def _raw_id(model: Any, name: str, site: admin.AdminSite, **kwargs: Any) -> forms.ModelChoiceField:
    """Return a field for a key, never with a drop-down of all users."""
    field: Any = model._meta.get_field(name)
    return forms.ModelChoiceField(
        label=str(field.verbose_name).capitalize(),
        queryset=field.related_model._default_manager.all(),
        widget=ForeignKeyRawIdWidget(field.remote_field, site),
        **kwargs,
    )


# --- Terms and allowances: who may set the one may give the other -----------------------------


class _ManagesSupport(ReasonedActionsMixin, ReadOnlyAdmin):
    def may_do(self, request: HttpRequest, action: ReasonedAction) -> bool:
        """Ask for the permission that the flows ask for: to add terms."""
        options = get_support_terms_model()._meta
        return bool(request.user.has_perm(f"{options.app_label}.add_{options.model_name}"))


class TermsForm(ReasonForm):
    """Asks for a product, and what support it comes with."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ["product", *SupportTermsForm.base_fields]
        self.fields["product"] = _raw_id(get_support_terms_model(), "product", self.admin_site)
        for name, field in SupportTermsForm.base_fields.items():
            self.fields[name] = copy.deepcopy(field)
        self.order_fields([*names, "reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        price, product = cleaned.get("pack_price"), cleaned.get("product")
        if price is not None and product is not None:
            # Only now is it known in which currency it was written.
            field: Any = self.fields["pack_price"]
            try:
                cleaned["pack_price"] = field.clean_for(price, product.currency)
            except forms.ValidationError as error:
                self.add_error("pack_price", error)
        return cleaned

    def get_target(self) -> Any:
        """Return the product."""
        return self.cleaned_data.pop("product")


def _save_terms(product: Any, *, actor: Any, reason: str, **terms: Any) -> Outcome:
    before = policies.terms_in_force(product)
    saved = flows.save_terms(product, actor=actor, **terms)
    if before is not None and saved.pk == before.pk:
        raise NothingDone(_("Nothing changed."))
    return Outcome(_("The terms are saved. Who has bought keeps their own."), logged_at=saved)


class AbstractSupportTermsAdmin(_ManagesSupport):
    """What support each product comes with: the newest of a product is in force."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "save": ReasonedAction(
            title=gettext_lazy("Set the support of a product"),
            explanation=gettext_lazy(
                "Adds terms, which are in force for later buyers. Who has bought keeps what they "
                "were promised; the price of a pack is new for everybody."
            ),
            run=_save_terms,
            target_form=TermsForm,
            takes_rows=False,
        ),
    }
    list_display = (
        "product",
        "included",
        "included_requests",
        "included_days",
        "most_open",
        "pack_price",
        "pack_size",
        "response_hours",
        "saved_at",
    )
    list_filter = ("included",)
    list_select_related = ("product",)
    search_fields = ("product__title", "product__slug")


class AllowanceForm(AccessForm):
    """Asks who is given how many requests about what, and why."""

    requests = forms.IntegerField(label=gettext_lazy("Requests"), min_value=1)
    expires_at = forms.SplitDateTimeField(
        label=gettext_lazy("Until"),
        help_text=gettext_lazy("Empty: for ever."),
        required=False,
        widget=DateAndTime,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["user", "product", "requests", "expires_at", "reason"])


def _grant_allowance(
    access: Access, *, actor: Any, reason: str, requests: int, expires_at: Any
) -> Outcome:
    allowance = flows.grant_allowance(
        access.user,
        access.product,
        requests=requests,
        expires_at=expires_at,
        actor=actor,
        reason=reason,
    )
    return Outcome(_("The allowance is granted."), logged_at=allowance)


def _end_allowance(allowance: Any, *, actor: Any, reason: str) -> Outcome:
    if allowance.ended_at is not None:
        raise NothingDone(_("It has ended already."))
    flows.end_allowance(allowance, actor=actor, reason=reason)
    return Outcome(_("The allowance is ended: what was used stays used."))


class AbstractSupportAllowanceAdmin(_ManagesSupport):
    """Support that was bought or granted beyond what is included, and how much of it was used."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "grant": ReasonedAction(
            title=gettext_lazy("Grant support"),
            explanation=gettext_lazy(
                "Gives somebody who owns the product more requests than they were promised or "
                "bought."
            ),
            run=_grant_allowance,
            target_form=AllowanceForm,
            takes_rows=False,
        ),
        "end": ReasonedAction(
            title=gettext_lazy("End an allowance"),
            explanation=gettext_lazy(
                "What is unused is gone; what was used stays used. Money is not refunded by this."
            ),
            run=_end_allowance,
            is_destructive=True,
            applies_to=lambda allowance: allowance.ended_at is None,
        ),
    }
    list_display = (
        "user",
        "product",
        "source_kind",
        "source_reference",
        "requests",
        "used",
        "granted_at",
        "expires_at",
        "ended_at",
    )
    list_filter = ("source_kind",)
    list_select_related = ("user", "product")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Add how many requests each paid for."""
        queryset: Any = super().get_queryset(request)
        return queryset.with_used()

    @admin.display(description=gettext_lazy("used"))
    def used(self, obj: Any) -> int:
        """Return how many requests it paid for."""
        return int(obj.used)

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Search by the name that users log in with, by product, and by order. Hook."""
        named = f"user__{get_user_model().USERNAME_FIELD}"
        return [named, "product__title", "product__slug", "source_reference"]


# --- Requests ---------------------------------------------------------------------------------


class AssignForm(ReasonForm):
    """Asks who is to answer."""

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"] = _raw_id(
            get_support_request_model(),
            "assignee",
            self.admin_site,
            required=False,
            help_text=_("The product’s seller, or staff. Empty: nobody in particular."),
            initial=row.assignee_id,
        )
        self.order_fields(["assignee", "reason"])


class WriteForm(ReasonForm):
    """Asks what to write."""

    body = forms.CharField(
        label=gettext_lazy("Message"),
        help_text=gettext_lazy("The customer gets it by e-mail."),
        widget=forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


def _answer(request: Any, *, actor: Any, reason: str, body: str) -> Outcome:
    flows.reply(request, author=actor, body=body)
    return Outcome(_("The answer is sent."))


def _note(request: Any, *, actor: Any, reason: str) -> Outcome:
    flows.add_note(request, author=actor, body=reason)
    return Outcome(_("The note is kept."))


def _assign(request: Any, *, actor: Any, reason: str, assignee: Any) -> Outcome:
    if request.assignee_id == getattr(assignee, "pk", None):
        raise NothingDone(_("Nothing changed."))
    flows.assign(request, assignee, actor=actor, reason=reason)
    return Outcome(_("It is assigned."))


def _resolve(request: Any, *, actor: Any, reason: str) -> Outcome:
    if request.state == RequestState.RESOLVED:
        raise NothingDone(_("It is resolved already."))
    flows.resolve(request, actor=actor, reason=reason)
    return Outcome(_("It is resolved."))


def _reopen(request: Any, *, actor: Any, reason: str) -> Outcome:
    if request.is_ongoing:
        raise NothingDone(_("It is open already."))
    flows.reopen(request, actor=actor, reason=reason)
    return Outcome(_("It is open again."))


def _close(request: Any, *, actor: Any, reason: str) -> Outcome:
    if request.state == RequestState.CLOSED:
        raise NothingDone(_("It is closed already."))
    flows.close(request, actor=actor, reason=reason)
    return Outcome(_("It is closed."))


class AbstractSupportRequestAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """What customers asked, with the whole thread. Its actions need the change permission."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "answer": ReasonedAction(
            title=pgettext_lazy("to do", "Answer"),
            explanation=gettext_lazy("Sends a message to the customer, in your name."),
            run=_answer,
            row_form=WriteForm,
            applies_to=lambda request: request.state != RequestState.CLOSED,
        ),
        "note": ReasonedAction(
            title=gettext_lazy("Add an internal note"),
            explanation=gettext_lazy("The reason is the note. The customer never sees it."),
            run=_note,
        ),
        "assign": ReasonedAction(
            title=gettext_lazy("Assign"),
            explanation=gettext_lazy("Says who is to answer, and who gets the customer's mails."),
            run=_assign,
            row_form=AssignForm,
        ),
        "resolve": ReasonedAction(
            title=gettext_lazy("Resolve"),
            explanation=gettext_lazy("The customer may reopen it for a while."),
            run=_resolve,
            applies_to=lambda request: request.is_ongoing,
        ),
        "reopen": ReasonedAction(
            title=gettext_lazy("Reopen"),
            explanation=gettext_lazy("It waits for an answer again. No allowance is used up."),
            run=_reopen,
            applies_to=lambda request: not request.is_ongoing,
        ),
        "close": ReasonedAction(
            title=gettext_lazy("Close for good"),
            explanation=gettext_lazy("The customer can neither reply to it nor reopen it."),
            run=_close,
            is_destructive=True,
            applies_to=lambda request: request.state != RequestState.CLOSED,
        ),
    }
    list_display = (
        "public_id",
        "subject",
        "user",
        "product",
        "state",
        "assignee",
        "waiting_since",
        "due_at",
    )
    list_filter = ("state",)
    list_select_related = ("user", "product", "assignee")
    fields = (
        "public_id",
        "subject",
        "user",
        "product",
        "state",
        "allowance",
        "assignee",
        "opened_at",
        "due_at",
        "waiting_since",
        "last_message_at",
        "resolved_at",
        "closed_at",
        "queue",
        "thread",
    )
    readonly_fields = ("queue", "thread")

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Search by number, subject, product, and the name that users log in with. Hook."""
        named = f"user__{get_user_model().USERNAME_FIELD}"
        return ["public_id", "subject", named, "product__title", "product__slug"]

    @admin.display(description=gettext_lazy("in the queue"))
    def queue(self, obj: Any) -> str:
        """Link to the seller's page of the request, where its files are."""
        get_url = getattr(obj, "get_seller_url", None)
        if get_url is None:
            return "–"
        return format_html('<a href="{}">{}</a>', get_url(), pgettext("to do", "Open"))

    @admin.display(description=gettext_lazy("thread"))
    def thread(self, obj: Any) -> str:
        """Show all messages, internal notes too, oldest first."""
        messages: Any = get_support_message_model().objects
        found = messages.filter(request=obj).select_related("author")
        return render_to_string(
            "digitalstore/support/admin/thread.html",
            {"thread": found.prefetch_related("attachments")},
        )


class AbstractSupportMessageAdmin(ReadOnlyAdmin):
    """What was written, internal notes too."""

    list_display = ("request", "author", "internal", "at")
    list_filter = ("internal",)
    list_select_related = ("request", "author")
    search_fields = ("request__public_id", "body")


class AbstractSupportAttachmentAdmin(ReadOnlyAdmin):
    """Files of messages: what came, and what it is. The way to the bytes is the seller's queue."""

    list_display = ("name", "message", "size", "sha256")
    list_select_related = ("message",)
    search_fields = ("name", "message__request__public_id")
    # Not the file: it has no URL, and the field's widget would ask for one.
    fields = ("message", "name", "size", "sha256")
