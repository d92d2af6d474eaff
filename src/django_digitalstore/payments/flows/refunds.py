"""Refunds: an intention, written before the provider is asked, and never sent again blindly.

A request is written under its payment's mutex, as everything about that payment is. What the
provider did is a ``Refund``, merged by ``apply_events`` whoever asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from django_digitalstore.core import locks, outbox
from django_digitalstore.core.flow import flow, retry_transaction
from django_digitalstore.core.models import OutboxMessage, OutboxState
from django_digitalstore.core.money import display_money
from django_digitalstore.core.provider_calls import call_provider, refuse_in_transaction
from django_digitalstore.payments import (
    get_order_model,
    get_payment_model,
    get_refund_model,
    policies,
)
from django_digitalstore.payments.backends import (
    RefundAbility,
    RefundIntent,
    UnsupportedByBackend,
    payment_backends,
)
from django_digitalstore.payments.choices import RefundState
from django_digitalstore.payments.events import PaymentEvent, RefundReported
from django_digitalstore.payments.exceptions import (
    ProviderRefused,
    RefundRefused,
    RefundUnsettled,
)
from django_digitalstore.payments.models import RefundRequest, RefundRequestState, new_refund_key

from .reports import apply_events, payment_key
from .settling import lock_order, settle

if TYPE_CHECKING:
    from django_digitalstore.payments.abstract_models import AbstractOrder, AbstractPayment
    from django_digitalstore.payments.policies import Refundable

__all__ = [
    "refund_second_payment",
    "request_refund",
    "resolve_refund_request",
    "retry_refund",
    "send_refund",
]

REFUND = "payments.refund"
_KEY = re.compile(r"ref_[0-9a-f]{28}")
_PARTS = (RefundAbility.ITEMS, RefundAbility.AMOUNT)

Items = list[list[Any]]


@flow
def request_refund(
    payment: AbstractPayment,
    *,
    amount: int | None = None,
    lines: Iterable[Any] | None = None,
    actor: Any,
    reason: str,
    key: str = "",
) -> RefundRequest:
    """Write down that ``payment`` is to be refunded; the outbox asks its provider after the commit.

    In full, which is all that is left; by ``lines`` of its order; by ``amount``, in minor units of
    the payment's currency; or by both, so much of one line. The same request twice is one: while it
    is under way, and for ever where ``key`` (``models.new_refund_key()``, of the form that asked)
    is the same. A refused request of the payment counts as handled by the next one. Raises
    ``RefundRefused`` with a message for who asked; nothing is written then. One transaction, no
    network.
    """
    if key and not _KEY.fullmatch(key):
        raise _broken_key()
    payment = lock_payment(payment)
    if key and (known := RefundRequest.objects.filter(key=key).first()) is not None:
        if (known.alias, known.payment_reference) != (payment.alias, payment.provider_reference):
            raise _broken_key()
        return known
    refundable = policies.refundable(payment)
    wanted, items = wanted_parts(refundable, amount, None if lines is None else list(lines))
    return _request(refundable, wanted, items, actor=actor, reason=reason, key=key)


def _broken_key() -> RefundRefused:
    return RefundRefused("key", _("This form is broken: open it again."))


def lock_payment(payment: AbstractPayment) -> AbstractPayment:
    """Take the payment's mutex and its order's lock, and read it again."""
    if payment.provider_reference is not None:
        locks.take(payment_key(payment.alias, payment.provider_reference))
    lock_order(payment.order_id)
    return get_payment_model().objects.select_related("order").get(pk=payment.pk)


def wanted_parts(
    refundable: Refundable, amount: int | None, lines: list[Any] | None
) -> tuple[int | None, Items]:
    """Return amount and items of what is asked for. Raises ``RefundRefused``."""
    if amount is not None and (not isinstance(amount, int) or isinstance(amount, bool)):
        raise TypeError(f"amount={amount!r} – write an int in minor units.")
    if amount is not None and amount <= 0:
        raise RefundRefused("amount", _("Refund more than nothing."))
    if lines is None and refundable.ability == RefundAbility.ITEMS and amount is not None:
        if len(refundable.lines) > 1:
            raise RefundRefused("which_line", _("This provider refunds by line: choose the line."))
        lines = [refundable.lines[0].line]
    if lines is None:
        if amount is not None and refundable.ability not in _PARTS and amount != refundable.rest:
            raise _not_in_part()
        return (None if amount == refundable.rest else amount), []
    if refundable.ability not in _PARTS:
        raise _not_in_part()
    known = {part.line.pk: part for part in refundable.lines}
    chosen: list[Any] = list(dict.fromkeys(getattr(line, "pk", None) for line in lines))
    if not chosen or any(pk not in known for pk in chosen):
        raise RefundRefused("foreign_line", _("Choose lines of the order that was paid."))
    if amount is not None and len(chosen) > 1:
        raise RefundRefused("which_line", _("An amount is of one line: choose one."))
    parts = [known[pk] for pk in chosen]
    for part in parts:
        if part.rest == 0:
            raise RefundRefused(
                "line_refunded",
                _("“%(line)s” was refunded already, or nothing was paid for it.")
                % {"line": part.line.name},
            )
    items: Items = [[part.item, part.rest if amount is None else amount] for part in parts]
    return sum(int(part_amount) for _item, part_amount in items), items


def _not_in_part() -> RefundRefused:
    return RefundRefused("not_in_part", _("This provider refunds a payment in full only."))


def check_parts(refundable: Refundable, amount: int | None, items: Items) -> None:
    """Refuse more than there is, of the payment or of one line."""
    rests = {part.item: part.rest for part in refundable.lines}
    for item, part_amount in items:
        if part_amount > rests.get(item, 0):
            raise _too_much(rests.get(item, 0), refundable.currency)
    if amount is not None and amount > refundable.rest:
        raise _too_much(refundable.rest, refundable.currency)


def _too_much(rest: int, currency: str) -> RefundRefused:
    return RefundRefused(
        "too_much",
        _("This is more than what is left: %(rest)s.") % {"rest": display_money(rest, currency)},
    )


def _request(
    refundable: Refundable, amount: int | None, items: Items, *, actor: Any, reason: str, key: str
) -> RefundRequest:
    """Write the request, under the payment's mutex and its order's lock."""
    if not reason.strip():
        raise RefundRefused("reason", _("Say why: a refund needs a reason."))
    payment = refundable.payment
    under_way = policies.refund_under_way(payment)
    if under_way is not None:
        same = (under_way.amount, under_way.items) == (amount, items)
        if same and under_way.state != RefundRequestState.DOUBTFUL:
            return under_way
        raise RefundRefused(
            "under_way",
            _(
                "A refund of this payment is under way (%(key)s): wait for it, or decide what "
                "became of it."
            )
            % {"key": under_way.key},
        )
    check_parts(refundable, amount, items)
    # The provider said for certain that it did nothing: this request takes its place.
    refused = RefundRequest.objects.filter(
        alias=payment.alias,
        payment_reference=payment.provider_reference,
        state=RefundRequestState.REFUSED,
    )
    superseded = refused.update(state=RefundRequestState.HANDLED)
    request = RefundRequest.objects.create(
        key=key or new_refund_key(),
        order_reference=payment.order.public_id,
        alias=payment.alias,
        payment_reference=payment.provider_reference,
        amount=amount,
        currency=payment.currency,
        items=items,
        reason=reason.strip()[:500],
        actor=actor,
    )
    if superseded:
        settle(lock_order(payment.order_id))
    outbox.enqueue(REFUND, _outbox_key(request.key), {"key": request.key})
    return request


def _outbox_key(key: str) -> str:
    return f"refund:{key}"


@flow
def refund_second_payment(
    order: AbstractOrder, *, actor: Any, reason: str, key: str = ""
) -> RefundRequest:
    """Request the refund of what a buyer paid once too often: see ``policies.second_payment``.

    Raises ``RefundRefused``. One transaction, no network.
    """
    # Two people who refund two orders at the same time must not refund both.
    locks.take(f"checkout:{order.customer_id}")
    if key and (known := RefundRequest.objects.filter(key=key).first()) is not None:
        if known.order_reference == order.public_id:
            return known
        raise _broken_key()
    payment, lines = policies.second_payment(order)
    return request_refund(payment, lines=lines, actor=actor, reason=reason, key=key)


# --- Sending ------------------------------------------------------------------------------------


@outbox.handler(REFUND)
def _send(payload: Mapping[str, Any], message: Any) -> None:
    try:
        send_refund(payload["key"])
    except Exception:
        if message.attempts >= outbox.MOST_ATTEMPTS:
            _give_up(payload["key"])
        raise


@flow(atomic=False)
def send_refund(key: str) -> RefundRequest:
    """Ask the provider for the refund of the request ``key``, and return the request as it is then.

    One that was sent, and whose answer nobody recorded, is looked for at the provider: adopted
    where it is found, sent again where it is provably absent, left to a person in doubt. Raises
    ``RefundUnsettled`` where it is too early to say, and whatever the provider raises: the outbox
    calls again. Nothing is done for a request that is answered. Any number of callers at the same
    time. Calls the provider outside any transaction.
    """
    refuse_in_transaction("payments.flows.send_refund()")
    request = RefundRequest.objects.get(key=key)
    backend = payment_backends[request.alias]
    state = retry_transaction(partial(_claim, key))
    if state == RefundRequestState.SENDING:
        found = None
        if backend.supports_fetch_refunds:
            found = call_provider(backend.fetch_refunds, request.payment_reference)
        state = retry_transaction(partial(_look, key, found))
        if state == RefundRequestState.SENDING:
            raise RefundUnsettled(
                f"Refund {key} was sent, and it is too early to say whether it was made – it is "
                f"looked for again after DIGITALSTORE_REFUND_SETTLE_AGE."
            )
    if state != RefundRequestState.REQUESTED:
        return RefundRequest.objects.get(key=key)
    intent = RefundIntent(
        key=key,
        payment=request.payment_reference,
        amount=request.amount,
        currency=request.currency,
        reason=request.reason,
        items=tuple((str(item), int(amount)) for item, amount in request.items),
    )
    try:
        answer = call_provider(backend.refund, intent)
    except ProviderRefused as error:
        _conclude(key, RefundRequestState.REFUSED, f"{error.code}: {error}")
    except UnsupportedByBackend as error:
        _conclude(key, RefundRequestState.REFUSED, f"unsupported: {error}")
    except Exception as error:
        _note(key, f"{type(error).__name__}: {error}")
        raise
    else:
        _record(request, answer)
    return RefundRequest.objects.get(key=key)


def _locked_request(key: str) -> RefundRequest:
    """Take the mutex of the request's payment and read the request again. In a transaction."""
    request = RefundRequest.objects.get(key=key)
    locks.take(payment_key(request.alias, request.payment_reference))
    return RefundRequest.objects.get(key=key)


def _claim(key: str) -> str:
    """Mark a fresh request as being sent, and return the state in which it was found."""
    request = _locked_request(key)
    if request.state == RefundRequestState.REQUESTED:
        payment = get_payment_model().objects.get(
            alias=request.alias, provider_reference=request.payment_reference
        )
        try:
            # Much may have happened since it was asked for: a refund in the dashboard, a dispute.
            check_parts(policies.refundable(payment), request.amount, request.items)
        except RefundRefused as error:
            _write_conclusion(request, RefundRequestState.REFUSED, f"{error.code}: {error}")
            return RefundRequestState.REFUSED
        RefundRequest.objects.filter(pk=request.pk, state=RefundRequestState.REQUESTED).update(
            state=RefundRequestState.SENDING,
            attempts=F("attempts") + 1,
            sent_at=timezone.now(),
        )
    return request.state


def _look(key: str, found: Sequence[RefundReported] | None) -> str:
    """Apply what the provider knows of refunds, None where it does not tell.

    Return the state of the request: REQUESTED where it is to be sent again, SENDING where it is
    too early to say.
    """
    request = _locked_request(key)
    if found:
        apply_events(request.alias, found)
        request = RefundRequest.objects.get(pk=request.pk)
    if request.state != RefundRequestState.SENDING:
        return request.state
    now = timezone.now()
    assert request.sent_at is not None
    is_early = now - request.sent_at < settings.DIGITALSTORE_REFUND_SETTLE_AGE
    unexplained = _unexplained(request, found or ())
    if unexplained:
        doubt = _("It may be one of these refunds at the provider: %(refunds)s.")
        doubt %= {"refunds": ", ".join(unexplained)}
    elif is_early:
        return request.state
    elif found is None:
        doubt = _("The provider did not answer, and cannot tell what refunds it made.")
    else:
        RefundRequest.objects.filter(pk=request.pk).update(attempts=F("attempts") + 1, sent_at=now)
        return RefundRequestState.REQUESTED
    _write_conclusion(request, RefundRequestState.DOUBTFUL, doubt)
    return RefundRequestState.DOUBTFUL


def _unexplained(request: RefundRequest, found: Sequence[RefundReported]) -> list[str]:
    """Return the refunds at the provider that may be what the request asked for."""
    of_payment = {"alias": request.alias, "payment_reference": request.payment_reference}
    others = RefundRequest.objects.filter(**of_payment).exclude(pk=request.pk)
    references = {other.provider_reference for other in others}
    earlier = get_refund_model().objects.filter(**of_payment, created_at__lt=request.requested_at)
    references.update(earlier.values_list("provider_reference", flat=True))
    return sorted(
        event.refund
        for event in found
        # One that failed returned nothing, whoever asked for it.
        if event.state != RefundState.FAILED and event.refund not in references
    )


def _record(request: RefundRequest, answer: Sequence[PaymentEvent]) -> None:
    """Apply the provider's answer, which must be about this request."""

    def record() -> None:
        apply_events(request.alias, answer)
        if RefundRequest.objects.filter(pk=request.pk, provider_reference="").exists():
            raise ValueError(
                f"{type(payment_backends[request.alias]).__name__}.refund() must return a "
                f"RefundReported with the key of its intent."
            )

    retry_transaction(record)


def _note(key: str, error: str) -> None:
    """Keep why the last sending was not answered, for who looks."""
    sending = RefundRequest.objects.filter(key=key, state=RefundRequestState.SENDING)
    retry_transaction(partial(sending.update, error=error[:500]))


def _conclude(key: str, state: RefundRequestState, error: str) -> None:
    def conclude() -> None:
        request = _locked_request(key)
        if request.state == RefundRequestState.SENDING:
            _write_conclusion(request, state, error)

    retry_transaction(conclude)


def _write_conclusion(request: RefundRequest, state: RefundRequestState, error: str) -> None:
    """Write what a person must know, and flag the order. Needs the payment's mutex."""
    order = _lock_order_of(request)
    RefundRequest.objects.filter(pk=request.pk).update(state=state, error=error[:500])
    settle(order)


def _lock_order_of(request: RefundRequest) -> AbstractOrder:
    return get_order_model().objects.select_for_update().get(public_id=request.order_reference)


def _give_up(key: str) -> None:
    """Hand to a person what could not be sent for as long as the outbox tries."""

    def give_up() -> None:
        request = _locked_request(key)
        if request.state == RefundRequestState.REQUESTED:
            text = _("It was never sent: the provider could not be reached.")
            _write_conclusion(request, RefundRequestState.REFUSED, text)
        elif request.state == RefundRequestState.SENDING:
            text = _("The provider did not say what became of it: %(error)s")
            _write_conclusion(request, RefundRequestState.DOUBTFUL, text % {"error": request.error})

    retry_transaction(give_up)


# --- What people decide -------------------------------------------------------------------------


@flow
def retry_refund(
    request: RefundRequest, *, actor: Any, reason: str, key: str = ""
) -> RefundRequest:
    """Ask again for what was refused, or what a person knows was not done; return the new request.

    The old one counts as handled. One that is still under way is tried now. Raises
    ``RefundRefused``, as ``request_refund`` does, and where the request is answered already.
    """
    request = _locked_request(request.key)
    order = _lock_order_of(request)
    if request.state in (RefundRequestState.REQUESTED, RefundRequestState.SENDING):
        messages = OutboxMessage.objects.filter(key=_outbox_key(request.key))
        given_up = messages.filter(state=OutboxState.FAILED).values_list("pk", flat=True)
        if not outbox.requeue(given_up):
            raise RefundRefused("under_way", _("It is under way, and is tried again by itself."))
        return request
    if request.state not in (RefundRequestState.REFUSED, RefundRequestState.DOUBTFUL):
        raise _settled()
    RefundRequest.objects.filter(pk=request.pk).update(state=RefundRequestState.HANDLED)
    payment = (
        get_payment_model()
        .objects.select_related("order")
        .get(alias=request.alias, provider_reference=request.payment_reference)
    )
    again = _request(
        policies.refundable(payment),
        request.amount,
        request.items,
        actor=actor,
        reason=reason,
        key=key,
    )
    settle(order)
    return again


@flow
def resolve_refund_request(request: RefundRequest, *, actor: Any, reason: str) -> RefundRequest:
    """Say that a person has settled what became of a request; it is never sent again.

    What the provider reports of it later still counts. Raises ``RefundRefused`` where it is
    answered already. One transaction, no network.
    """
    if not reason.strip():
        raise RefundRefused("reason", _("Say why: a refund needs a reason."))
    request = _locked_request(request.key)
    if request.state in (RefundRequestState.SENT, RefundRequestState.HANDLED):
        raise _settled()
    order = _lock_order_of(request)
    RefundRequest.objects.filter(pk=request.pk).update(state=RefundRequestState.HANDLED)
    settle(order)
    return RefundRequest.objects.get(pk=request.pk)


def _settled() -> RefundRefused:
    return RefundRefused("settled", _("Nothing is open here: see what became of it."))
