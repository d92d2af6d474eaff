"""Periodic jobs of the payments."""

from datetime import timedelta

from django.conf import settings

from django_digitalstore.core.jobs import periodic_job

from . import flows, inbox
from .exceptions import ItemNotSynced, NotReconciled

__all__ = ["expire_checkouts", "process_left_over", "reconcile", "sync_items"]

#: Items that one run brings to a provider: at four in a second, a few minutes.
_ITEMS = 1000


@periodic_job("payments.expire_checkouts", every=timedelta(minutes=15))
def expire_checkouts() -> str:
    """Mark attempts whose checkout is over."""
    return f"{flows.expire_checkouts()} expired"


@periodic_job("payments.process_left_over", every=timedelta(minutes=5))
def process_left_over() -> str:
    """Apply messages that a killed process kept and did not apply."""
    return f"{inbox.process_left_over()} processed"


@periodic_job("payments.sync_items", every=timedelta(hours=1))
def sync_items() -> str:
    """Bring what differs to the providers that keep products, whether or not anybody noted it.

    Raises ``ItemNotSynced`` with the failures, after all of them.
    """
    pushed, problems = 0, []
    for alias in flows.item_aliases():
        try:
            for _difference, outcome in flows.sync_items(alias, limit=_ITEMS):
                if not isinstance(outcome, ItemNotSynced):
                    pushed += outcome != flows.ItemOutcome.UNCHANGED
                elif not outcome.is_busy:
                    problems.append(str(outcome))
        except ItemNotSynced as problem:
            problems.append(str(problem))
    if problems:
        raise ItemNotSynced(" ".join(problems))
    return f"{pushed} brought to their provider"


def reconcile() -> str:
    """Ask the providers what no webhook told. Raises ``NotReconciled`` where one did not answer."""
    troubles: list[str] = []

    def tell(finding: flows.Finding) -> None:
        if isinstance(finding, flows.Trouble):
            troubles.append(str(finding))

    done = flows.reconcile(tell=tell)
    if troubles:
        raise NotReconciled(" ".join(troubles))
    return f"{done.differences} orders healed, {done.unmatched} unmatched"


if settings.DIGITALSTORE_RECONCILE_EVERY is not None:
    periodic_job("payments.reconcile", every=settings.DIGITALSTORE_RECONCILE_EVERY)(reconcile)
