"""What staff do about money that goes back, and about money from elsewhere: forms and actions.

Every form that moves money carries a key of its own, so that a second click moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.admin import (
    NothingDone,
    Outcome,
    ReadOnlyAdmin,
    ReasonedAction,
    ReasonedActionsMixin,
    ReasonForm,
)
from django_digitalstore.core.forms import PriceField
from django_digitalstore.core.money import CURRENCIES, display_money

from . import flows, get_order_model, get_payment_model, get_refund_model
from .choices import ELSEWHERE, FREE, Attention, PaymentState
from .models import RefundRequest, new_refund_key

__all__ = [
    "ORDER_ACTIONS",
    "PAYMENT_ACTIONS",
    "RecordPaymentForm",
    "RecordRefundForm",
    "RefundForm",
    "RefundRequestAdmin",
    "SecondPaymentForm",
]

_REFUND = "digitalstore_payments.refund_payment"
_RECORD = "digitalstore_payments.record_payment"


def _payments_of(row: Any, *, elsewhere: bool) -> list[Any]:
    """Return the paid payments of an order, or the payment itself: of providers, or elsewhere."""
    if isinstance(row, get_payment_model()):
        payments = [row]
    else:
        payments = list(get_payment_model().objects.filter(order=row).order_by("pk"))
    return [
        payment
        for payment in payments
        if payment.state == PaymentState.SUCCEEDED
        and payment.alias != FREE
        and (payment.alias == ELSEWHERE) == elsewhere
    ]


class _KeyForm(ReasonForm):
    key = forms.CharField(widget=forms.HiddenInput, required=False, initial=new_refund_key)

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row


class SecondPaymentForm(_KeyForm):
    """Asks why, once."""


class _ReturnForm(ReasonForm):
    """Asks which payment, and how much of it: all, lines, or an amount."""

    elsewhere: ClassVar[bool]

    amount = PriceField(
        label=gettext_lazy("Amount"),
        help_text=gettext_lazy("Empty: all that is left, or all that is left of the chosen lines."),
        required=False,
    )
    lines = forms.MultipleChoiceField(
        label=gettext_lazy("Lines"),
        help_text=gettext_lazy("None: of the whole payment. Access to refunded lines ends."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    payment = forms.ChoiceField(label=gettext_lazy("Payment"))

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.payments = {str(p.pk): p for p in _payments_of(row, elsewhere=self.elsewhere)}
        order = getattr(row, "order", row)
        self.order_lines = {str(line.pk): line for line in order.lines.order_by("position")}
        payment: Any = self.fields["payment"]
        payment.choices = [
            (pk, f"{p} – {display_money(p.amount, p.currency)}") for pk, p in self.payments.items()
        ]
        if len(self.payments) == 1:
            payment.widget = forms.HiddenInput()
            payment.initial = next(iter(self.payments))
        lines: Any = self.fields["lines"]
        lines.choices = [
            (pk, f"{line.name} – {display_money(line.total, order.currency)}")
            for pk, line in self.order_lines.items()
        ]
        if len(self.order_lines) < 2:
            del self.fields["lines"]
        self.order_fields(["payment", "lines", "amount", "reference", "reason"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        payment = self.payments.get(cleaned.get("payment", ""))
        cleaned["payment"] = payment
        cleaned["lines"] = [self.order_lines[pk] for pk in cleaned.get("lines", [])] or None
        amount: Any = self.fields["amount"]
        if payment is not None and cleaned.get("amount") is not None:
            try:
                cleaned["amount"] = amount.clean_for(cleaned["amount"], payment.currency)
            except ValidationError as error:
                self.add_error("amount", error)
        return cleaned


class RefundForm(_ReturnForm):
    """Asks what the provider is to refund."""

    elsewhere = False

    key = forms.CharField(widget=forms.HiddenInput, required=False, initial=new_refund_key)


class RecordRefundForm(_ReturnForm):
    """Asks what went back past every provider."""

    elsewhere = True

    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        help_text=gettext_lazy("What names it elsewhere, as the bank does: never the same twice."),
        max_length=200,
    )


class RecordPaymentForm(ReasonForm):
    """Asks what money came past every provider."""

    amount = PriceField(label=gettext_lazy("Amount"))
    currency = forms.CharField(label=gettext_lazy("Currency"), min_length=3, max_length=3)
    reference = forms.CharField(
        label=gettext_lazy("Reference"),
        help_text=gettext_lazy("What names it elsewhere, as the bank does: never the same twice."),
        max_length=200,
    )

    def __init__(self, *args: Any, row: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["currency"].initial = row.currency
        self.order_fields(["amount", "currency", "reference", "reason"])

    def clean_currency(self) -> str:
        """Return the currency in capital letters; refuse what is no ISO 4217 code."""
        currency = str(self.cleaned_data["currency"]).upper()
        if currency not in CURRENCIES:
            raise ValidationError(_("This is not a currency. Write its ISO 4217 code, as in EUR."))
        return currency

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        amount: Any = self.fields["amount"]
        if cleaned.get("amount") is not None and cleaned.get("currency"):
            try:
                cleaned["amount"] = amount.clean_for(cleaned["amount"], cleaned["currency"])
            except ValidationError as error:
                self.add_error("amount", error)
        return cleaned


def _once(key: str) -> None:
    """Raise ``NothingDone`` where this very form was sent before."""
    if key and RefundRequest.objects.filter(key=key).exists():
        raise NothingDone(_("This refund is requested already."))


def _requested(request: RefundRequest) -> Outcome:
    what = display_money(request.amount, request.currency) or _("all that is left")
    return Outcome(
        _("A refund is requested: %(amount)s. The history shows what the provider says.")
        % {"amount": what}
    )


def _refund(
    row: Any,
    *,
    actor: Any,
    reason: str,
    payment: Any,
    amount: int | None,
    lines: Sequence[Any] | None,
    key: str,
) -> Outcome:
    _once(key)
    return _requested(
        flows.request_refund(
            payment, amount=amount, lines=lines, actor=actor, reason=reason, key=key
        )
    )


def _refund_second(order: Any, *, actor: Any, reason: str, key: str) -> Outcome:
    _once(key)
    return _requested(flows.refund_second_payment(order, actor=actor, reason=reason, key=key))


def _record_payment(
    order: Any, *, actor: Any, reason: str, amount: int, currency: str, reference: str
) -> Outcome:
    recorded = get_payment_model().objects.filter(alias=ELSEWHERE)
    known = recorded.filter(provider_reference=reference.strip()).exists()
    payment = flows.record_payment(
        order, amount=amount, currency=currency, reference=reference, actor=actor, reason=reason
    )
    if known:
        raise NothingDone(_("This payment is recorded already."))
    if payment.discrepancy:
        return Outcome(
            _("The payment is recorded. It is not what was asked, so it gives no access."),
            level=messages.WARNING,
        )
    order = get_order_model().objects.get(pk=order.pk)
    return Outcome(
        _("The payment is recorded. The order is now: %(status)s.")
        % {"status": order.get_status_display()}
    )


def _record_refund(
    row: Any,
    *,
    actor: Any,
    reason: str,
    payment: Any,
    amount: int | None,
    lines: Sequence[Any] | None,
    reference: str,
) -> Outcome:
    recorded = get_refund_model().objects.filter(alias=ELSEWHERE)
    known = recorded.filter(provider_reference=reference.strip()).exists()
    refund = flows.record_refund(
        payment, amount=amount, lines=lines, reference=reference, actor=actor, reason=reason
    )
    if known:
        raise NothingDone(_("This refund is recorded already."))
    return Outcome(
        _("The refund is recorded: %(amount)s.")
        % {"amount": display_money(refund.amount, refund.currency)}
    )


def _from_provider(row: Any) -> bool:
    return bool(_payments_of(row, elsewhere=False))


def _from_elsewhere(row: Any) -> bool:
    return bool(_payments_of(row, elsewhere=True))


PAYMENT_ACTIONS = {
    "refund": ReasonedAction(
        title=gettext_lazy("Refund"),
        explanation=gettext_lazy(
            "Asks the payment provider to give money back: all of it, lines, or an amount. Access "
            "ends with what was refunded in full."
        ),
        run=_refund,
        permission=_REFUND,
        is_destructive=True,
        row_form=RefundForm,
        applies_to=_from_provider,
    ),
    "record_refund": ReasonedAction(
        title=gettext_lazy("Record a refund"),
        explanation=gettext_lazy(
            "Records that you gave back money that came past every provider. No money moves by "
            "this. Access ends with what was refunded in full."
        ),
        run=_record_refund,
        permission=_RECORD,
        is_destructive=True,
        row_form=RecordRefundForm,
        applies_to=_from_elsewhere,
    ),
}

ORDER_ACTIONS = {
    **PAYMENT_ACTIONS,
    "refund_second": ReasonedAction(
        title=gettext_lazy("Refund the second payment"),
        explanation=gettext_lazy(
            "Asks the payment provider to give back what the buyer paid once too often. Access "
            "stays by the other payment."
        ),
        run=_refund_second,
        permission=_REFUND,
        row_form=SecondPaymentForm,
        applies_to=lambda order: Attention.PAID_TWICE in order.attention.split(),
    ),
    "record_payment": ReasonedAction(
        title=gettext_lazy("Record a payment"),
        explanation=gettext_lazy(
            "Records money that came past every provider, as by bank transfer. The order is paid "
            "by it like by any other payment, if the amount is what was asked."
        ),
        run=_record_payment,
        permission=_RECORD,
        row_form=RecordPaymentForm,
    ),
}


def _retry(request: Any, *, actor: Any, reason: str) -> Outcome:
    flows.retry_refund(request, actor=actor, reason=reason)
    return Outcome(_("It is requested again."))


def _resolve(request: Any, *, actor: Any, reason: str) -> Outcome:
    flows.resolve_refund_request(request, actor=actor, reason=reason)
    return Outcome(_("It counts as handled."))


@admin.register(RefundRequest)
class RefundRequestAdmin(ReasonedActionsMixin, ReadOnlyAdmin):
    """What people asked to be refunded, and what became of it."""

    list_display = (
        "key",
        "order_reference",
        "alias",
        "shown_amount",
        "state",
        "actor",
        "requested_at",
        "error",
    )
    list_filter = ("state", "alias", "requested_at")
    list_select_related = ("actor",)
    search_fields = ("key", "order_reference", "payment_reference", "provider_reference")
    fields = (
        "key",
        "order_reference",
        "alias",
        "payment_reference",
        "shown_amount",
        "items",
        "reason",
        "actor",
        "state",
        "provider_reference",
        "error",
        "attempts",
        "requested_at",
        "sent_at",
    )
    readonly_fields = fields
    reasoned_actions: ClassVar[dict[str, ReasonedAction]] = {
        "retry": ReasonedAction(
            title=gettext_lazy("Ask for it again"),
            explanation=gettext_lazy(
                "For a request that was refused, failed, or is in doubt and was not made: look at "
                "the provider's dashboard first. A new request takes its place."
            ),
            run=_retry,
            permission=_REFUND,
        ),
        "handled": ReasonedAction(
            title=gettext_lazy("Mark as handled"),
            explanation=gettext_lazy(
                "Says that a person has settled it. It is never sent again; what the provider "
                "reports of it later still counts."
            ),
            run=_resolve,
            permission=_REFUND,
        ),
    }

    @admin.display(description=gettext_lazy("amount"), ordering="amount")
    def shown_amount(self, request: Any) -> str:
        """Return the amount as people write it, or that it is all."""
        return display_money(request.amount, request.currency) or _("all that is left")
