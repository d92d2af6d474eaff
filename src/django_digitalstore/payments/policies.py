"""Questions about orders. All read, none writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.catalog import get_release_model
from django_digitalstore.core.exceptions import InvalidBackend
from django_digitalstore.entitlements import get_grant_model, get_purchased_product_model
from django_digitalstore.entitlements.policies import owned_by_key

from . import (
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
)
from .backends import RefundAbility, payment_backends
from .choices import (
    ELSEWHERE,
    FREE,
    Attention,
    OrderStatus,
    PaymentState,
    RefundState,
)
from .exceptions import CheckoutRefused, RefundRefused
from .facts import OrderFacts, PaymentFacts, items_of, line_shares
from .fulfilments import PAYMENT_SOURCE, Quote, get_fulfilment, kinds_that_grant
from .models import ItemState, ProviderItem, RefundRequest, RefundRequestState

if TYPE_CHECKING:
    from .abstract_models import AbstractOrder, AbstractPayment, OrderQuerySet

__all__ = [
    "UNPAID",
    "Refundable",
    "RefundableLine",
    "can_refund",
    "can_refund_second",
    "can_retry",
    "check_buyer",
    "facts_of_order",
    "has_files",
    "held_money",
    "invoiced_payment",
    "is_awaited",
    "is_being_paid",
    "is_refund_requested",
    "lost_lines",
    "orders_being_paid",
    "orders_of_customer",
    "orders_of_seller",
    "paid_without_access",
    "portal_of",
    "quote_lines",
    "refund_under_way",
    "refundable",
    "refundable_by_seller",
    "second_payment",
    "sells_all_of",
    "sync_problem",
    "sync_problems",
]

#: Statuses of an order that was never paid; a late success still wins.
UNPAID = frozenset(
    {OrderStatus.PENDING, OrderStatus.FAILED, OrderStatus.CANCELLED, OrderStatus.EXPIRED}
)


def _has_payment_in(order: AbstractOrder, *states: PaymentState) -> bool:
    return get_payment_model().objects.filter(order_id=order.pk, state__in=states).exists()


def is_being_paid(order: AbstractOrder) -> bool:
    """Tell whether money is on its way, or came and does not count: paying again would be twice."""
    if Attention.DISCREPANCY in order.attention.split():
        return True
    return _has_payment_in(order, PaymentState.PROCESSING)


def orders_being_paid(
    customer: Any, products: Iterable[Any], *, kind: str | None = None
) -> OrderQuerySet:
    """Return the unpaid orders of a customer for any of ``products`` with money on its way.

    With ``kind`` only those for lines of it: support of a product is another thing than itself.
    """
    orders: OrderQuerySet[Any] = get_order_model().objects.of_customer(customer)
    wanted = Q(lines__product__in=list(products))
    if kind is not None:
        wanted &= Q(lines__kind=kind)
    return (
        orders.filter(wanted, status__in=UNPAID)
        .filter(
            Q(payments__state=PaymentState.PROCESSING)
            | Q(attention__contains=Attention.DISCREPANCY)
        )
        .distinct()
    )


def is_awaited(order: AbstractOrder) -> bool:
    """Tell whether news may come by itself: a checkout is open, or a payment is processing."""
    return order.status == OrderStatus.PENDING and _has_payment_in(
        order, PaymentState.OPEN, PaymentState.PROCESSING
    )


def can_retry(order: AbstractOrder) -> bool:
    """Tell whether the buyer may be shown the way to pay: unpaid, and no money on its way."""
    return order.status in UNPAID and not is_being_paid(order)


def orders_of_customer(user: Any) -> OrderQuerySet:
    """Return the orders that ``user`` placed, newest first, with all lines as ``shown_lines``."""
    lines = get_order_line_model().objects.order_by("position")
    return get_order_model().objects.of_customer(user).prefetch_related(_shown(lines))


def orders_of_seller(user: Any) -> OrderQuerySet:
    """Return the orders that hold lines of ``user``; those lines alone are ``shown_lines``."""
    lines = get_order_line_model().objects.filter(product__seller=user).order_by("position")
    return get_order_model().objects.of_seller(user).prefetch_related(_shown(lines))


def _shown(lines: Any) -> Prefetch:
    return Prefetch("lines", queryset=lines, to_attr="shown_lines")


def lost_lines(order: AbstractOrder, lines: Sequence[Any]) -> list[Any]:
    """Return those of ``lines`` whose product the order's customer does not own now. One query."""
    products = [line for line in lines if line.kind == "product"]
    owned = owned_by_key(order.customer_id, [line.product_id for line in products])
    return [line for line in products if line.product_id not in owned]


def paid_without_access() -> QuerySet[Any]:
    """Return the lines of paid orders whose product the customer does not have: none is right.

    Not those that a person keeps out, nor those whose time is over.
    """
    same = {"user_id": OuterRef("order__customer_id"), "product_id": OuterRef("product_id")}
    grants = get_grant_model().objects.filter(**same)
    over = grants.filter(
        source_kind=PAYMENT_SOURCE,
        source_reference__startswith=Concat(OuterRef("order__public_id"), Value("/")),
        ended_at=None,
        expires_at__lte=timezone.now(),
    )
    return (
        get_order_line_model()
        .objects.filter(order__status=OrderStatus.PAID, kind__in=kinds_that_grant())
        .exclude(Exists(get_purchased_product_model().objects.live().filter(**same)))
        .exclude(Exists(grants.standing().denying()))
        .exclude(Exists(over))
    )


def has_files(lines: Sequence[Any]) -> bool:
    """Tell whether owners of what ``lines`` sell find files in their library now. One query."""
    products = [line.product_id for line in lines if line.kind == "product"]
    releases: Any = get_release_model()._default_manager
    available = releases.available().filter(product__in=products)
    return bool(products) and available.exclude(assets=None).exists()


def quote_lines(customer: Any, lines: Sequence[Any]) -> list[tuple[str, Any, Quote]]:
    """Return (kind, product, quote) for each requested line, with products and prices as of now.

    Raises ``CheckoutRefused``, with a message for the buyer, where not all of it is for sale
    together. Whether this customer may buy it is asked by ``check_buyer``.
    """
    if not lines:
        raise CheckoutRefused("empty", _("There is nothing to buy: choose a product first."))
    if len({(line.kind, line.product.pk) for line in lines}) != len(lines):
        raise CheckoutRefused("twice", _("The same product is in the order twice."))
    # Read again: what the caller holds may be old.
    manager = type(lines[0].product)._default_manager
    products = {p.pk: p for p in manager.filter(pk__in=[line.product.pk for line in lines])}
    quoted = []
    for request in lines:
        product = products.get(request.product.pk)
        if product is None or not product.is_for_sale:
            raise CheckoutRefused(
                "not_for_sale", _("“%(product)s” is not for sale.") % {"product": request.product}
            )
        quoted.append(
            (request.kind, product, get_fulfilment(request.kind).quote(customer, product))
        )
    if len({quote.currency for *__, quote in quoted}) != 1:
        raise CheckoutRefused(
            "currencies",
            _("These products have different currencies: buy them one after the other."),
        )
    return quoted


def check_buyer(customer: Any, quoted: Iterable[tuple[str, Any, Quote]]) -> None:
    """Raise ``CheckoutRefused`` (``AlreadyOwned`` among them) for what this customer may not buy.

    The answer holds under the access mutexes only: a page may ask it to say early what
    ``start_checkout`` would say.
    """
    for kind, product, _quote in quoted:
        get_fulfilment(kind).check_buyer(customer, product)


# --- Refunds ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundableLine:
    """A line of an order, and what of its share of a payment was not returned, in minor units."""

    line: Any
    item: str
    rest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refundable:
    """What of a payment can be refunded: ``rest`` in minor units of ``currency``, and how finely.

    The currency is the one in which the buyer paid.

    ``is_shared`` says that it pays for lines of others too: ``lines`` and ``rest`` are of those of
    one seller, who can refund them and never the payment as such.
    """

    payment: Any
    rest: int
    currency: str
    ability: RefundAbility
    lines: tuple[RefundableLine, ...]
    is_shared: bool = False

    @property
    def takes_lines(self) -> bool:
        """Tell whether some of several lines can be refunded."""
        return len(self.lines) > 1 and self.ability in (RefundAbility.ITEMS, RefundAbility.AMOUNT)

    @property
    def takes_amount(self) -> bool:
        """Tell whether less than all can be refunded: of one line, where only items can be."""
        return self.ability in (RefundAbility.ITEMS, RefundAbility.AMOUNT)


def facts_of_order(order: AbstractOrder) -> OrderFacts:
    """Return all that is known of an order's payments. Three queries."""
    return OrderFacts.of(
        get_payment_model().objects.filter(order_id=order.pk),
        get_refund_model().objects.filter(payment__order=order),
        get_dispute_model().objects.filter(payment__order=order),
    )


def _facts_of_payment(payment: AbstractPayment) -> PaymentFacts:
    return PaymentFacts(
        payment,
        list(get_refund_model().objects.filter(payment_id=payment.pk)),
        list(get_dispute_model().objects.filter(payment_id=payment.pk)),
    )


def refundable(payment: AbstractPayment) -> Refundable:
    """Return what of ``payment`` can be refunded by its provider. Queries, no network.

    Raises ``RefundRefused`` where nothing can, with a message for the person who asks. A refund
    that is under way is another question: ``refund_under_way``.
    """
    if payment.alias == ELSEWHERE:
        raise RefundRefused(
            "elsewhere",
            _(
                "This money came past every provider: give it back the way it came, then record "
                "the refund."
            ),
        )
    what = held_money(payment)
    try:
        ability = payment_backends[payment.alias].refunds
    except InvalidBackend:
        raise RefundRefused(
            "unavailable",
            _("The provider “%(provider)s” is not configured here any more: refund there.")
            % {"provider": payment.alias},
        ) from None
    if ability == RefundAbility.NONE:
        raise RefundRefused(
            "unsupported",
            _(
                "“%(provider)s” takes no refunds from here: refund in its dashboard, and it is "
                "known here by itself."
            )
            % {"provider": payment.alias},
        )
    return Refundable(
        payment=payment,
        rest=what.rest,
        currency=payment.currency,
        ability=ability,
        lines=what.lines,
    )


def refundable_by_seller(payment: AbstractPayment, seller: Any) -> Refundable:
    """Return what of ``payment`` a seller can refund: what was paid for their own lines.

    As ``refundable``; raises ``RefundRefused`` too where it pays for lines of others, and its
    provider cannot refund a part.
    """
    what = refundable(payment)
    mine = set(
        get_order_line_model()
        .objects.filter(order=payment.order_id, product__seller=seller)
        .values_list("pk", flat=True)
    )
    own = tuple(part for part in what.lines if part.line.pk in mine)
    if len(own) == len(what.lines):
        return what
    if not what.takes_amount:
        raise RefundRefused(
            "shared",
            _(
                "Products of other sellers are in this payment, and its provider refunds it in "
                "full only: ask those who run the shop."
            ),
        )
    rest = min(sum(part.rest for part in own), what.rest)
    if rest == 0:
        raise RefundRefused("nothing_left", _("All that was paid for your products went back."))
    return replace(what, lines=own, rest=rest, is_shared=True)


def held_money(payment: AbstractPayment) -> Refundable:
    """Return what money of ``payment`` is held, whoever can give it back. As ``refundable``."""
    if payment.alias == FREE or payment.amount == 0:
        raise RefundRefused("free", _("Nothing was paid, so there is nothing to refund."))
    if payment.state != PaymentState.SUCCEEDED:
        raise RefundRefused("not_paid", _("This payment did not succeed: it holds no money."))
    facts = _facts_of_payment(payment)
    if facts.is_disputed:
        raise RefundRefused(
            "disputed",
            _(
                "A dispute of this payment is open, and the bank may take the money: a refund now "
                "could pay it back twice. Answer or accept the dispute in the provider's dashboard."
            ),
        )
    if facts.rest == 0:
        raise RefundRefused(
            "nothing_left", _("All of this payment went back already, or is on its way.")
        )
    lines = list(get_order_line_model().objects.filter(order=payment.order_id).order_by("position"))
    shares = line_shares([line.total for line in lines], payment.amount)
    return Refundable(
        payment=payment,
        rest=facts.rest,
        currency=payment.currency,
        ability=RefundAbility.AMOUNT,
        lines=tuple(
            RefundableLine(
                line=line,
                item=item,
                rest=max(share - facts.returned_of_item(item, with_pending=True), 0),
            )
            for line, item, share in zip(lines, items_of(payment, lines), shares, strict=True)
        ),
    )


def refund_under_way(payment: AbstractPayment) -> RefundRequest | None:
    """Return the request to refund ``payment`` whose outcome nobody knows yet; None without."""
    return RefundRequest.objects.filter(
        alias=payment.alias,
        payment_reference=payment.provider_reference or "",
        state__in=[
            RefundRequestState.REQUESTED,
            RefundRequestState.SENDING,
            RefundRequestState.DOUBTFUL,
        ],
    ).first()


def is_refund_requested(order: AbstractOrder, key: str) -> bool:
    """Tell whether the form with this key was sent before, for this order."""
    known = RefundRequest.objects.filter(key=key, order_reference=order.public_id)
    return bool(key) and "\x00" not in key and known.exists()


def sells_all_of(order: AbstractOrder, seller: Any) -> bool:
    """Tell whether every line of an order is of a product of ``seller``. One query."""
    sellers = get_order_line_model().objects.filter(order=order.pk).order_by()
    return set(sellers.values_list("product__seller", flat=True)) == {seller.pk}


def can_refund_second(order: AbstractOrder, seller: Any) -> bool:
    """Tell whether a seller may be shown the way to refund what was paid once too often.

    Where all of the order is theirs; of a shared one those who run the shop decide.
    """
    if not sells_all_of(order, seller):
        return False
    try:
        payment, _lines = second_payment(order)
    except RefundRefused:
        return False
    return can_refund(payment)


def can_refund(payment: AbstractPayment) -> bool:
    """Tell whether somebody may be shown the way to refund ``payment``. Queries, no network."""
    try:
        refundable(payment)
    except RefundRefused:
        return False
    return refund_under_way(payment) is None


def second_payment(order: AbstractOrder) -> tuple[AbstractPayment, list[Any] | None]:
    """Return the payment that a buyer made once too often, and its lines to refund; None: all.

    The later of two payments of this order, or what another order of the buyer pays too. Raises
    ``RefundRefused`` where nothing was paid twice, or one of the two goes back already.
    """
    held = facts_of_order(order).held
    if len(held) > 1:
        staying = [p for p in held if p.rest and refund_under_way(p.payment) is None]
        if len(staying) < len(held):
            raise _goes_back(order)
        found = [p for p in staying if p.payment.alias != ELSEWHERE] or staying
        return max(found, key=lambda p: (p.as_of, p.payment.pk)).payment, None
    lines = list(order.lines.select_related("product", "order").order_by("position"))
    twice = [line for line in lines if get_fulfilment(line.kind).is_paid_elsewhere(line)]
    if not held or not twice:
        raise RefundRefused("not_twice", _("Nothing of this order is paid twice."))
    orders: OrderQuerySet[Any] = get_order_model().objects.of_customer(order.customer_id)
    others = orders.filter(
        paid_at__isnull=False, lines__product__in=[line.product_id for line in twice]
    ).exclude(pk=order.pk)
    for other in others.distinct():
        for facts in facts_of_order(other).held:
            pending = any(r.state == RefundState.PENDING for r in facts.refunds)
            if pending or refund_under_way(facts.payment) is not None:
                raise _goes_back(other)
    return held[0].payment, None if len(twice) == len(lines) else twice


def _goes_back(order: AbstractOrder) -> RefundRefused:
    return RefundRefused(
        "under_way",
        _("A payment of order %(order)s is going back already: wait for it.")
        % {"order": order.public_id},
    )


# --- Products at providers ----------------------------------------------------------------------


def sync_problem(product: Any) -> str:
    """Return why a provider does not take ``product``, for its seller; empty where all is well."""
    return sync_problems([product]).get(product.pk, "")


def sync_problems(products: Iterable[Any]) -> dict[Any, str]:
    """Return, by primary key, why providers do not take some of ``products``. One query."""
    keys = {str(product.pk): product.pk for product in products}
    failed = ProviderItem.objects.filter(product__in=keys, state=ItemState.FAILED)
    problems: dict[Any, list[str]] = {}
    for item in failed.order_by("alias", "kind"):
        problems.setdefault(keys[item.product], []).append(
            _("The payment provider “%(alias)s” does not take it: %(error)s")
            % {"alias": item.alias, "error": item.error}
        )
    return {pk: " ".join(texts) for pk, texts in problems.items()}


def invoiced_payment(order: AbstractOrder) -> AbstractPayment | None:
    """Return the payment of an order whose provider makes invoices: the latest; or None."""
    payments = get_payment_model().objects.filter(order=order.pk, state=PaymentState.SUCCEEDED)
    for payment in payments.exclude(provider_reference=None).order_by("-pk"):
        if _provider_can(payment.alias, "supports_invoices"):
            return payment
    return None


def portal_of(customer: Any) -> tuple[str, str] | None:
    """Return alias and id of a customer at a provider that has pages for them: the latest; or None.

    Only ids that the customer's own payments brought: whoever opens that page sees what it holds.
    """
    payments = get_payment_model().objects.filter(order__customer=customer)
    known = payments.exclude(provider_customer="").order_by("-pk")
    for alias, reference in known.values_list("alias", "provider_customer"):
        if _provider_can(alias, "supports_portal"):
            return alias, reference
    return None


def _provider_can(alias: str, flag: str) -> bool:
    """Tell whether the provider is still there, and can do something."""
    try:
        return alias in payment_backends and bool(getattr(payment_backends[alias], flag))
    except InvalidBackend:
        return False
