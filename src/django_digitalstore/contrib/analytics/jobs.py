"""Periodic jobs of the sales analytics."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["roll_up"]


@periodic_job("analytics.roll_up", every=timedelta(minutes=1))
def roll_up() -> str:
    """Count the days again of which orders, payments, refunds or disputes changed."""
    done = flows.roll_up()
    return f"{done.days} days, {done.written} rows"
