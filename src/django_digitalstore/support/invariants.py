"""What must hold of support: nobody is helped without ownership, and nothing is used twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import CharField, Count, Exists, F, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from django_digitalstore.core.invariants import Finding, invariant
from django_digitalstore.entitlements import get_grant_model
from django_digitalstore.payments import get_order_line_model
from django_digitalstore.payments.choices import OrderStatus
from django_digitalstore.payments.fulfilments import PAYMENT_SOURCE

from . import (
    get_support_allowance_model,
    get_support_message_model,
    get_support_request_model,
)
from .fulfilments import KIND

__all__ = [
    "find_allowances_of_others",
    "find_allowances_overused",
    "find_paid_lines_without_an_allowance",
    "find_requests_without_a_message",
    "find_requests_without_a_purchase",
]

_ITERATOR = 1000
_BY_SQL = "it was written past support.flows: find out by whom, and close the request."


@invariant("support.purchase")
def find_requests_without_a_purchase() -> Iterator[Finding]:
    """Nobody opened a request about what they were never given."""
    given = (
        get_grant_model()
        .objects.allowing()
        .filter(
            user_id=OuterRef("user_id"),
            product_id=OuterRef("product_id"),
            granted_at__lte=OuterRef("opened_at"),
        )
    )
    requests: Any = get_support_request_model().objects.exclude(Exists(given))
    for request in requests.order_by("pk").iterator(_ITERATOR):
        yield request, "its customer had never been given the product", _BY_SQL


@invariant("support.allowance_use")
def find_allowances_overused() -> Iterator[Finding]:
    """No allowance is used for more requests than it gives."""
    allowances: Any = get_support_allowance_model().objects.annotate(
        number=Count("support_requests")
    )
    for allowance in allowances.filter(number__gt=F("requests")).order_by("pk").iterator(_ITERATOR):
        yield (
            allowance,
            f"it gives {allowance.requests}, and {allowance.number} requests use it",
            "it was written past support.flows: grant the difference, with a reason.",
        )


@invariant("support.allowance_owner")
def find_allowances_of_others() -> Iterator[Finding]:
    """A request uses an allowance of its own customer, for its own product."""
    requests: Any = get_support_request_model().objects.exclude(allowance=None)
    others = requests.exclude(
        Q(allowance__user_id=F("user_id")) & Q(allowance__product_id=F("product_id"))
    )
    for request in others.order_by("pk").iterator(_ITERATOR):
        yield request, "its allowance is another user's, or for another product", _BY_SQL


@invariant("support.first_message")
def find_requests_without_a_message() -> Iterator[Finding]:
    """A request says what it is about: it has a message."""
    said = get_support_message_model().objects.filter(request=OuterRef("pk"))
    for request in (
        get_support_request_model().objects.exclude(Exists(said)).order_by("pk").iterator(_ITERATOR)
    ):
        yield request, "nobody wrote a message", _BY_SQL


@invariant("support.paid_lines")
def find_paid_lines_without_an_allowance() -> Iterator[Finding]:
    """Support that was paid gave an allowance, whatever became of that."""
    given = get_support_allowance_model().objects.filter(
        user_id=OuterRef("order__customer_id"),
        product_id=OuterRef("product_id"),
        source_kind=PAYMENT_SOURCE,
        source_reference__startswith=Concat(
            OuterRef("order__public_id"),
            Value("/"),
            Cast(OuterRef("position"), CharField()),
            Value("/"),
        ),
    )
    # Of those that were refunded some never gave any: the money went back before it was known.
    lines: Any = get_order_line_model().objects.filter(kind=KIND, order__status=OrderStatus.PAID)
    lacking = lines.exclude(Exists(given)).select_related("order").order_by("pk")
    for line in lacking.iterator(_ITERATOR):
        yield (
            f"{line._meta.label} {line.order.public_id}/{line.position}",
            "it is paid, and gave no support",
            "settle its order again in the admin, or call payments.flows.settle_order(order).",
        )
