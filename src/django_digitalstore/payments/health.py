"""How the store's money is doing, for staff: what came last, what waits, what is not right.

Reads only, with the same number of queries whatever the tables hold; counts stop at ``MOST``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Q, QuerySet
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from django_digitalstore.core.jobs import PeriodicJob, registered_jobs
from django_digitalstore.core.models import JobRun, OutboxMessage
from django_digitalstore.entitlements import get_purchased_product_model
from django_digitalstore.entitlements.policies import access_without_basis

from . import get_order_model, policies
from .backends import payment_backends
from .choices import OrderStatus, PaymentState
from .inbox import AT_WORK, UNRESOLVED
from .models import (
    InboxMessage,
    InboxSource,
    InboxState,
    ItemState,
    ProviderItem,
    RefundRequest,
    RefundRequestState,
)

__all__ = ["MOST", "STUCK", "Health", "JobHealth", "ProviderHealth", "Sight", "health", "stuck"]

#: Rows that are counted before it says "and more".
MOST = 1000

#: How long a payment may be on its way, and an order wait for its buyer.
_LONG = timedelta(days=1)

#: Why an order may be stuck: value of the admin's filter → what it says.
STUCK: dict[str, Any] = {
    "without_access": gettext_lazy("Paid, and the buyer has no access"),
    "processing": gettext_lazy("Payment on its way for more than a day"),
    "not_opened": gettext_lazy("The provider could not open the checkout"),
    "abandoned": gettext_lazy("Abandoned: not paid within a day"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A number of things, with the page that shows them; ``is_bad`` where a person must look."""

    label: Any
    number: int
    url: str
    is_bad: bool

    @property
    def shown(self) -> str:
        """Return the number in words: counting stops at ``MOST``."""
        return str(self.number) if self.number <= MOST else _("more than %d") % MOST


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderHealth:
    """What a provider sent last, and what of it is not done."""

    alias: str
    last_webhook: datetime | None
    unresolved: list[Sight]

    @property
    def is_bad(self) -> bool:
        """Tell whether a person must look."""
        return any(sight.is_bad for sight in self.unresolved)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHealth:
    """When a periodic job last ran, and how that ended."""

    name: str
    every: timedelta
    last_started: datetime | None
    problem: str

    @property
    def is_bad(self) -> bool:
        """Tell whether a person must look."""
        return bool(self.problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All of it."""

    providers: list[ProviderHealth]
    sights: list[Sight]
    jobs: list[JobHealth] = field(default_factory=list)

    @property
    def problems(self) -> int:
        """Return how many lines a person must look at."""
        sights = [sight for provider in self.providers for sight in provider.unresolved]
        lines: list[Sight | JobHealth] = [*sights, *self.sights, *self.jobs]
        return sum(line.is_bad for line in lines)


def stuck(why: str, now: datetime | None = None) -> QuerySet[Any]:
    """Return the orders that are stuck for one of the reasons of ``STUCK``."""
    orders: QuerySet[Any] = get_order_model().objects.all()
    long_ago = (now or timezone.now()) - _LONG
    unpaid = orders.filter(status__in=policies.UNPAID)
    match why:
        case "without_access":
            return orders.filter(pk__in=policies.paid_without_access().values("order_id"))
        case "processing":
            on_its_way = Q(payments__state=PaymentState.PROCESSING, payments__state_at__lt=long_ago)
            return unpaid.filter(on_its_way).distinct()
        case "not_opened":
            created = Q(payments__state=PaymentState.CREATED)
            return unpaid.filter(created).exclude(payments__failure="").distinct()
        case "abandoned":
            over = Q(status=OrderStatus.EXPIRED) | Q(
                status=OrderStatus.PENDING, placed_at__lt=long_ago
            )
            return orders.filter(over)
    raise KeyError(why)


def health() -> Health:
    """Return how the store's money is doing now."""
    return Health(providers=_providers(), sights=_sights(), jobs=_jobs())


def _providers() -> list[ProviderHealth]:
    at_work = Q(state=InboxState.RECEIVED, received_at__gte=timezone.now() - AT_WORK)
    unresolved = InboxMessage.objects.filter(state__in=UNRESOLVED).exclude(at_work)
    counts: Counter[tuple[str, str]] = Counter()
    rows = unresolved.order_by().values_list("alias", "state").annotate(number=Count("pk"))
    for alias, state, number in rows:
        counts[alias, state] = number
    # A provider that was taken out of the settings may have left something.
    aliases = [*payment_backends, *sorted({alias for alias, _state in counts})]
    return [
        ProviderHealth(
            alias=alias,
            last_webhook=_last_webhook(alias),
            unresolved=[
                Sight(
                    label=state.label,
                    number=counts[alias, state],
                    url=_list(InboxMessage, alias__exact=alias, state__exact=state.value),
                    # What waits for its payment is right until that is late.
                    is_bad=counts[alias, state] > 0 and state != InboxState.WAITING,
                )
                for state in UNRESOLVED
            ],
        )
        for alias in dict.fromkeys(aliases)
    ]


def _last_webhook(alias: str) -> datetime | None:
    sent = InboxMessage.objects.filter(alias=alias, source=InboxSource.WEBHOOK)
    return sent.order_by("-received_at").values_list("received_at", flat=True).first()


def _sights() -> list[Sight]:
    orders, requests = get_order_model(), RefundRequestState
    late = timezone.now() - timedelta(hours=1)
    found: list[tuple[Any, QuerySet[Any], str, bool]] = [
        (
            _("Orders that need attention"),
            orders.objects.needing_attention(),
            _list(orders, attention="any"),
            True,
        ),
        *(
            (label, stuck(why), _list(orders, stuck=why), why != "abandoned")
            for why, label in STUCK.items()
        ),
        (
            _("Access without a basis"),
            access_without_basis(),
            _list(get_purchased_product_model()),
            True,
        ),
        *(
            (
                _("Refunds: %s") % state.label,
                RefundRequest.objects.filter(state=state),
                _list(RefundRequest, state__exact=state.value),
                True,
            )
            for state in (requests.REFUSED, requests.DOUBTFUL)
        ),
        (
            _("Products that a provider did not take"),
            ProviderItem.objects.filter(state=ItemState.FAILED),
            _list(ProviderItem, state__exact=ItemState.FAILED.value),
            True,
        ),
        (
            _("Outgoing messages that were given up"),
            OutboxMessage.objects.filter(state="failed"),
            _list(OutboxMessage, state__exact="failed"),
            True,
        ),
        (
            _("Outgoing messages that are an hour late"),
            OutboxMessage.objects.filter(state="pending", next_try_at__lt=late),
            _list(OutboxMessage, state__exact="pending"),
            True,
        ),
    ]
    sights = []
    for label, rows, url, is_serious in found:
        number = rows.order_by()[: MOST + 1].count()
        sights.append(Sight(label=label, number=number, url=url, is_bad=is_serious and number > 0))
    return sights


def _jobs() -> list[JobHealth]:
    runs = JobRun.objects.in_bulk()
    return [
        JobHealth(
            name=job.name,
            every=job.every,
            last_started=run.last_started_at if (run := runs.get(job.name)) else None,
            problem=_problem(job, runs.get(job.name)),
        )
        for job in registered_jobs()
    ]


def _problem(job: PeriodicJob, run: JobRun | None) -> str:
    now = timezone.now()
    if run is None or run.last_started_at is None:
        return _("It never ran: call digitalstore_run_due every minute.")
    if run.locked_until is not None:
        return "" if run.locked_until > now else _("It was interrupted.")
    if run.last_error:
        return run.last_error
    if run.last_started_at < now - 2 * job.every - timedelta(minutes=5):
        return _("It is late: call digitalstore_run_due every minute.")
    return ""


def _list(model: Any, **filters: str) -> str:
    """Return the address of the admin's list; nothing where the model is not registered."""
    try:
        base = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    except NoReverseMatch:
        return ""
    return f"{base}?{urlencode(filters)}" if filters else base
