"""Abstract models of the payments. The host's app holds the concrete classes.

An order is not its payment: each attempt to pay is a ``Payment``, each refund a ``Refund``, each
dispute a ``Dispute``. These are facts, keyed by the provider's ids; the order's status is derived.
All amounts are integers in minor units of an ISO 4217 currency.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, NoReturn, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_digitalstore.core.exceptions import DigitalStoreError
from django_digitalstore.core.guard import Guard, GuardedManager, GuardedModel, GuardedQuerySet, M
from django_digitalstore.core.money import format_money, validate_currency

from . import get_order_line_model
from .choices import (
    Attention,
    OrderStatus,
    PaymentState,
    discrepancies,
    dispute_states,
    order_statuses,
    payment_states,
    refund_states,
)

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

__all__ = [
    "AbstractDispute",
    "AbstractOrder",
    "AbstractOrderLine",
    "AbstractPayment",
    "AbstractRefund",
    "IsPaidIsNoAccess",
    "OrderQuerySet",
    "new_payment_key",
    "new_public_id",
]

_TESTING = "django_digitalstore.payments.testing."
_APPLY = "report the fact by its provider's webhook, or call payments.flows.refresh_order(order)."


class IsPaidIsNoAccess(DigitalStoreError, AttributeError):
    """``order.is_paid`` was asked, where the question is who has access."""

    # A template would take an AttributeError for an empty value and go on silently.
    silent_variable_failure = False


def new_public_id() -> str:
    """Return a fresh public id of an order. Migrations name this function: it never moves."""
    return "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(12))


def new_payment_key() -> str:
    """Return a fresh idempotency key. Migrations name this function: it never moves."""
    return secrets.token_hex(16)


class OrderQuerySet(GuardedQuerySet[M]):
    """Questions about orders."""

    def of_customer(self, user: Any) -> Self:
        """Keep the orders that this user placed."""
        return self.filter(customer=user)

    def of_seller(self, user: Any) -> Self:
        """Keep the orders that hold a line of this seller's products: the one tenant filter."""
        theirs = get_order_line_model().objects.filter(product__seller=user)
        return self.filter(pk__in=theirs.order_by().values("order_id"))

    def needing_attention(self) -> Self:
        """Keep the orders that a person should look at."""
        return self.exclude(attention="")


class AbstractOrder(GuardedModel):
    """What somebody wants to buy, frozen when the checkout starts, and what became of it."""

    guard = Guard(
        owner="payments.flows",
        insert="call payments.flows.start_checkout(customer, lines, …) instead.",
        delete="an order is kept whatever happens to it.",
        update=(
            "an order's state follows from its payments, refunds and disputes. To give access by "
            "hand call entitlements.flows.grant_product(); otherwise " + _APPLY
        ),
        testing=_TESTING + "paid_order(customer, product)",
        columns=frozenset(
            {
                "public_id",
                "customer",
                "country",
                "currency",
                "subtotal",
                "discount",
                "tax",
                "total",
                "fingerprint",
                "status",
                "attention",
                "placed_at",
                "paid_at",
                "updated_at",
            }
        ),
    )

    public_id = models.CharField(
        _("number"), max_length=20, unique=True, default=new_public_id, editable=False
    )
    customer = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="%(app_label)s_%(class)ss",
        verbose_name=_("customer"),
    )
    email = models.EmailField(_("e-mail"))
    country = models.CharField(_("country"), max_length=2, blank=True)
    currency = models.CharField(_("currency"), max_length=3, validators=[validate_currency])
    subtotal = models.PositiveBigIntegerField(_("subtotal"))
    discount = models.PositiveBigIntegerField(_("discount"), default=0)
    tax = models.PositiveBigIntegerField(_("tax"), default=0)
    total = models.PositiveBigIntegerField(_("total"))
    fingerprint = models.CharField(max_length=64, db_index=True, editable=False)
    status = models.CharField(
        _("status"), max_length=20, choices=order_statuses, default=OrderStatus.PENDING
    )
    attention = models.CharField(_("needs attention"), max_length=100, blank=True, default="")
    placed_at = models.DateTimeField(_("placed at"), default=timezone.now)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    #: When the order, or any fact about it that a report brought, last changed.
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    if TYPE_CHECKING:
        lines: RelatedManager[AbstractOrderLine]
        payments: RelatedManager[AbstractPayment]

    objects = GuardedManager.from_queryset(OrderQuerySet)()

    class Meta:
        abstract = True
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        ordering = ["-placed_at", "-pk"]
        indexes = [
            models.Index(fields=["customer", "-placed_at"]),
            models.Index(fields=["status", "-placed_at"]),
            # What was sold on a day, and what changed since somebody looked.
            models.Index(fields=["paid_at"]),
            models.Index(fields=["updated_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "pending",
                        "paid",
                        "partially_refunded",
                        "refunded",
                        "disputed",
                        "failed",
                        "cancelled",
                        "expired",
                    ]
                ),
                name="%(app_label)s_%(class)s_status_known",
            ),
            models.CheckConstraint(
                condition=(
                    Q(
                        paid_at__isnull=False,
                        status__in=["paid", "partially_refunded", "refunded", "disputed"],
                    )
                    | Q(paid_at=None, status__in=["pending", "failed", "cancelled", "expired"])
                ),
                name="%(app_label)s_%(class)s_paid_at_if_ever_paid",
            ),
            models.CheckConstraint(
                condition=Q(total=models.F("subtotal") - models.F("discount") + models.F("tax")),
                name="%(app_label)s_%(class)s_total_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_paid(self) -> NoReturn:
        """Raise ``IsPaidIsNoAccess``: a paid order may be refunded, and a gift has no order."""
        raise IsPaidIsNoAccess(
            f"{self._meta.label}.is_paid does not exist, because payment is not access. Ask "
            f"entitlements.policies.has_access(user, product), or read order.status for the books."
        )

    @property
    def display_total(self) -> str:
        """Return the total as people write it in the active language."""
        return format_money(self.total, self.currency)

    @property
    def attention_labels(self) -> list[Any]:
        """Return the reasons why a person should look at it, in words."""
        return [Attention(code).label for code in self.attention.split()]


class AbstractOrderLine(GuardedModel):
    """One thing of an order: its name and price as they were when the checkout started."""

    guard = Guard(
        owner="payments.flows",
        insert="call payments.flows.start_checkout(customer, lines, …) instead.",
        delete="lines are frozen when the checkout starts: place another order.",
        update="lines are frozen when the checkout starts: place another order.",
        testing=_TESTING + "place_order(customer, product)",
        columns=frozenset(
            {"order", "position", "kind", "product", "name", "unit_price", "quantity", "total"}
        ),
    )

    order = models.ForeignKey(
        settings.DIGITALSTORE_ORDER_MODEL,
        on_delete=models.PROTECT,
        related_name="lines",
        verbose_name=_("order"),
    )
    position = models.PositiveIntegerField(_("position"))
    kind = models.CharField(_("kind"), max_length=40, default="product")
    product = models.ForeignKey(
        settings.DIGITALSTORE_PRODUCT_MODEL,
        on_delete=models.PROTECT,
        related_name="order_lines",
        verbose_name=_("product"),
    )
    name = models.CharField(_("name"), max_length=200)
    unit_price = models.PositiveBigIntegerField(_("unit price"))
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    total = models.PositiveBigIntegerField(_("total"))

    objects = GuardedManager()

    class Meta:
        abstract = True
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        ordering = ["order", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "position"], name="%(app_label)s_%(class)s_one_per_position"
            ),
            models.CheckConstraint(
                condition=Q(total=models.F("unit_price") * models.F("quantity")),
                name="%(app_label)s_%(class)s_total_adds_up",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class AbstractPayment(GuardedModel):
    """One attempt to pay an order, and what the provider says about it."""

    guard = Guard(
        owner="payments.flows",
        insert="call payments.flows.start_checkout(customer, lines, …) instead.",
        delete="payments are facts and are kept.",
        update=_APPLY,
        testing=_TESTING + "pay(place_order(customer, product))",
        columns=frozenset(
            {
                "order",
                "alias",
                "key",
                "checkout_reference",
                "checkout_url",
                "checkout_expires_at",
                "opening_at",
                "provider_reference",
                "cart",
                "state",
                "state_at",
                "amount",
                "tax",
                "discount",
                "currency",
                "settlement_amount",
                "settlement_currency",
                "provider_customer",
                "discrepancy",
                "failure",
                "recorded_by",
                "reason",
                "created_at",
            }
        ),
    )

    order = models.ForeignKey(
        settings.DIGITALSTORE_ORDER_MODEL,
        on_delete=models.PROTECT,
        related_name="payments",
        verbose_name=_("order"),
    )
    alias = models.CharField(_("provider"), max_length=50)
    key = models.CharField(
        _("idempotency key"), max_length=64, unique=True, default=new_payment_key, editable=False
    )
    checkout_reference = models.CharField(_("checkout"), max_length=200, blank=True, default="")
    checkout_url = models.URLField(_("checkout address"), max_length=2000, blank=True, default="")
    checkout_expires_at = models.DateTimeField(_("checkout expires at"), null=True, blank=True)
    opening_at = models.DateTimeField(null=True, blank=True, editable=False)
    provider_reference = models.CharField(_("payment"), max_length=200, null=True, blank=True)  # noqa: DJ001
    cart = models.JSONField(_("cart at the provider"), default=list, blank=True)
    state = models.CharField(
        _("state"), max_length=20, choices=payment_states, default=PaymentState.CREATED
    )
    state_at = models.DateTimeField(_("as of"), null=True, blank=True)
    amount = models.PositiveBigIntegerField(_("amount"))
    tax = models.PositiveBigIntegerField(_("tax"), default=0)
    discount = models.PositiveBigIntegerField(_("discount"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    settlement_amount = models.PositiveBigIntegerField(_("settlement"), null=True, blank=True)
    settlement_currency = models.CharField(
        _("settlement currency"), max_length=3, blank=True, default=""
    )
    provider_customer = models.CharField(
        _("customer at the provider"), max_length=200, blank=True, default=""
    )
    discrepancy = models.CharField(
        _("discrepancy"), max_length=20, choices=discrepancies, blank=True, default=""
    )
    failure = models.CharField(_("failure"), max_length=500, blank=True, default="")
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("recorded by"),
        help_text=_("Who recorded money from elsewhere; empty where a provider reported it."),
    )
    reason = models.CharField(_("reason"), max_length=500, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = GuardedManager()

    class Meta:
        abstract = True
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["alias", "checkout_reference"])]
        constraints = [
            # Unknown references are NULL, which is equal to nothing: no condition is needed.
            models.UniqueConstraint(
                fields=["alias", "provider_reference"],
                name="%(app_label)s_%(class)s_pays_one_order",
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "created",
                        "open",
                        "processing",
                        "expired",
                        "cancelled",
                        "failed",
                        "succeeded",
                    ]
                ),
                name="%(app_label)s_%(class)s_state_known",
            ),
        ]

    def __str__(self) -> str:
        return self.provider_reference or self.key


class _AbstractFact(GuardedModel):
    """What refunds and disputes share: they are keyed by the provider, and may come first."""

    payment = models.ForeignKey(
        settings.DIGITALSTORE_PAYMENT_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="%(class)ss",
        verbose_name=_("payment"),
        help_text=_("Empty until the payment is known."),
    )
    alias = models.CharField(_("provider"), max_length=50)
    provider_reference = models.CharField(_("reference"), max_length=200)
    payment_reference = models.CharField(_("payment reference"), max_length=200)
    state_at = models.DateTimeField(_("as of"))
    amount = models.PositiveBigIntegerField(_("amount"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = GuardedManager()

    class Meta:
        abstract = True
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.provider_reference


_FACT_COLUMNS = frozenset(
    {
        "payment",
        "alias",
        "provider_reference",
        "payment_reference",
        "state",
        "state_at",
        "amount",
        "currency",
        "is_full",
        "items",
        "created_at",
    }
)


class AbstractRefund(_AbstractFact):
    """Money that went back, or is asked to. ``amount`` is None where the provider names none."""

    guard = Guard(
        owner="payments.flows",
        insert=_APPLY,
        delete="refunds are facts and are kept.",
        update=_APPLY,
        testing=_TESTING + "refund(order)",
        columns=_FACT_COLUMNS,
    )

    state = models.CharField(_("state"), max_length=20, choices=refund_states)
    is_full = models.BooleanField(_("in full"), default=False)
    items = models.JSONField(_("items"), default=list, blank=True)

    class Meta(_AbstractFact.Meta):
        abstract = True
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        indexes = [
            models.Index(fields=["alias", "payment_reference"]),
            # What went back on a day.
            models.Index(fields=["state_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alias", "provider_reference"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["pending", "failed", "succeeded"]),
                name="%(app_label)s_%(class)s_state_known",
            ),
        ]


class AbstractDispute(_AbstractFact):
    """A buyer's bank asks for the money back."""

    guard = Guard(
        owner="payments.flows",
        insert=_APPLY,
        delete="disputes are facts and are kept.",
        update=_APPLY,
        testing=_TESTING + "dispute(order)",
        columns=_FACT_COLUMNS,
    )

    state = models.CharField(_("state"), max_length=20, choices=dispute_states)

    class Meta(_AbstractFact.Meta):
        abstract = True
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        indexes = [
            models.Index(fields=["alias", "payment_reference"]),
            # What went back on a day.
            models.Index(fields=["state_at"]),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["alias", "provider_reference"], name="%(app_label)s_%(class)s_once"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "won",
                        "cancelled",
                        "expired",
                        "opened",
                        "challenged",
                        "accepted",
                        "lost",
                    ]
                ),
                name="%(app_label)s_%(class)s_state_known",
            ),
        ]
