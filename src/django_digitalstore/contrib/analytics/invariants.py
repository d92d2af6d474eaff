"""What must hold of the daily figures: they are what the facts say."""

from __future__ import annotations

from collections.abc import Iterator

from django_digitalstore.core.invariants import Finding, invariant

from . import flows
from .exceptions import NotRolledUp

__all__ = ["find_figures_unlike_their_facts"]


@invariant("analytics.daily_figures")
def find_figures_unlike_their_facts() -> Iterator[Finding]:
    """The figures of a day are what its orders, refunds and disputes say."""
    try:
        for difference in flows.find_differences():
            yield (
                f"digitalstore_analytics.DailyFigures {difference.row}",
                difference.problem,
                f"run manage.py digitalstore_rollup --since {difference.day}.",
            )
    except NotRolledUp:
        return  # readers count from the facts, so there is nothing that could be wrong
