"""The verbs of money, and the only writers of orders, payments, refunds and disputes.

Order of locks, everywhere: inbox message → payment mutex → order → mutex of (user, product) → rows.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from babel import Locale
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import guard, locks, outbox
from django_digitalstore.core.exceptions import GuardedWrite
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction
from django_digitalstore.entitlements.exceptions import AccessWithheld
from django_digitalstore.entitlements.flows import lock_access

from . import (
    get_dispute_model,
    get_order_line_model,
    get_order_model,
    get_payment_model,
    get_refund_model,
    policies,
)
from .backends import CheckoutAttempt, CheckoutLine, Item, payment_backends
from .choices import Attention, Discrepancy, OrderStatus, PaymentState
from .emails import RECEIPT
from .events import DisputeReported, PaymentEvent, PaymentReported, RefundReported
from .exceptions import CheckoutRefused, CheckoutUnavailable
from .facts import OrderFacts, dispute_version, payment_version, refund_version
from .fulfilments import get_fulfilment
from .signals import order_paid, order_status_changed

if TYPE_CHECKING:
    from .abstract_models import AbstractOrder, AbstractPayment

__all__ = [
    "Applied",
    "LineRequest",
    "apply_events",
    "expire_checkouts",
    "open_checkout",
    "refresh_order",
    "retry_checkout",
    "settle_order",
    "start_checkout",
]

logger = logging.getLogger(__name__)

#: Alias of payments that need no provider, because the total is zero.
FREE = "free"

_WAIT_FOR_OTHER = 10.0  # seconds that a second click waits for what the first one opens
_REUSE_ORDER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class LineRequest:
    """Something to buy: a product and the kind of line (``DIGITALSTORE_FULFILMENTS``)."""

    product: Any
    kind: str = "product"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of facts: ``waits_for`` names what they wait for, or is empty.

    ``unmatched`` says that a payment belongs to no checkout that we created.
    """

    waits_for: str = ""
    unmatched: bool = False
    reason: str = ""
    #: Public id of the order that the facts belong to; of one, where they belong to several.
    order: str = ""


# --- Checkout -------------------------------------------------------------------------------


@flow
def start_checkout(
    customer: Any,
    lines: Sequence[LineRequest],
    *,
    email: str,
    country: str = "",
    alias: str = "default",
    order_fields: Mapping[str, Any] | None = None,
) -> AbstractPayment:
    """Place an order, or find the same one unpaid, and return the attempt that is to pay it.

    Prices come from the database, now, and are frozen. A total of zero is paid here and now.
    ``order_fields`` fills columns of the host's own; ``GuardedWrite`` for one of ours. Raises
    ``CheckoutRefused`` (``AlreadyOwned`` among them) with a message for the buyer; nothing is
    written then. One transaction, no network: ``open_checkout`` asks the provider afterwards.
    """
    _check_billing(email, country)
    own = _own_fields(order_fields)
    locks.take(f"checkout:{customer.pk}")
    quoted = policies.quote_lines(customer, lines)
    currency = quoted[0][2].currency
    total = sum(quote.unit_price for *__, quote in quoted)
    if total == 0:
        alias = FREE
    else:
        payment_backends[alias]  # raises InvalidBackend before anything is written
    fingerprint = _fingerprint(
        alias, email, country, [(k, p.pk, q.unit_price, q.currency) for k, p, q in quoted]
    )
    order = _unpaid_order(customer, fingerprint)
    # In the order of locks: a payment that lands now waits for us, or we see what it gave.
    lock_access((customer, product) for _kind, product, _quote in quoted)
    policies.check_buyer(customer, quoted)
    _refuse_second_payment(customer, [product for _kind, product, _quote in quoted], order)
    if order is None:
        now = timezone.now()
        order = guard.insert(
            get_order_model()(
                customer=customer,
                email=email,
                country=country,
                currency=currency,
                subtotal=total,
                total=total,
                fingerprint=fingerprint,
                placed_at=now,
                updated_at=now,
                **own,
            )
        )
        for position, (kind, product, quote) in enumerate(quoted, start=1):
            guard.insert(
                get_order_line_model()(
                    order=order,  # type: ignore[misc]  # the plugin wants the host's class
                    position=position,
                    kind=kind,
                    product=product,
                    name=quote.name,
                    unit_price=quote.unit_price,
                    quantity=1,
                    total=quote.unit_price,
                )
            )
    elif own:
        for name, value in own.items():
            setattr(order, name, value)
        order.save(update_fields=list(own))
    return _attempt(order, alias)


def _own_fields(order_fields: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what goes into the host's own columns of an order; refuse those of the suite."""
    from .abstract_models import AbstractOrder  # models are there once the apps are loaded

    own = dict(order_fields or {})
    ours = {field.name for field in AbstractOrder._meta.local_fields}
    columns = {f.name for f in get_order_model()._meta.local_concrete_fields if not f.primary_key}
    for name in own:
        if name not in columns - ours:
            raise GuardedWrite(
                f"start_checkout(order_fields=…) – {name!r} is no column of your own on the order "
                f"– name only fields that your order model adds to AbstractOrder."
            )
    return own


def _check_billing(email: str, country: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise CheckoutRefused("email", _("This is not an e-mail address.")) from None
    if country and country not in Locale("en").territories:
        raise CheckoutRefused("country", _("This is not a country: choose one from the list."))


def _refuse_second_payment(customer: Any, products: list[Any], order: AbstractOrder | None) -> None:
    """Refuse to sell what another unpaid order of the buyer is being paid for."""
    others = policies.orders_being_paid(customer, products)
    if order is not None:
        others = others.exclude(pk=order.pk)
    other = others.first()
    if other is not None:
        raise CheckoutRefused(
            "being_paid",
            _("A payment for this is on its way: order %(order)s. Please wait for it.")
            % {"order": other.public_id},
        )


@flow
def retry_checkout(order: AbstractOrder, *, alias: str = "default") -> AbstractPayment:
    """Return an attempt to pay an unpaid order: the open one, or a new one.

    Its lines and prices are those of the order. Raises ``CheckoutRefused`` where it is paid, or a
    line may not be bought any more. One transaction, no network.
    """
    locks.take(f"checkout:{order.customer_id}")
    locked = _lock_order(order.pk)
    if locked.status not in policies.UNPAID:
        raise CheckoutRefused("settled", _("This order is paid already."))
    if policies.is_being_paid(locked):
        raise CheckoutRefused(
            "being_paid", _("A payment of this order is on its way. Please wait for it.")
        )
    lines = list(locked.lines.select_related("product"))
    lock_access((locked.customer, line.product) for line in lines)
    _refuse_second_payment(locked.customer, [line.product for line in lines], locked)
    for line in lines:
        if not line.product.is_for_sale:
            raise CheckoutRefused(
                "not_for_sale", _("“%(product)s” is not for sale.") % {"product": line.name}
            )
        get_fulfilment(line.kind).check_buyer(locked.customer, line.product)
    return _attempt(locked, alias if locked.total else FREE)


def _attempt(order: AbstractOrder, alias: str) -> AbstractPayment:
    """Return the attempt of ``order`` that is under way or add one; a free one is paid at once."""
    now = timezone.now()
    usable = Q(state__in=[PaymentState.CREATED, PaymentState.PROCESSING]) | Q(
        Q(checkout_expires_at=None) | Q(checkout_expires_at__gt=now), state=PaymentState.OPEN
    )
    attempts = list(get_payment_model().objects.filter(usable, order=order, alias=alias))
    # Money on its way comes first: another checkout beside it would be paid twice.
    on_its_way = [p for p in attempts if p.state == PaymentState.PROCESSING]
    payment = next(iter(on_its_way or attempts), None)
    if payment is None:
        payment = guard.insert(
            get_payment_model()(
                order=order,  # type: ignore[misc]
                alias=alias,
                amount=order.total,
                currency=order.currency,
                created_at=now,
            )
        )
        if order.status != OrderStatus.PENDING and order.paid_at is None:
            _settle(_lock_order(order.pk))
    if alias == FREE:
        guard.update(
            payment, state=PaymentState.SUCCEEDED, state_at=now, provider_reference=payment.key
        )
        _settle(_lock_order(order.pk))
    return payment


def _fingerprint(alias: str, email: str, country: str, lines: list[tuple[Any, ...]]) -> str:
    content = [alias, email, country, sorted([str(part) for part in line] for line in lines)]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _unpaid_order(customer: Any, fingerprint: str) -> AbstractOrder | None:
    """Return the same order, unpaid and locked, or None."""
    return (
        get_order_model()
        .objects.select_for_update()
        .filter(
            customer=customer,
            fingerprint=fingerprint,
            status__in=policies.UNPAID,
            attention="",
            placed_at__gt=timezone.now() - _REUSE_ORDER,
        )
        .first()
    )


@flow(atomic=False)
def open_checkout(
    payment: AbstractPayment, *, return_url: str, cancel_url: str, wait: float = _WAIT_FOR_OTHER
) -> AbstractPayment:
    """Open the checkout of an attempt at its provider, once, and return the attempt with its URL.

    Whoever comes second waits, at most ``wait`` seconds, for the first. Raises
    ``CheckoutUnavailable`` with a message for the buyer when the provider fails; the attempt stays
    and can be opened again. Calls the provider outside any transaction.
    """
    refuse_in_transaction("payments.flows.open_checkout()")
    model = get_payment_model()
    deadline = time.monotonic() + wait
    while True:
        payment = model.objects.select_related("order").get(pk=payment.pk)
        if payment.state != PaymentState.CREATED or payment.order.status not in policies.UNPAID:
            return payment
        now = timezone.now()
        stale = now - settings.DIGITALSTORE_CHECKOUT_OPENING_AGE
        free = model.objects.filter(Q(opening_at=None) | Q(opening_at__lt=stale))
        claim = free.filter(pk=payment.pk, state=PaymentState.CREATED)
        if retry_transaction(partial(guard.update, claim, opening_at=now)):
            break
        if time.monotonic() >= deadline:
            raise CheckoutUnavailable(
                _("Your checkout is being prepared. Please try again in a minute.")
            )
        time.sleep(0.1)
    try:
        cart, checkout = _ask_for_checkout(payment, return_url, cancel_url)
    except Exception as error:
        logger.exception(
            "Provider %r could not open a checkout for order %s.",
            payment.alias,
            payment.order.public_id,
        )
        failure = f"{type(error).__name__}: {error}"[:500]
        claimed = model.objects.filter(pk=payment.pk, opening_at=now)
        retry_transaction(partial(guard.update, claimed, opening_at=None, failure=failure))
        raise CheckoutUnavailable(
            _("The payment provider does not answer. Nothing was charged; please try again.")
        ) from error
    recorded = retry_transaction(
        partial(
            guard.update,
            model.objects.filter(pk=payment.pk, state=PaymentState.CREATED, opening_at=now),
            checkout_reference=checkout.reference,
            checkout_url=checkout.url,
            checkout_expires_at=checkout.expires_at,
            cart=cart,
            state=PaymentState.OPEN,
            failure="",
        )
    )
    if not recorded:
        # We were slow, and another request took over: the buyer follows that one's checkout.
        return model.objects.select_related("order").get(pk=payment.pk)
    from .inbox import process_waiting  # the inbox builds on flows

    process_waiting(checkout_key(payment.alias, checkout.reference))
    return model.objects.select_related("order").get(pk=payment.pk)


def _ask_for_checkout(
    payment: AbstractPayment, return_url: str, cancel_url: str
) -> tuple[list[list[Any]], Any]:
    backend = payment_backends[payment.alias]
    order = payment.order
    lines = []
    for line in order.lines.order_by("position"):
        item = Item(
            kind=line.kind,
            product=str(line.product_id),
            name=line.name,
            amount=line.unit_price,
            currency=order.currency,
        )
        reference = call_provider(backend.ensure_item, item)
        lines.append(
            CheckoutLine(
                item=reference, name=line.name, unit_price=line.unit_price, quantity=line.quantity
            )
        )
    attempt = CheckoutAttempt(
        key=payment.key,
        order=order.public_id,
        amount=payment.amount,
        currency=payment.currency,
        email=order.email,
        country=order.country,
        lines=tuple(lines),
        return_url=return_url,
        cancel_url=cancel_url,
    )
    checkout = call_provider(backend.create_checkout, attempt)
    if not 0 < len(checkout.reference) <= 200 or not 0 < len(checkout.url) <= 2000:
        raise ValueError(
            f"{type(backend).__name__}.create_checkout() must return a reference of 1 to 200 and a "
            f"url of 1 to 2000 characters."
        )
    return [[line.item, line.quantity] for line in lines], checkout


# --- Facts ----------------------------------------------------------------------------------


def payment_key(alias: str, reference: str) -> str:
    """Return what a refund or dispute waits for, and the name of the payment's mutex."""
    return f"payment:{alias}:{reference}"[:255]


def checkout_key(alias: str, reference: str) -> str:
    """Return what a payment waits for whose checkout we don't know."""
    return f"checkout:{alias}:{reference}"[:255]


@flow
def apply_events(alias: str, events: Sequence[PaymentEvent]) -> Applied:
    """Merge facts, and derive order, access and what follows from all facts together.

    Idempotent, and indifferent to order and repetition. Writes in one transaction, joins the
    caller's; no network.
    """
    if not events:
        return Applied()
    locks.take(*(payment_key(alias, event.payment) for event in events))
    applied = Applied()
    orders: dict[Any, AbstractOrder] = {}
    reports = [event for event in events if isinstance(event, PaymentReported)]
    for report in sorted(reports, key=lambda r: r.payment):
        order, reason = _merge_payment(alias, report)
        if order is None:
            applied = Applied(checkout_key(alias, report.checkout), unmatched=True, reason=reason)
        else:
            orders[order.pk] = order
    for event in events:
        if isinstance(event, PaymentReported):
            continue
        merge = _merge_refund if isinstance(event, RefundReported) else _merge_dispute
        payment = merge(alias, event)  # type: ignore[arg-type]
        if payment is not None:
            orders.setdefault(payment.order_id, payment.order)
        elif not applied.unmatched:
            applied = Applied(payment_key(alias, event.payment))
    for pk in sorted(orders):
        _settle(_lock_order(pk))
    order_id = min((order.public_id for order in orders.values()), default="")
    return replace(applied, order=order_id)


def _lock_order(pk: Any) -> AbstractOrder:
    return get_order_model().objects.select_for_update().get(pk=pk)


def _merge_payment(alias: str, report: PaymentReported) -> tuple[AbstractOrder | None, str]:
    """Merge a payment. Return its locked order; None where it is not for a checkout of ours."""
    model = get_payment_model()
    known = Q(provider_reference=report.payment)
    if report.checkout:
        known |= Q(checkout_reference=report.checkout)
    candidates = model.objects.filter(known, alias=alias)
    order_ids = set(candidates.values_list("order_id", flat=True).order_by())
    if not order_ids:
        return None, f"No checkout {report.checkout!r} of ours."
    if len(order_ids) > 1:
        return None, f"Payment {report.payment!r} belongs to another checkout."
    order = _lock_order(order_ids.pop())
    # Read again behind the lock: two payments of one checkout may arrive at the same time.
    rows = list(candidates.order_by("pk"))
    payment = next((p for p in rows if p.provider_reference == report.payment), None)
    attempt = payment or next((p for p in rows if p.provider_reference is None), None) or rows[0]
    if attempt.checkout_reference != report.checkout:
        return None, f"Payment {report.payment!r} belongs to another checkout."
    if report.cart is not None:
        sold = sorted((str(item), int(quantity)) for item, quantity in attempt.cart)
        if sorted(report.cart) != sold:
            return None, f"The cart of payment {report.payment!r} is not what was sold."
    if payment is None and attempt.provider_reference is not None:
        # A second try within the same checkout: a payment of its own.
        payment = guard.insert(
            model(
                order=order,  # type: ignore[misc]
                alias=alias,
                checkout_reference=attempt.checkout_reference,
                cart=attempt.cart,
                provider_reference=report.payment,
                state=PaymentState.OPEN,
                amount=order.total,
                currency=order.currency,
            )
        )
    payment = payment or attempt
    merged = _payment_values(order, payment, report)
    changed = {name: value for name, value in merged.items() if getattr(payment, name) != value}
    if changed:
        guard.update(payment, **changed)
    _link_early_facts(payment)
    return order, ""


def _payment_values(
    order: AbstractOrder, payment: AbstractPayment, report: PaymentReported
) -> dict[str, Any]:
    """Return the columns of ``payment`` after merging ``report``."""
    values: dict[str, Any] = {"provider_reference": report.payment}
    failure = report.failure[:500]
    old = payment_version(
        payment.state,
        payment.state_at,
        payment.amount,
        payment.currency,
        payment.tax,
        payment.failure,
        payment.discrepancy,
    )
    discrepancy = _discrepancy(order, payment.alias, report)
    new = payment_version(
        report.state,
        report.occurred_at,
        report.amount,
        report.currency,
        report.tax,
        failure,
        discrepancy,
    )
    if new > old:
        values.update(
            state=report.state,
            state_at=report.occurred_at,
            amount=report.amount,
            currency=report.currency,
            tax=report.tax,
            failure=failure,
            discrepancy=discrepancy,
        )
    return values


def _discrepancy(order: AbstractOrder, alias: str, report: PaymentReported) -> str:
    if not payment_backends[alias].charges_exact_amount:
        return ""
    if report.currency != order.currency:
        return Discrepancy.CURRENCY
    return Discrepancy.AMOUNT if report.amount != order.total else ""


def _link_early_facts(payment: AbstractPayment) -> None:
    """Give refunds and disputes that came before their payment to it."""
    for model in (get_refund_model(), get_dispute_model()):
        early = model.objects.filter(
            alias=payment.alias, payment_reference=payment.provider_reference, payment=None
        )
        guard.update(early, payment=payment)


def _payment_of(alias: str, reference: str) -> AbstractPayment | None:
    return (
        get_payment_model()
        .objects.select_related("order")
        .filter(alias=alias, provider_reference=reference)
        .first()
    )


def _merge_refund(alias: str, event: RefundReported) -> AbstractPayment | None:
    """Merge a refund and return its payment, if that is known."""
    items = [list(item) for item in event.items]

    def version(row: Any) -> tuple[Any, ...]:
        return refund_version(
            row.state, row.state_at, row.amount, row.currency, row.is_full, row.items
        )

    values = {
        "state": event.state,
        "state_at": event.occurred_at,
        "amount": event.amount,
        "currency": event.currency,
        "is_full": event.is_full,
        "items": items,
    }
    return _merge_fact(get_refund_model(), alias, event.refund, event.payment, values, version)


def _merge_dispute(alias: str, event: DisputeReported) -> AbstractPayment | None:
    """Merge a dispute and return its payment, if that is known."""

    def version(row: Any) -> tuple[Any, ...]:
        return dispute_version(row.state, row.state_at, row.amount, row.currency)

    values = {
        "state": event.state,
        "state_at": event.occurred_at,
        "amount": event.amount,
        "currency": event.currency,
    }
    return _merge_fact(get_dispute_model(), alias, event.dispute, event.payment, values, version)


def _merge_fact(
    model: Any,
    alias: str,
    reference: str,
    payment_reference: str,
    values: dict[str, Any],
    version: Callable[[Any], tuple[Any, ...]],
) -> AbstractPayment | None:
    payment = _payment_of(alias, payment_reference)
    if payment is not None:
        _lock_order(payment.order_id)
    row = model.objects.filter(alias=alias, provider_reference=reference).first()
    reported = model(
        alias=alias,
        provider_reference=reference,
        payment_reference=payment_reference,
        payment=payment,
        **values,
    )
    if row is None:
        guard.insert(reported)
    elif row.payment_reference != payment_reference:
        logger.warning(
            "%s %s names another payment now; kept as it was.", model.__name__, reference
        )
        return row.payment
    else:
        changes = values if version(reported) > version(row) else {}
        if row.payment_id is None and payment is not None:
            changes = {**changes, "payment": payment}
        if changes:
            guard.update(row, **changes)
    return payment


# --- Deriving -------------------------------------------------------------------------------


@flow
def settle_order(order: AbstractOrder) -> AbstractOrder:
    """Derive status and access of an order from its facts again, and return it fresh.

    Changes nothing where they agree already; heals where something was restored or repaired.
    """
    return _settle(_lock_order(order.pk))


def _settle(order: AbstractOrder) -> AbstractOrder:
    """Make status, attention and access match the facts. Needs the order's lock."""
    facts = OrderFacts.of(
        get_payment_model().objects.filter(order=order),
        get_refund_model().objects.filter(payment__order=order),
        get_dispute_model().objects.filter(payment__order=order),
    )
    attention = _fulfil(order, facts) if any(p.counts for p in facts.payments) else set()
    if facts.is_paid_twice:
        attention.add(Attention.PAID_TWICE)
    if facts.has_discrepancy:
        attention.add(Attention.DISCREPANCY)
    old, new = order.status, facts.status
    changes: dict[str, Any] = {"status": new, "attention": " ".join(sorted(attention))}
    if new not in policies.UNPAID and order.paid_at is None:
        changes["paid_at"] = timezone.now()
        paid = next(p.payment for p in facts.payments if p.counts)
        outbox.enqueue(RECEIPT, f"receipt:{paid.key}", {"order": order.public_id})
        order_paid.send_after_commit(type(order), order=order)
    changes = {name: value for name, value in changes.items() if getattr(order, name) != value}
    if changes:
        guard.update(order, **changes, updated_at=timezone.now())
        if old != new:
            order_status_changed.send_after_commit(type(order), order=order, old=old, new=new)
    return order


def _fulfil(order: AbstractOrder, facts: OrderFacts) -> set[str]:
    """Let every line do, or undo, what each payment that counts supports."""
    lines = list(order.lines.select_related("product", "order__customer").order_by("position"))
    if not lines:
        return set()
    customer = lines[0].order.customer
    lock_access((customer, line.product) for line in lines)
    attention: set[str] = set()
    for payment_facts in facts.payments:
        if not payment_facts.counts:
            continue
        payment = payment_facts.payment
        items = dict(zip((line.pk for line in lines), payment.cart, strict=False))
        for line in lines:
            fulfilment = get_fulfilment(line.kind)
            item = str(items[line.pk][0]) if line.pk in items else ""
            supported, reason = payment_facts.supports(
                item, line.total, dispute_suspends=settings.DIGITALSTORE_DISPUTE_SUSPENDS
            )
            if not supported:
                fulfilment.reverse(line, payment, reason)
                continue
            try:
                fulfilment.fulfil(line, payment)
            except AccessWithheld:
                attention.add(Attention.WITHHELD)
            if fulfilment.is_paid_elsewhere(line):
                attention.add(Attention.PAID_TWICE)
    return attention


# --- Asking the provider --------------------------------------------------------------------


@flow(atomic=False)
def refresh_order(order: AbstractOrder) -> AbstractOrder:
    """Ask the providers of an order's open checkouts what became of them, and apply the answer.

    Errors of a provider are logged and change nothing. Calls providers outside any transaction.
    """
    # A buyer whose card was declined may pay within the same checkout, while that lasts.
    payable = Q(checkout_expires_at=None) | Q(checkout_expires_at__gt=timezone.now())
    # Expired is our own guess: the provider may know of a payment whose webhook was lost.
    expected = [PaymentState.OPEN, PaymentState.PROCESSING, PaymentState.EXPIRED]
    asked = Q(state__in=expected) | Q(
        payable, state__in=[PaymentState.FAILED, PaymentState.CANCELLED]
    )
    from .inbox import process_waiting  # the inbox builds on flows

    refuse_in_transaction("payments.flows.refresh_order()")
    open_attempts = (
        get_payment_model().objects.filter(asked, order=order).exclude(checkout_reference="")
    )
    for alias, reference in sorted(
        set(open_attempts.order_by().values_list("alias", "checkout_reference"))
    ):
        try:
            events = call_provider(payment_backends[alias].fetch_checkout, reference)
        except Exception:
            logger.exception("Provider %r could not be asked about a checkout.", alias)
            continue
        apply_events(alias, events)
        for event in events:
            process_waiting(payment_key(alias, event.payment))
    return get_order_model().objects.get(pk=order.pk)


@flow(atomic=False)
def expire_checkouts(*, now: datetime | None = None) -> int:
    """Mark attempts whose checkout is over and return how many; a late success still wins."""
    now = now or timezone.now()
    over = Q(state=PaymentState.OPEN, checkout_expires_at__lte=now) | Q(
        state=PaymentState.CREATED, created_at__lte=now - _REUSE_ORDER
    )
    found = get_payment_model().objects.filter(over).order_by("pk")
    return sum(_expire(pk, order_id, over) for pk, order_id in found.values_list("pk", "order_id"))


def _expire(pk: Any, order_id: Any, over: Q) -> int:
    def expire() -> int:
        order = _lock_order(order_id)
        rows = guard.update(
            get_payment_model().objects.filter(over, pk=pk), state=PaymentState.EXPIRED
        )
        if rows:
            _settle(order)
        return rows

    return retry_transaction(expire)
