"""What the pages of an order tell about its money, to its buyer and to its sellers. Read only.

A seller of some of an order's lines learns what concerns those lines, and no sum of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from . import get_order_line_model, policies
from .choices import PaymentState, RefundState
from .exceptions import RefundRefused
from .facts import PaymentFacts, items_of
from .models import RefundRequest, RefundRequestState

if TYPE_CHECKING:
    from .abstract_models import AbstractOrder

__all__ = ["PaymentStatement", "RefundStatement", "money_of_buyer", "money_of_seller"]

_UNDER_WAY = [
    RefundRequestState.REQUESTED,
    RefundRequestState.SENDING,
    RefundRequestState.REFUSED,
    RefundRequestState.DOUBTFUL,
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundStatement:
    """Money that went back, or is asked to: ``amount`` None is all, or nobody says how much.

    ``state`` is one of ``RefundState`` or, of a request, of ``RefundRequestState``. ``lines`` are
    those that it is for, ``error`` what the provider said.
    """

    at: datetime
    state: str
    amount: int | None
    currency: str
    is_full: bool
    lines: tuple[Any, ...]
    error: str = ""

    @property
    def names(self) -> list[str]:
        """Return the names of the lines that it is for."""
        return [line.name for line in self.lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentStatement:
    """A payment that succeeded, as its reader may see it.

    ``amount`` None is a sum that includes lines of others. ``is_converted`` says that the buyer
    paid in another currency than the order's. ``refusal`` says why the seller cannot refund it,
    empty where they can.
    """

    payment: Any
    at: datetime
    amount: int | None
    is_converted: bool
    refunds: tuple[RefundStatement, ...]
    disputes: tuple[Any, ...]
    requests: tuple[RefundStatement, ...] = ()
    refusal: str = ""


def money_of_buyer(order: AbstractOrder) -> list[PaymentStatement]:
    """Return what the buyer paid and got back, oldest first. Four queries."""
    facts = [p for p in policies.facts_of_order(order).payments if _came(p)]
    lines = list(get_order_line_model().objects.filter(order=order.pk).order_by("position"))
    return [
        PaymentStatement(
            payment=p.payment,
            at=p.as_of,
            amount=p.payment.amount,
            is_converted=p.payment.currency != order.currency,
            refunds=_by_time(
                _Reader(p.payment, lines, lines).refund(refund)
                for refund in p.refunds
                if refund.state != RefundState.FAILED
            ),
            disputes=tuple(sorted(p.disputes, key=lambda d: d.state_at)),
        )
        for p in facts
    ]


def money_of_seller(order: AbstractOrder, seller: Any) -> list[PaymentStatement]:
    """Return what came and went back of the lines of ``seller``, oldest payment first.

    Some queries for each payment that succeeded, whatever the number of lines and refunds.
    """
    facts = [p for p in policies.facts_of_order(order).payments if _came(p)]
    if not facts:
        return []
    lines = list(
        get_order_line_model()
        .objects.filter(order=order.pk)
        .select_related("product")
        .order_by("position")
    )
    own = [line for line in lines if line.product.seller_id == seller.pk]
    requests = list(
        RefundRequest.objects.filter(order_reference=order.public_id, state__in=_UNDER_WAY)
    )
    return [
        _payment_of_seller(
            p, _Reader(p.payment, lines, own), requests, seller=seller, currency=order.currency
        )
        for p in facts
    ]


def _came(facts: PaymentFacts) -> bool:
    return facts.payment.state == PaymentState.SUCCEEDED and facts.payment.amount > 0


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads what went back of a payment with the eyes of who owns, or bought, ``own`` lines."""

    payment: Any
    lines: Sequence[Any]
    own: Sequence[Any]

    def refund(self, refund: Any) -> RefundStatement | None:
        currency = refund.currency or self.payment.currency
        return self._told(refund, refund.state_at, currency, refund.is_full)

    def request(self, request: RefundRequest) -> RefundStatement | None:
        is_full = request.amount is None and not request.items
        return self._told(
            request, request.requested_at, request.currency, is_full, error=request.error
        )

    def _told(
        self, row: Any, at: datetime, currency: str, is_full: bool, *, error: str = ""
    ) -> RefundStatement | None:
        """Return what is told of a refund, or of a request for one; None where none is theirs."""
        mine = {line.pk for line in self.own}
        items = zip(items_of(self.payment, self.lines), self.lines, strict=True)
        lines = {item: line for item, line in items if item and line.pk in mine}
        parts = [(lines[str(item)], int(amount)) for item, amount in row.items if item in lines]
        amount = row.amount
        if len(self.own) < len(self.lines):
            if row.items and not parts:
                return None
            # What was returned of no line in particular is no business of one of several sellers.
            amount = sum(part for _line, part in parts) if parts else None
        elif is_full and amount is None:
            amount = self.payment.amount
        return RefundStatement(
            at=at,
            state=row.state,
            amount=amount,
            currency=currency,
            is_full=is_full,
            lines=tuple(line for line, _part in parts),
            error=error,
        )


def _payment_of_seller(
    facts: PaymentFacts,
    reader: _Reader,
    requests: Sequence[RefundRequest],
    *,
    seller: Any,
    currency: str,
) -> PaymentStatement:
    payment = facts.payment
    refusal = ""
    try:
        policies.refundable_by_seller(payment, seller)
        if policies.refund_under_way(payment) is not None:
            refusal = _("A refund is under way. Wait for it before you ask for another one.")
    except RefundRefused as error:
        refusal = str(error)
    asked = [
        reader.request(request)
        for request in requests
        if (request.alias, request.payment_reference) == (payment.alias, payment.provider_reference)
    ]
    return PaymentStatement(
        payment=payment,
        at=facts.as_of,
        amount=payment.amount if len(reader.own) == len(reader.lines) else None,
        is_converted=payment.currency != currency,
        refunds=_by_time(map(reader.refund, facts.refunds)),
        disputes=tuple(sorted(facts.disputes, key=lambda d: d.state_at)),
        requests=_by_time(asked),
        refusal=refusal,
    )


def _by_time(told: Iterable[RefundStatement | None]) -> tuple[RefundStatement, ...]:
    return tuple(sorted((t for t in told if t is not None), key=lambda t: t.at))
