"""Checkout: place an order, open an attempt to pay it at its provider."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Mapping, Sequence
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

from django_digitalstore.core import guard, locks
from django_digitalstore.core.exceptions import GuardedWrite
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction
from django_digitalstore.entitlements.flows import lock_access
from django_digitalstore.payments import (
    get_order_line_model,
    get_order_model,
    get_payment_model,
    policies,
)
from django_digitalstore.payments.backends import (
    CheckoutAttempt,
    CheckoutLine,
    payment_backends,
)
from django_digitalstore.payments.choices import FREE, OrderStatus, PaymentState
from django_digitalstore.payments.exceptions import (
    CheckoutRefused,
    CheckoutUnavailable,
    ItemNotSynced,
    ProviderRefused,
)
from django_digitalstore.payments.fulfilments import get_fulfilment

from .items import check_price, doubt_items, ensure_line, item_aliases
from .reports import checkout_key
from .settling import lock_order, settle

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder, AbstractPayment

__all__ = ["LineRequest", "open_checkout", "retry_checkout", "start_checkout"]

logger = logging.getLogger(__name__)

#: How long an unpaid order is found again by the same buyer who buys the same.
REUSE_ORDER = timedelta(hours=24)

_WAIT_FOR_OTHER = 10.0  # seconds that a second click waits for what the first one opens


@dataclass(frozen=True, slots=True)
class LineRequest:
    """Something to buy: a product and the kind of line (``DIGITALSTORE_FULFILMENTS``)."""

    product: Any
    kind: str = "product"


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
        alias, email, country, [(k, p.pk, q.name, q.unit_price, q.currency) for k, p, q in quoted]
    )
    order = _unpaid_order(customer, fingerprint)
    is_new = order is None
    # In the order of locks: a payment that lands now waits for us, or we see what it gave.
    lock_access((customer, product) for _kind, product, _quote in quoted)
    policies.check_buyer(customer, quoted)
    _refuse_second_payment(customer, [(kind, product) for kind, product, _quote in quoted], order)
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
    return _attempt(order, alias, is_new=is_new)


def _own_fields(order_fields: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what goes into the host's own columns of an order; refuse those of the suite."""
    # Models are there once the apps are loaded.
    from django_digitalstore.payments.abstract_models import AbstractOrder

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


def _refuse_second_payment(
    customer: Any, lines: Sequence[tuple[str, Any]], order: AbstractOrder | None
) -> None:
    """Refuse to sell what another unpaid order of the buyer is being paid for, kind by kind."""
    for kind in sorted({kind for kind, _product in lines}):
        products = [product for of_kind, product in lines if of_kind == kind]
        others = policies.orders_being_paid(customer, products, kind=kind)
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

    Its lines and prices are those of the order. Raises ``CheckoutRefused`` where it is paid, a
    line may not be bought any more, or its price has changed at a provider that keeps prices
    itself. One transaction, no network.
    """
    locks.take(f"checkout:{order.customer_id}")
    locked = lock_order(order.pk)
    if locked.status not in policies.UNPAID:
        raise CheckoutRefused("settled", _("This order is paid already."))
    if policies.is_being_paid(locked):
        raise CheckoutRefused(
            "being_paid", _("A payment of this order is on its way. Please wait for it.")
        )
    lines = list(locked.lines.select_related("product"))
    lock_access((locked.customer, line.product) for line in lines)
    _refuse_second_payment(locked.customer, [(line.kind, line.product) for line in lines], locked)
    price_is_elsewhere = bool(locked.total) and alias in item_aliases()
    for line in lines:
        if not line.product.is_for_sale:
            raise CheckoutRefused(
                "not_for_sale", _("“%(product)s” is not for sale.") % {"product": line.name}
            )
        get_fulfilment(line.kind).check_buyer(locked.customer, line.product)
        if price_is_elsewhere:
            check_price(locked, line, line.product)
    return _attempt(locked, alias if locked.total else FREE)


def _attempt(order: AbstractOrder, alias: str, *, is_new: bool = False) -> AbstractPayment:
    """Return the attempt of ``order`` that is under way or add one; a free one is paid at once."""
    now = timezone.now()
    payment = None if is_new else _under_way(order, alias, now)
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
            settle(lock_order(order.pk))
    if alias == FREE:
        guard.update(
            payment, state=PaymentState.SUCCEEDED, state_at=now, provider_reference=payment.key
        )
        settle(lock_order(order.pk))
    return payment


def _under_way(order: AbstractOrder, alias: str, now: datetime) -> AbstractPayment | None:
    usable = Q(state__in=[PaymentState.CREATED, PaymentState.PROCESSING]) | Q(
        Q(checkout_expires_at=None) | Q(checkout_expires_at__gt=now), state=PaymentState.OPEN
    )
    attempts = list(get_payment_model().objects.filter(usable, order_id=order.pk, alias=alias))
    # Money on its way comes first: another checkout beside it would be paid twice.
    on_its_way = [p for p in attempts if p.state == PaymentState.PROCESSING]
    return next(iter(on_its_way or attempts), None)


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
            placed_at__gt=timezone.now() - REUSE_ORDER,
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
    and can be opened again. Raises ``CheckoutRefused`` where a provider that keeps prices itself
    is to be paid, and one has changed. Calls the provider outside any transaction.
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
        cart, checkout = _ask_for_checkout(payment, return_url, cancel_url, deadline)
    except CheckoutRefused:
        claimed = model.objects.filter(pk=payment.pk, opening_at=now)
        retry_transaction(partial(guard.update, claimed, opening_at=None))
        raise
    except Exception as error:
        logger.exception(
            "Provider %r could not open a checkout for order %s.",
            payment.alias,
            payment.order.public_id,
        )
        failure = f"{type(error).__name__}: {error}"[:500]
        claimed = model.objects.filter(pk=payment.pk, opening_at=now)
        retry_transaction(partial(guard.update, claimed, opening_at=None, failure=failure))
        if not isinstance(error, ItemNotSynced) and payment.alias in item_aliases():
            # Somebody may have deleted a product in the provider's dashboard.
            doubt_items(payment.alias, payment.order.lines.values_list("product_id", flat=True))
        raise CheckoutUnavailable(_apology(error)) from error
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
    from django_digitalstore.payments.inbox import process_waiting  # the inbox builds on flows

    process_waiting(checkout_key(payment.alias, checkout.reference))
    return model.objects.select_related("order").get(pk=payment.pk)


def _apology(error: Exception) -> str:
    """Return what the buyer is told; the seller reads the error itself, in the admin."""
    if not isinstance(error, ItemNotSynced):
        return _("The payment provider does not answer. Nothing was charged; please try again.")
    if error.is_busy:
        return _("Your checkout is being prepared. Please try again in a minute.")
    return _(
        "This can't be paid for at the moment: the payment provider does not have it yet. "
        "Nothing was charged; please try again later."
    )


def _known_customer(payment: AbstractPayment) -> str:
    """Return the provider's id of the buyer from an earlier payment; empty where there is none."""
    earlier = get_payment_model().objects.filter(
        order__customer=payment.order.customer_id, alias=payment.alias
    )
    earlier = earlier.exclude(provider_customer="").order_by("-pk")
    return earlier.values_list("provider_customer", flat=True).first() or ""


def _ask_for_checkout(
    payment: AbstractPayment, return_url: str, cancel_url: str, deadline: float
) -> tuple[list[list[Any]], Any]:
    backend = payment_backends[payment.alias]
    order = payment.order
    lines = []
    for line in order.lines.order_by("position"):
        reference = ensure_line(backend, order, line, wait=max(0.0, deadline - time.monotonic()))
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
        customer=_known_customer(payment),
        lines=tuple(lines),
        return_url=return_url,
        cancel_url=cancel_url,
    )
    try:
        checkout = call_provider(backend.create_checkout, attempt)
    except ProviderRefused:
        if not attempt.customer:
            raise
        # Perhaps it does not know the buyer any more: deleted in its dashboard, or of a test mode
        # or an account that this alias had before. A new customer is as good.
        checkout = call_provider(backend.create_checkout, replace(attempt, customer=""))
    if not 0 < len(checkout.reference) <= 200 or not 0 < len(checkout.url) <= 2000:
        raise ValueError(
            f"{type(backend).__name__}.create_checkout() must return a reference of 1 to 200 and a "
            f"url of 1 to 2000 characters."
        )
    return [[line.item, line.quantity] for line in lines], checkout
