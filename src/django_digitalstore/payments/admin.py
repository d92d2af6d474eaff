"""The admin of the payments: everything can be seen, and what is done goes through a flow.

The ``Abstract…Admin`` classes are for the host's models; the host registers them. What flows decide
is read-only. Every action has its own page, which asks for a reason and keeps it in the history;
it runs outside any transaction, because some of them ask the provider.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connections, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.admin import ReadOnlyAdmin
from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.core.money import format_money
from django_digitalstore.entitlements import get_grant_model

from . import flows, get_dispute_model, get_refund_model, inbox
from .choices import Attention
from .forms import ReasonForm
from .models import InboxMessage, InboxState

__all__ = [
    "AbstractDisputeAdmin",
    "AbstractOrderAdmin",
    "AbstractPaymentAdmin",
    "AbstractRefundAdmin",
    "AttentionFilter",
    "InboxMessageAdmin",
    "ReasonedAction",
    "ReasonedActionsMixin",
]

#: Rows that one action works on: each may take a call to a provider.
MOST_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class ReasonedAction:
    """Something that staff do to a row, for a reason.

    ``run`` gets the row and returns what became of it, in words; ``permission`` is the permission
    that it takes, as in ``"shop.change_order"``, or None for the model's own change permission.
    """

    title: Any
    explanation: Any
    run: Callable[[Any], str]
    permission: str | None = None


class ReasonedActionsMixin(admin.ModelAdmin):
    """Gives each of ``reasoned_actions`` a page that asks for a reason and writes a LogEntry."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {}
    change_form_template = "digitalstore/payments/admin/order_change_form.html"

    def get_urls(self) -> list[Any]:
        opts = self.opts
        name = f"{opts.app_label}_{opts.model_name}_reasoned"
        view = self.admin_site.admin_view(self.reasoned_view)
        for alias in connections:
            transaction.non_atomic_requests(using=alias)(view)
        return [path("do/<slug:action>/", view, name=name), *super().get_urls()]

    def may_do(self, request: HttpRequest, action: ReasonedAction) -> bool:
        """Tell whether this user may do this."""
        permission = action.permission
        if permission is None:
            permission = f"{self.opts.app_label}.change_{self.opts.model_name}"
        return bool(request.user.has_perm(permission))

    def reasoned_url(self, action: str, pks: list[Any]) -> str:
        """Return the address of an action's page for these rows."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_reasoned"
        base = reverse(name, args=[action], current_app=self.admin_site.name)
        return f"{base}?{urlencode([('pk', pk) for pk in pks])}"

    def get_actions(self, request: HttpRequest, action_location: Any = None) -> dict[str, Any]:
        # Django 6.1 asks for the actions of a row's page too, where ours are links already.
        if action_location is None:
            actions = super().get_actions(request)
        else:
            actions = super().get_actions(request, action_location)  # type: ignore[call-arg]
            if action_location.name != "CHANGE_LIST":
                return actions
        for key, action in self.reasoned_actions.items():
            if self.may_do(request, action):
                actions[key] = (_go_to(key), key, action.title)  # type: ignore[assignment]
        return actions

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        tools = [
            {"url": self.reasoned_url(key, [object_id]), "title": action.title}
            for key, action in self.reasoned_actions.items()
            if self.may_do(request, action)
        ]
        context = {**(extra_context or {}), "reasoned_tools": tools}
        return super().change_view(request, object_id, form_url, context)

    def reasoned_view(self, request: HttpRequest, action: str) -> HttpResponse:
        """Ask for the reason (GET), or do it (POST): once for each row."""
        known = self.reasoned_actions.get(action)
        if known is None:
            raise Http404
        if not (self.may_do(request, known) and self.has_view_permission(request)):
            raise PermissionDenied
        data = request.POST if request.method == "POST" else request.GET
        try:
            rows = list(self.get_queryset(request).filter(pk__in=data.getlist("pk")[:MOST_AT_ONCE]))
        except (ValueError, ValidationError, OverflowError):
            raise Http404 from None
        if not rows:
            raise Http404
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._do(request, known, rows, form.cleaned_data["reason"])
            opts = self.opts
            where, site = f"admin:{opts.app_label}_{opts.model_name}", self.admin_site.name
            if len(rows) == 1:
                url = reverse(f"{where}_change", args=[rows[0].pk], current_app=site)
            else:
                url = reverse(f"{where}_changelist", current_app=site)
            return HttpResponseRedirect(url)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": known.title,
            "explanation": known.explanation,
            "objects": rows,
            "form": form,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "digitalstore/payments/admin/reason.html", context)

    def _do(self, request: HttpRequest, action: ReasonedAction, rows: list[Any], why: str) -> None:
        for row in rows:
            # First the entry: whatever the action then does, it is known who did it.
            self.log_change(request, row, f"{action.title}: {why}")
            try:
                outcome, level = action.run(row), messages.SUCCESS
            except DigitalStoreError as error:
                outcome, level = str(error), messages.ERROR
            self.message_user(request, f"{row}: {outcome}", level)


def _go_to(key: str) -> Callable[[Any, HttpRequest, QuerySet[Any]], HttpResponse]:
    def go(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        pks = list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
        if len(pks) > MOST_AT_ONCE:
            text = _("Choose at most %(number)d at once.") % {"number": MOST_AT_ONCE}
            modeladmin.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        return HttpResponseRedirect(modeladmin.reasoned_url(key, pks))

    return go


class AttentionFilter(admin.SimpleListFilter):
    """Keeps the orders that a person should look at, for one reason or for any."""

    title = gettext_lazy("needs attention")
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("any", _("For any reason")), *Attention.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        value = self.value()
        if value is None:
            return queryset
        queryset = queryset.exclude(attention="")
        return queryset if value == "any" else queryset.filter(attention__contains=value)


def _settle(order: Any) -> str:
    return str(flows.settle_order(order).get_status_display())


def _ask(order: Any) -> str:
    return str(flows.refresh_order(order).get_status_display())


class AbstractOrderAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """Orders with all that is known of them. Only the receipt's e-mail can be corrected by hand."""

    actions = ()
    list_display = (
        "public_id",
        "customer",
        "email",
        "status",
        "shown_total",
        "shown_attention",
        "placed_at",
    )
    list_filter = ("status", AttentionFilter, "placed_at")
    list_select_related = ("customer",)
    search_fields = (
        "public_id",
        "email",
        "payments__provider_reference",
        "payments__checkout_reference",
    )
    search_help_text = gettext_lazy("Number, e-mail, or the provider's id of a payment or checkout")
    fields = (
        "public_id",
        "customer",
        "email",
        "country",
        "status",
        "shown_attention",
        "shown_total",
        "placed_at",
        "paid_at",
        "updated_at",
        "shown_lines",
        "shown_history",
    )
    readonly_fields = tuple(name for name in fields if name != "email")
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "settle": ReasonedAction(
            gettext_lazy("Settle again"),
            gettext_lazy(
                "Derives status and access of the order from its payments, refunds and disputes "
                "again. Changes nothing where they agree already."
            ),
            _settle,
        ),
        "ask": ReasonedAction(
            gettext_lazy("Ask the provider"),
            gettext_lazy(
                "Asks the payment provider what became of the order's open checkouts, and applies "
                "the answer as if its webhook had come."
            ),
            _ask,
        ),
    }

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask Django's own permission: the form changes nothing that flows decide."""
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.display(description=gettext_lazy("total"), ordering="total")
    def shown_total(self, order: Any) -> str:
        """Return the total as people write it."""
        return str(order.display_total)

    @admin.display(description=gettext_lazy("needs attention"), ordering="attention")
    def shown_attention(self, order: Any) -> str:
        """Return the reasons to look at the order, in words."""
        return "; ".join(str(label) for label in order.attention_labels)

    @admin.display(description=gettext_lazy("lines"))
    def shown_lines(self, order: Any) -> str:
        """Return the order's lines as a table."""
        lines = order.lines.order_by("position")
        return render_to_string(
            "digitalstore/payments/admin/lines.html", {"order": order, "lines": lines}
        )

    @admin.display(description=gettext_lazy("history"))
    def shown_history(self, order: Any) -> str:
        """Return payments, refunds, disputes, messages and grants in the order of their time."""
        entries = [
            *_money_entries(order),
            *_message_entries(order),
            *_grant_entries(order),
        ]
        entries.sort(key=lambda entry: entry["at"])
        return render_to_string("digitalstore/payments/admin/timeline.html", {"entries": entries})


def _admin_url(row: Any) -> str:
    """Return the row's page in the admin; nothing where its model is not registered."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""


def _entry(row: Any, at: Any, state: Any, details: Any) -> dict[str, Any]:
    what = f"{row._meta.verbose_name} {row}"
    return {"at": at, "what": what, "url": _admin_url(row), "state": state, "details": details}


def _money_entries(order: Any) -> list[dict[str, Any]]:
    entries = []
    for payment in order.payments.all():
        details = [format_money(payment.amount, payment.currency), payment.alias]
        details += [str(payment.get_discrepancy_display()), payment.failure]
        at = payment.state_at or payment.created_at
        text = ", ".join(part for part in details if part)
        entries.append(_entry(payment, at, payment.get_state_display(), text))
    for model in (get_refund_model(), get_dispute_model()):
        for fact in model.objects.filter(payment__order=order):
            amount = "" if fact.amount is None else format_money(fact.amount, fact.currency)
            entries.append(_entry(fact, fact.state_at, fact.get_state_display(), amount))
    return entries


def _message_entries(order: Any) -> list[dict[str, Any]]:
    found = InboxMessage.objects.filter(order_reference=order.public_id)
    return [
        _entry(message, message.received_at, message.get_state_display(), message.error)
        for message in found.defer("body", "traceback")
    ]


def _grant_entries(order: Any) -> list[dict[str, Any]]:
    grants = get_grant_model().objects.filter(
        source_kind="payment", source_reference__startswith=f"{order.public_id}/"
    )
    entries = []
    for grant in grants.select_related("product", "ended_by"):
        text = f"{grant.product}"
        entries.append(_entry(grant, grant.granted_at, grant.get_effect_display(), text))
        if grant.ended_at is not None:
            why = ", ".join(part for part in (text, grant.ended_reason) if part)
            entries.append(_entry(grant, grant.ended_at, grant.get_ended_kind_display(), why))
    return entries


class AbstractPaymentAdmin(ReadOnlyAdmin):
    """Attempts to pay, as the provider reports them."""

    list_display = (
        "__str__",
        "order",
        "alias",
        "state",
        "shown_amount",
        "discrepancy",
        "created_at",
    )
    list_filter = ("state", "alias", "discrepancy")
    list_select_related = ("order",)
    search_fields = ("provider_reference", "checkout_reference", "order__public_id")

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def shown_amount(self, row: Any) -> str:
        """Return the amount as people write it; nothing where the provider named none."""
        return "" if row.amount is None else format_money(row.amount, row.currency)


class _FactAdmin(ReadOnlyAdmin):
    list_display = ("provider_reference", "payment", "alias", "state", "shown_amount", "state_at")
    list_filter = ("state", "alias")
    list_select_related = ("payment",)
    search_fields = ("provider_reference", "payment_reference", "payment__order__public_id")

    shown_amount = AbstractPaymentAdmin.shown_amount


class AbstractRefundAdmin(_FactAdmin):
    """Refunds, as the provider reports them."""


class AbstractDisputeAdmin(_FactAdmin):
    """Disputes, as the provider reports them."""


def _replay(message: Any) -> str:
    answer = inbox.replay(message)
    if answer.status >= 400:
        raise DigitalStoreError(answer.text)
    return str(InboxState(InboxMessage.objects.values_list("state").get(pk=message.pk)[0]).label)


@admin.register(InboxMessage)
class InboxMessageAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """Webhook messages and what became of them. Bodies need a permission of their own."""

    actions = ()
    list_display = (
        "message_id",
        "alias",
        "state",
        "order_reference",
        "attempts",
        "received_at",
        "error",
    )
    list_filter = ("state", "alias", "received_at")
    search_fields = ("message_id", "order_reference")
    fields = (
        "alias",
        "message_id",
        "state",
        "order_reference",
        "waits_for",
        "attempts",
        "sent_at",
        "received_at",
        "processed_at",
        "digest",
        "error",
    )
    secret_fields: ClassVar[tuple[str, ...]] = ("shown_body", "shown_traceback")
    readonly_fields = (*fields, *secret_fields)
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "replay": ReasonedAction(
            gettext_lazy("Process again"),
            gettext_lazy(
                "Applies the stored message again. Harmless for one that is processed already."
            ),
            _replay,
            "digitalstore_payments.replay_webhook",
        ),
    }

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboxMessage]:
        # Bodies are large, and most who look at the list may not see them.
        return super().get_queryset(request).defer("body", "traceback")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        if request.user.has_perm("digitalstore_payments.view_webhook_body"):
            return (*self.fields, *self.secret_fields)
        return self.fields

    @admin.display(description=gettext_lazy("body"))
    def shown_body(self, message: InboxMessage) -> str:
        """Return the body as text."""
        return bytes(message.body).decode("utf-8", "replace")

    @admin.display(description=gettext_lazy("traceback"))
    def shown_traceback(self, message: InboxMessage) -> str:
        """Return the traceback of the last failure."""
        return message.traceback
