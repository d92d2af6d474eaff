"""The admin of the payments: everything can be seen, and what is done goes through a flow.

The ``Abstract…Admin`` classes are for the host's models; the host registers them. What flows decide
is read-only, and what staff do is a reasoned action of the core. What a provider reports is shown
as it came, in a currency that nobody knows too.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.admin import (
    NothingDone,
    Outcome,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonedActionsMixin,
)
from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.core.money import display_money
from django_digitalstore.entitlements import get_grant_model

from . import flows, get_dispute_model, get_refund_model, inbox
from .choices import Attention
from .health import STUCK, health, stuck
from .models import InboxMessage, ProviderItem, RefundRequest
from .refund_admin import ORDER_ACTIONS, PAYMENT_ACTIONS, RefundRequestAdmin

__all__ = [
    "AbstractDisputeAdmin",
    "AbstractOrderAdmin",
    "AbstractPaymentAdmin",
    "AbstractRefundAdmin",
    "AttentionFilter",
    "InboxMessageAdmin",
    "ProviderItemAdmin",
    "RefundRequestAdmin",
    "StuckFilter",
]


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


class StuckFilter(admin.SimpleListFilter):
    """Keeps the orders that go no further, for one reason."""

    title = gettext_lazy("stuck")
    parameter_name = "stuck"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(STUCK.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        value = self.value()
        if value not in STUCK:
            return queryset
        return queryset.filter(pk__in=stuck(value).order_by().values("pk"))


def _settle(order: Any, *, actor: Any, reason: str) -> Outcome:
    return Outcome(flows.settle_order(order).get_status_display())


def _ask(order: Any, *, actor: Any, reason: str) -> Outcome:
    return Outcome(flows.refresh_order(order).get_status_display())


class AbstractOrderAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """Orders with all that is known of them. Only the receipt's e-mail can be corrected by hand."""

    list_display = (
        "public_id",
        "customer",
        "email",
        "status",
        "shown_total",
        "shown_attention",
        "placed_at",
    )
    list_filter = ("status", AttentionFilter, StuckFilter, "placed_at")
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
            title=gettext_lazy("Settle again"),
            explanation=gettext_lazy(
                "Derives status and access of the order from its payments, refunds and disputes "
                "again. Changes nothing where they agree already."
            ),
            run=_settle,
        ),
        "ask": ReasonedAction(
            title=gettext_lazy("Ask the provider"),
            explanation=gettext_lazy(
                "Asks the payment provider what became of the order's open checkouts, and applies "
                "the answer as if its webhook had come."
            ),
            run=_ask,
            asks_provider=True,
        ),
        **ORDER_ACTIONS,
    }

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Ask Django's own permission: the form changes nothing that flows decide."""
        return admin.ModelAdmin.has_change_permission(self, request, obj)

    @admin.display(description=gettext_lazy("total"), ordering="total")
    def shown_total(self, order: Any) -> str:
        """Return the total as people write it."""
        return display_money(order.total, order.currency)

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
            *_request_entries(order),
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
        details = [display_money(payment.amount, payment.currency), payment.alias]
        details += [str(payment.get_discrepancy_display()), payment.failure, payment.reason]
        at = payment.state_at or payment.created_at
        text = ", ".join(part for part in details if part)
        entries.append(_entry(payment, at, payment.get_state_display(), text))
    for model in (get_refund_model(), get_dispute_model()):
        for fact in model.objects.filter(payment__order=order):
            amount = display_money(fact.amount, fact.currency)
            entries.append(_entry(fact, fact.state_at, fact.get_state_display(), amount))
    return entries


def _request_entries(order: Any) -> list[dict[str, Any]]:
    found = RefundRequest.objects.filter(order_reference=order.public_id).select_related("actor")
    entries = []
    for request in found:
        details = [display_money(request.amount, request.currency), request.reason]
        details += [str(request.actor or ""), request.error]
        text = ", ".join(part for part in details if part)
        entries.append(_entry(request, request.requested_at, request.get_state_display(), text))
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


class AbstractPaymentAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """Attempts to pay, as the provider reports them. Money goes back by actions with a reason."""

    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = PAYMENT_ACTIONS

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
        return display_money(row.amount, row.currency)


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


def _replay(message: Any, *, actor: Any, reason: str) -> Outcome:
    answer = inbox.process(message)
    if answer.status >= 400:
        raise DigitalStoreError(answer.text)
    message.refresh_from_db(fields=["state"])
    return Outcome(message.get_state_display())


def _handle(message: Any, *, actor: Any, reason: str) -> Outcome:
    try:
        return Outcome(inbox.mark_handled(message).get_state_display())
    except inbox.NothingToHandle as error:
        raise NothingDone(str(error)) from error


@admin.register(InboxMessage)
class InboxMessageAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """Webhook messages and what became of them. Bodies need a permission of their own."""

    list_display = (
        "message_id",
        "alias",
        "state",
        "order_reference",
        "attempts",
        "received_at",
        "error",
    )
    list_filter = ("state", "alias", "source", "received_at")
    search_fields = ("message_id", "order_reference")
    fields = (
        "alias",
        "source",
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
            title=gettext_lazy("Process again"),
            explanation=gettext_lazy(
                "Applies the stored message again. Harmless for one that is processed already."
            ),
            run=_replay,
            permission="replay_webhook",
            asks_provider=True,
        ),
        "handle": ReasonedAction(
            title=gettext_lazy("Mark as handled"),
            explanation=gettext_lazy(
                "Notes that you took care of it in another way: it is no problem any more. If it "
                "comes again and can be applied, it is."
            ),
            run=_handle,
            permission="handle_webhook",
        ),
    }

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.health_view)
        name = "digitalstore_payments_health"
        return [path("health/", view, name=name), *super().get_urls()]

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """Show how the store's money is doing."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Health of the store"),
            "health": health(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "digitalstore/payments/admin/health.html", context)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        url = reverse("admin:digitalstore_payments_health", current_app=self.admin_site.name)
        tools = [*self._tools(request), {"url": url, "title": _("Health of the store")}]
        return super().changelist_view(request, {"reasoned_tools": tools, **(extra_context or {})})

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


_DONE: dict[flows.ItemOutcome, Any] = {
    flows.ItemOutcome.PUSHED: gettext_lazy("brought to the provider"),
    flows.ItemOutcome.ARCHIVED: gettext_lazy("archived at the provider"),
}


def _sync(item: ProviderItem, *, actor: Any, reason: str) -> Outcome:
    done = flows.sync_item(item.alias, item.kind, item.product)
    if done == flows.ItemOutcome.UNCHANGED:
        raise NothingDone(_("Nothing differs that could be brought there without a buyer."))
    return Outcome(_DONE[done])


@admin.register(ProviderItem)
class ProviderItemAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """What we sell, at providers that keep products of their own, and what did not get there."""

    list_display = (
        "__str__",
        "state",
        "reference",
        "attempts",
        "error",
        "changed_at",
        "synced_at",
    )
    list_filter = ("state", "alias", "kind")
    search_fields = ("product", "reference")
    search_help_text = gettext_lazy("Key of the product, or the provider's id of it")
    fields = (
        "alias",
        "kind",
        "product",
        "shown_product",
        "state",
        "reference",
        "attempts",
        "error",
        "changed_at",
        "synced_at",
        "digest",
    )
    readonly_fields = fields
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "sync": ReasonedAction(
            title=gettext_lazy("Bring to the provider"),
            explanation=gettext_lazy(
                "Makes the provider's product what ours is now, or archives it where ours is not "
                "for sale. Asks the provider only where something differs."
            ),
            run=_sync,
            asks_provider=True,
        ),
    }

    @admin.display(description=gettext_lazy("title"))
    def shown_product(self, item: ProviderItem) -> str:
        """Return our product's title; nothing where it is deleted."""
        return str(flows.find_product(item.product) or "")
