"""Periodic jobs of the payments."""

from datetime import timedelta

from django_digitalstore.core.jobs import periodic_job

from . import flows

__all__ = ["expire_checkouts"]


@periodic_job("payments.expire_checkouts", every=timedelta(minutes=15))
def expire_checkouts() -> str:
    """Mark attempts whose checkout is over."""
    return f"{flows.expire_checkouts()} expired"
